"""Retrieval quality on sets in one common form; run as ``python -m benches.quality --data DIR``."""
