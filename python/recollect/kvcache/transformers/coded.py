"""Tokens as codes, head after head in flat arrays, each token for itself: one goes without the others."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from recollect.errors import InvalidArgument
from recollect.kvcache.quantizers.codec import Codec
from recollect.kvcache.quantizers.kinds import codec_of
from recollect.kvcache.quantizers.quantized import Quantized, quantize
from recollect.kvcache.tensors import tensor_like
from recollect.kvcache.transformers.held import Counts, Held

__all__ = ["Codecs", "Coded", "by_token"]

Codecs = tuple[Codec, Codec]
"""The quantizers of keys and of values."""


def by_token(kind: str | Codec, role: str) -> Codec:
    """Return a quantizer of ``"keys"`` or ``"values"`` whose codes of a token depend on that token alone.

    Raises
    ------
    InvalidArgument
        If those of others have a part in them.
    """
    codec = codec_of(kind, role)
    if codec.block != 1 or not codec.cuts:
        raise InvalidArgument(
            f"{role}: expected a quantizer that keeps each token by itself, as fp8 and int8 do, "
            f"found {codec.name}"
        )
    return codec


@dataclass(frozen=True, slots=True, eq=False)
class Coded:
    """Keys, values and columns of some tokens of each head, in their order.

    Attributes
    ----------
    keys, values
        ``[1, n, d]`` and ``[1, n, d_v]``; heads one after another, those of the first sequence first.
    columns
        Which tokens of the input they are, int32 ``[n]``.
    counts
        Tokens of each head, int64 ``[batch, heads]``.
    """

    keys: Quantized
    values: Quantized
    columns: npt.NDArray[np.int32]
    counts: Counts

    @classmethod
    def made(cls, rows: Held, codecs: Codecs) -> "Coded":
        """Return tokens as codes.

        Raises
        ------
        InvalidArgument
            If a number is not finite.
        """
        parts = [
            quantize(part[None], codec, backend="rust")
            for part, codec in zip((rows.keys, rows.values), codecs, strict=True)
        ]
        return cls(parts[0], parts[1], rows.columns.cpu().numpy(), rows.counts)

    @property
    def nbytes(self) -> int:
        """Bytes of codes, what they mean, columns and counts."""
        return self.keys.nbytes + self.values.nbytes + self.columns.nbytes + self.counts.nbytes

    def decoded(self, like: tuple[torch.Tensor, torch.Tensor]) -> Held:
        """Return what the codes stand for, as keys and values of this type and on this device."""
        keys, values = (
            tensor_like(part.dequantize(backend="rust")[0], one).to(one.dtype)
            for part, one in zip((self.keys, self.values), like, strict=True)
        )
        return Held(keys, values, torch.from_numpy(self.columns).to(keys.device), self.counts)

    def joined(self, other: "Coded") -> "Coded":
        """Return these tokens and others, each head in the order of its columns."""
        owners = np.concatenate([one.owners for one in (self, other)])
        columns = np.concatenate([self.columns, other.columns])
        order = np.lexsort((columns, owners))
        parts = [
            Quantized(
                mine.codec,
                {
                    name: np.take(np.concatenate([part, theirs.parts[name]], 1), order, 1)
                    for name, part in mine.parts.items()
                },
                (1, len(order), mine.shape[2]),
            )
            for mine, theirs in ((self.keys, other.keys), (self.values, other.values))
        ]
        return Coded(parts[0], parts[1], columns[order], self.counts + other.counts)

    def where(self, mask: npt.NDArray[np.bool_]) -> "Coded":
        """Return the tokens of a mask ``[batch, heads, longest]``; what it says behind a head is nothing."""
        there = np.arange(mask.shape[2]) < self.counts[..., None]
        return self._rows(np.flatnonzero(mask[there]), (mask & there).sum(2))

    def of(self, sequences: torch.Tensor) -> "Coded":
        """Return some sequences, in this order."""
        first = np.cumsum(self.counts.sum(1)) - self.counts.sum(1)
        blocks = [np.arange(first[at], first[at] + self.counts[at].sum()) for at in sequences.tolist()]
        rows = np.concatenate([np.empty(0, dtype=np.int64), *blocks])
        return self._rows(rows, self.counts[sequences.numpy()])

    @property
    def owners(self) -> npt.NDArray[np.int64]:
        """Which head each token belongs to, counted over the sequences, ``[n]``."""
        return np.repeat(np.arange(self.counts.size), self.counts.reshape(-1))

    def _rows(self, rows: npt.NDArray[np.int64], counts: Counts) -> "Coded":
        parts = [
            Quantized(
                one.codec,
                {name: np.take(part, rows, 1) for name, part in one.parts.items()},
                (1, len(rows), one.shape[2]),
            )
            for one in (self.keys, self.values)
        ]
        return Coded(parts[0], parts[1], self.columns[rows], counts)
