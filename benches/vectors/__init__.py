"""Nearest vectors against peers: speed at equal recall, building, a mix of reads and writes."""

# Sets how many threads the libraries start with, which they read when they are imported.
import benches.latency  # noqa: F401
