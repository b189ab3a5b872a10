"""Smoothing and standardising scores along the tokens."""

import numpy as np

from recollect.errors import InvalidArgument
from recollect.kvcache.arrays import Array

__all__ = ["checked_pooling", "pooled", "standardised"]


def pooled(scores: Array, kernel: int, pool: str = "avg") -> Array:
    """Return the average or the greatest of `kernel` neighbours along the last axis.

    Beyond the ends the average counts zeros, as many as the kernel is wide, and the greatest counts nothing.

    Raises
    ------
    InvalidArgument
        If the kernel is even, or `pool` is neither ``"avg"`` nor ``"max"``.
    """
    checked_pooling(kernel, pool)
    half = kernel // 2
    around = [(0, 0)] * (scores.ndim - 1) + [(half, half)]
    padded = np.pad(scores, around, constant_values=0.0 if pool == "avg" else -np.inf)
    shifted = [padded[..., at : at + scores.shape[-1]] for at in range(kernel)]
    found: Array = np.maximum.reduce(shifted) if pool == "max" else np.add.reduce(shifted) / kernel
    return found


def checked_pooling(kernel: int, pool: str) -> None:
    """Raise unless neighbours can be pooled so.

    Raises
    ------
    InvalidArgument
        If the kernel is even, or `pool` is neither ``"avg"`` nor ``"max"``.
    """
    if kernel < 1 or kernel % 2 == 0:
        raise InvalidArgument(f"kernel: expected an odd number, found {kernel}")
    if pool not in ("avg", "max"):
        raise InvalidArgument(f"pool: expected avg or max, found {pool!r}")


def standardised(scores: Array) -> Array:
    """Return scores with mean 0 and deviation 1 along the last axis; equal ones become zeros."""
    if not scores.shape[-1]:
        return scores
    centred = scores - scores.mean(-1, keepdims=True)
    deviation = centred.std(-1, keepdims=True)
    small = deviation <= 1e-12 * np.abs(scores).max(-1, keepdims=True)
    return np.where(small, 0.0, centred / np.where(small, 1.0, deviation))
