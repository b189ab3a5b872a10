"""Numbers that look random and follow from a counter alone: SplitMix64 (Steele, Lea and Flood, 2014)."""

import numpy as np
import numpy.typing as npt

__all__ = ["mixed", "signs"]

_STEP = np.uint64(0x9E3779B97F4A7C15)


def mixed(numbers: npt.ArrayLike) -> npt.NDArray[np.uint64]:
    """Return 64 bits for each number of 64 bits."""
    with np.errstate(over="ignore"):
        found = np.asarray(numbers, dtype=np.uint64) + _STEP
        found = (found ^ (found >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        found = (found ^ (found >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return np.asarray(found ^ (found >> np.uint64(31)))


def signs(count: int, seed: int) -> npt.NDArray[np.float64]:
    """Return `count` signs, 1 or -1."""
    with np.errstate(over="ignore"):
        counters = np.uint64(seed) + _STEP * np.arange(count, dtype=np.uint64)
    return np.where(mixed(counters) >> np.uint64(63), -1.0, 1.0)
