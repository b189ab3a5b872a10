"""Scales, zeros and means in 16 bits: they are rounded first, and codes are made for what they became."""

import numpy as np
import numpy.typing as npt

from recollect.errors import InvalidArgument
from recollect.kvcache.arrays import Array

__all__ = ["half", "half_scale", "halves"]

Halves = npt.NDArray[np.float16]

_TINY = np.float64(np.finfo(np.float16).smallest_subnormal)


def half(numbers: Array, what: str) -> Halves:
    """Return numbers as float16.

    Raises
    ------
    InvalidArgument
        If one is beyond what float16 can hold, 65504.
    """
    with np.errstate(over="ignore"):
        found = numbers.astype(np.float16)
    if not np.isfinite(found).all():
        raise InvalidArgument(f"array: its {what} is beyond 65504, which 16 bits cannot hold; scale it down")
    return found


def halves(part: Array) -> npt.NDArray[np.uint16]:
    """Return the bits of float16 one after another."""
    return np.ascontiguousarray(part, dtype=np.float16).reshape(-1).view(np.uint16)


def half_scale(numbers: Array, what: str) -> Halves:
    """Return steps, none below zero, as float16: one of zero becomes 1, and no other becomes zero.

    Raises
    ------
    InvalidArgument
        If one is beyond what float16 can hold, 65504.
    """
    return half(np.where(numbers > 0, np.maximum(numbers, _TINY.astype(numbers.dtype)), 1.0), what)
