"""A layer in which every token stays, most of them as codes."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch

from recollect.kvcache.arrays import Foreign
from recollect.kvcache.decoding import decode_attention
from recollect.kvcache.quantized_cache import QuantizedCache
from recollect.kvcache.segments import Segmented
from recollect.kvcache.tensors import tensor_like
from recollect.kvcache.transformers.layer import KVLayer

__all__ = ["QuantizedLayer", "dense"]

Columns = list[npt.NDArray[np.int32]]


class QuantizedLayer(KVLayer):
    """One layer of :class:`~recollect.kvcache.transformers.QuantizedKVCache`.

    Parameters
    ----------
    config
        Of the model.
    make
        Makes the cache that holds the tokens.
    on_codes
        Attend to the codes in steps of one token, where our attention runs.
    """

    def __init__(self, config: Foreign, make: Callable[[], QuantizedCache], *, on_codes: bool) -> None:
        self._make, self._on_codes = make, on_codes
        super().__init__(config)

    def forget(self) -> None:
        """Make the layer as it was at first."""
        super().forget()
        self._cache = self._make()
        self._columns: Columns | None = None
        self._like: tuple[torch.Tensor, torch.Tensor] | None = None

    @property
    def nbytes(self) -> int:
        """Bytes held; what sequences share after a reordering counts once."""
        columns = {id(one): one.nbytes for one in self._columns or ()}
        return self._cache.nbytes + sum(columns.values())

    def held(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None] | None:
        """Return what the codes stand for; zeros for padding."""
        if self._like is None:
            return None
        before = self.seen - (0 if self._step is None else self._step[0].shape[2])
        return *dense(self._cache, self._columns, before, self._like), None

    def store(
        self,
        keys: torch.Tensor,
        values: torch.Tensor,
        queries: torch.Tensor | None,
        present: torch.Tensor | None,
    ) -> None:
        """Take the tokens of a step, without padding."""
        if self._like is None:
            self._like = keys[:, :, :0].clone(), values[:, :, :0].clone()
        first = self.seen - keys.shape[2]
        if present is None:
            self._cache.append(keys, values)
            if self._columns is not None:
                new = np.arange(first, self.seen, dtype=np.int32)
                self._columns = [np.concatenate([one, new]) for one in self._columns]
            return
        rows = [_in_front(part, present) for part in (keys, values)]
        there = present.cpu().numpy()
        self._cache.append(*rows, lengths=there.sum(1))
        old = self._columns or [np.arange(first, dtype=np.int32) for _ in there]
        new_columns = [(first + np.flatnonzero(mask)).astype(np.int32) for mask in there]
        self._columns = [np.concatenate(pair) for pair in zip(old, new_columns, strict=True)]

    def attended(
        self, queries: torch.Tensor, present: torch.Tensor | None, scaling: float | None
    ) -> torch.Tensor | None:
        """Attend to the codes where that was asked for and one token came."""
        if not self._on_codes or queries.shape[2] != 1 or present is not None or self._like is None:
            return None
        self.settle(queries, present)
        found = decode_attention(queries, self._cache, scale=scaling)
        return found.output.to(queries.dtype).transpose(1, 2).contiguous()

    def take(self, sequences: torch.Tensor) -> None:
        """Make the layer one of these sequences."""
        self._cache.take(sequences.tolist())
        if self._columns is not None:
            self._columns = [self._columns[at] for at in sequences.tolist()]

    def drop_newest(self, count: int) -> None:
        """Forget the newest columns, as long as they are not yet codes."""
        first = self.seen - count
        if self._columns is None:
            gone = np.full(len(self._cache.seen), count)
        else:
            gone = np.array([int((one >= first).sum()) for one in self._columns])
        self._cache.drop_newest(gone)
        if self._columns is not None:
            self._columns = [one[one < first].copy() for one in self._columns]


def dense(
    cache: Segmented, columns: Columns | None, tokens: int, like: tuple[torch.Tensor, torch.Tensor]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return what a cache stands for, ``[batch, heads, tokens, d]``, each token at its column."""
    batch = len(cache.seen)
    whole = [np.zeros((batch, cache.heads, tokens, one.shape[3]), dtype=np.float32) for one in like]
    for index in range(batch):
        for segment in cache.segments(index):
            at = segment.positions if columns is None else columns[index][segment.positions]
            for part, into in zip((segment.keys, segment.values), whole, strict=True):
                into[index, segment.heads, at] = part.dequantize(backend="rust").swapaxes(0, 1)
    keys, values = (tensor_like(part, one).to(one.dtype) for part, one in zip(whole, like, strict=True))
    return keys, values


def _in_front(rows: torch.Tensor, present: torch.Tensor) -> torch.Tensor:
    order = (~present).to(torch.int8).argsort(dim=1, stable=True)
    return rows.gather(2, order[:, None, :, None].expand_as(rows))
