"""Attention of one new token over what a layer holds, piece by piece: no rows are made out of codes."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from recollect.kvcache.arrays import received
from recollect.kvcache.decoding import decode_attention
from recollect.kvcache.quantizers.plain import Plain
from recollect.kvcache.quantizers.quantized import Quantized
from recollect.kvcache.segments import Segment

__all__ = ["Pieces", "attended", "plain_pieces"]

_LAST = np.iinfo(np.int32).max - 1
"""Where the query stands: behind all places but those of padding."""


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """What every sequence of a layer holds, as attention reads it.

    Attributes
    ----------
    by_sequence
        The pieces of each sequence; a position says whether a place is seen, and no more.
    heads, dim, value_dim
        Of keys, and dimensions of keys and values.
    """

    by_sequence: list[list[Segment]]
    heads: int
    dim: int
    value_dim: int

    @property
    def seen(self) -> npt.NDArray[np.int64]:
        """Whether there is anything, ``[batch]``: positions are those of no sequence."""
        return np.ones(len(self.by_sequence), dtype=np.int64)

    def segments(self, index: int) -> Iterator[Segment]:
        """Yield the pieces of one sequence."""
        yield from self.by_sequence[index]


def plain_pieces(
    keys: torch.Tensor, values: torch.Tensor, present: torch.Tensor | None = None
) -> list[Segment]:
    """Return rows as they are, ``[batch, heads, n, d]``, one piece a sequence; padding is seen by nobody."""
    rows = received(keys, "keys", 4), received(values, "values", 4)
    positions = np.zeros((len(rows[0]), rows[0].shape[2]), dtype=np.int64)
    if present is not None:
        positions[~present.cpu().numpy()] = _LAST + 1
    found = []
    for index, places in enumerate(positions):
        own, theirs = (Quantized(Plain(), {"rows": part[index]}, part.shape[1:]) for part in rows)
        found.append(Segment(0, own, theirs, places))
    return found


def attended(queries: torch.Tensor, pieces: Pieces, scaling: float | None) -> torch.Tensor:
    """Return the output of attention, ``[batch, 1, query_heads, d_v]``."""
    places = np.full((len(queries), 1), _LAST)
    found = decode_attention(queries, pieces, positions=places, scale=scaling)
    return found.output.to(queries.dtype).transpose(1, 2).contiguous()
