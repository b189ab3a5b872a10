"""Rotary position embedding: the mean turn of positions ahead, and moving keys to new positions.

The two halves of the turned dimensions are the two parts of each pair, or neighbours where `interleaved`.
Source: Su and others, "RoFormer" (2021).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from recollect.errors import InvalidArgument
from recollect.kvcache.arrays import Array, in_form_of, numbers

__all__ = ["Rope", "mean_rotation"]


@dataclass(frozen=True, slots=True, eq=False)
class Rope:
    """How keys were turned.

    Attributes
    ----------
    inv_freq
        Radians a token of each pair, ``[r]``; the first ``2 r`` dimensions are turned, the rest are not.
    interleaved
        Whether pairs are neighbours and not halves apart.
    """

    inv_freq: npt.ArrayLike
    interleaved: bool = False

    def frequencies(self, dim: int) -> npt.NDArray[np.float64]:
        """Return the radians a token of each pair of keys of `dim` dimensions.

        Raises
        ------
        InvalidArgument
            If there are more pairs than dimensions have.
        """
        found = np.asarray(self.inv_freq, dtype=np.float64).reshape(-1)
        if 2 * len(found) > dim:
            raise InvalidArgument(f"inv_freq: {len(found)} pairs in {dim} dimensions")
        return found

    def moved(self, keys: Array, by: npt.ArrayLike) -> Array:
        """Return keys ``[..., n, d]`` turned by so many positions, ``[..., n]``, in the type they came in.

        Raises
        ------
        InvalidArgument
            If there are more pairs than dimensions have.
        """
        frequencies = self.frequencies(keys.shape[-1])
        pairs = len(frequencies)
        angles = np.asarray(by, dtype=np.float64)[..., None] * frequencies
        cos, sin = np.cos(angles), np.sin(angles)
        rows = numbers(keys).astype(np.float64)
        turned = slice(0, 2 * pairs, 2) if self.interleaved else slice(0, pairs)
        beside = slice(1, 2 * pairs, 2) if self.interleaved else slice(pairs, 2 * pairs)
        first, second = rows[..., turned].copy(), rows[..., beside].copy()
        rows[..., turned] = first * cos - second * sin
        rows[..., beside] = second * cos + first * sin
        return in_form_of(rows, keys)


def mean_rotation(frequencies: npt.NDArray[np.float64], positions: npt.NDArray[np.int64]) -> Array:
    """Return the mean of the turns to each of `positions`, float64 ``[d, d]``; pairs are halves apart."""
    angles = positions[:, None] * frequencies
    cos, sin = np.cos(angles).mean(0), np.sin(angles).mean(0)
    half = len(frequencies)
    mean = np.diag(np.concatenate([cos, cos]))
    mean[:half, half:] -= np.diag(sin)
    mean[half:, :half] += np.diag(sin)
    return mean
