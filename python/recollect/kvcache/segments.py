"""What a cache holds, piece by piece: each piece has one quantizer for its keys and one for its values."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from recollect.kvcache.quantizers.quantized import Quantized

__all__ = ["POSITION_BYTES", "Segment", "Segmented"]

POSITION_BYTES = 4
"""Bytes of the position of a token, at most; short sequences take fewer."""


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """Tokens of some heads of one sequence.

    Attributes
    ----------
    first
        The first of its heads; `keys` has those that follow one after another.
    keys, values
        ``[heads, n, d]`` and ``[heads, n, d_v]``.
    positions
        Of the tokens in their sequence, ``[n]``.
    """

    first: int
    keys: Quantized
    values: Quantized
    positions: npt.NDArray[np.integer]

    @property
    def heads(self) -> slice:
        """Heads of the cache that it belongs to."""
        return slice(self.first, self.first + self.keys.shape[0])

    @property
    def nbytes(self) -> int:
        """Bytes held, those of positions included."""
        return self.keys.nbytes + self.values.nbytes + self.positions.nbytes


class Segmented(Protocol):
    """A cache that attention can read."""

    @property
    def heads(self) -> int:
        """Heads of keys."""

    @property
    def dim(self) -> int:
        """Dimensions of a key."""

    @property
    def value_dim(self) -> int:
        """Dimensions of a value."""

    @property
    def seen(self) -> npt.NDArray[np.int64]:
        """Tokens that came to each sequence, ``[batch]``."""

    def segments(self, index: int) -> Iterator[Segment]:
        """Yield what is held of one sequence."""
