"""What one thread reads from memory, measured in the same run."""

import time
from collections.abc import Callable

import numpy as np

__all__ = ["read_bandwidth"]

_BYTES = 1 << 27


def read_bandwidth(rounds: int = 9) -> float:
    """Return the bytes a second of the fastest way to read that NumPy has, on more than the caches hold."""
    held = np.ones(_BYTES // 8, dtype=np.uint64)
    floats = held.view(np.float32)
    ways: list[Callable[[], object]] = [
        lambda: np.bitwise_or.reduce(held),
        floats.sum,
        floats.max,
    ]
    best = float("inf")
    for _ in range(rounds):
        for way in ways:
            start = time.thread_time()
            way()
            best = min(best, time.thread_time() - start)
    return _BYTES / best
