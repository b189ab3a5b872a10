"""Tokens that stayed, head after head in flat tensors, so that a head costs what it holds."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from recollect.kvcache.selection import Kept

__all__ = ["Counts", "Held"]

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """Keys, values and columns of some tokens of each head, in their order.

    Attributes
    ----------
    keys, values
        ``[n, d]`` and ``[n, d_v]``; heads one after another, those of the first sequence first.
    columns
        Which tokens of the input they are, int32 ``[n]``.
    counts
        Tokens of each head, int64 ``[batch, heads]``.
    """

    keys: torch.Tensor
    values: torch.Tensor
    columns: torch.Tensor
    counts: Counts

    @classmethod
    def chosen(cls, keys: torch.Tensor, values: torch.Tensor, columns: torch.Tensor, kept: Kept) -> "Held":
        """Return what is kept of ``[batch, heads, n, d]``, with the columns ``[batch, heads, n]``."""
        counts = kept.counts.astype(np.int64)
        owner = np.repeat(np.arange(counts.size), counts.reshape(-1))
        rows = torch.from_numpy(owner * kept.shape[2] + kept.indices).to(keys.device)
        flat = columns.to(torch.int32).expand(keys.shape[:3]).reshape(-1)
        parts = keys.reshape(-1, keys.shape[3])[rows], values.reshape(-1, values.shape[3])[rows]
        return cls(*parts, flat[rows], counts)

    @property
    def nbytes(self) -> int:
        """Bytes of keys, values, columns and counts."""
        return int(sum(part.nbytes for part in (self.keys, self.values, self.columns, self.counts)))

    def padded(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return keys, values and columns ``[batch, heads, longest, ...]``; empty places have column -1."""
        longest = int(self.counts.max(initial=0))
        shape = (*self.counts.shape, longest)
        if (self.counts == longest).all():
            return (
                self.keys.view(*shape, self.keys.shape[1]),
                self.values.view(*shape, self.values.shape[1]),
                self.columns.view(shape),
            )
        first = np.cumsum(self.counts.reshape(-1)) - self.counts.reshape(-1)
        there = np.arange(longest) < self.counts[..., None]
        rows = np.where(there, first.reshape(self.counts.shape)[..., None] + np.arange(longest), 0)
        at = torch.from_numpy(rows).to(self.keys.device)
        empty = torch.from_numpy(~there).to(self.keys.device)
        keys = self.keys[at].masked_fill(empty[..., None], 0)
        values = self.values[at].masked_fill(empty[..., None], 0)
        return keys, values, self.columns[at].masked_fill(empty, -1)

    def of(self, sequences: torch.Tensor) -> "Held":
        """Return some sequences, in this order."""
        first = np.cumsum(self.counts.reshape(-1)) - self.counts.reshape(-1)
        heads = self.counts.shape[1]
        blocks = [
            np.arange(first[at * heads], first[at * heads] + self.counts[at].sum())
            for at in sequences.tolist()
        ]
        rows = torch.from_numpy(np.concatenate([np.empty(0, dtype=np.int64), *blocks])).to(self.keys.device)
        counts = self.counts[sequences.numpy()]
        return Held(self.keys[rows], self.values[rows], self.columns[rows], counts)

    def parted(self, mask: npt.NDArray[np.bool_]) -> tuple["Held", "Held"]:
        """Return the tokens of a mask ``[n]``, and the others."""
        owner = np.repeat(np.arange(self.counts.size), self.counts.reshape(-1))
        found = []
        for which in (mask, ~mask):
            at = torch.from_numpy(which).to(self.keys.device)
            counts = np.bincount(owner[which], minlength=self.counts.size).astype(np.int64)
            parts = self.keys[at], self.values[at], self.columns[at]
            found.append(Held(*parts, counts.reshape(self.counts.shape)))
        return found[0], found[1]

    def before(self, column: int) -> "Held":
        """Return what lies before a column."""
        return self.parted((self.columns < column).cpu().numpy())[0]
