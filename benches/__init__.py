"""Measurements: retrieval quality on public data, latency against peers."""
