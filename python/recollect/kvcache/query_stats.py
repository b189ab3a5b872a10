"""Mean and covariance of queries, as they come in chunks."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from recollect.checks import count_of
from recollect.errors import InvalidArgument
from recollect.kvcache.arrays import (
    Array,
    Foreign,
    lengths_of,
    library_of,
    numbers,
    opened,
    received,
    table_of,
)
from recollect.kvcache.backends import chosen

__all__ = ["QueryStats"]

_AT_ONCE = 4096
"""Tokens that are float64 at a time on a GPU."""


class QueryStats:
    """Mean and covariance of the queries of each head before RoPE, kept up with every chunk, where these lie.

    Parameters
    ----------
    skip
        Tokens at the beginning of a sequence whose queries do not count: those of sinks are unlike all
        others.
    """

    def __init__(self, *, skip: int = 4) -> None:
        self._skip = count_of(skip, "skip")
        self._seen: Any = None
        self._count = np.zeros(0)
        self._mean = np.zeros((0, 0, 0))
        self._scatter = np.zeros((0, 0, 0, 0))

    def observe(
        self, queries: Foreign, *, lengths: Foreign | None = None, backend: str | None = None
    ) -> None:
        """Add queries.

        Parameters
        ----------
        queries
            ``[batch, query_heads, w, d]`` before RoPE.
        lengths
            Those of each sequence, ``[batch]``; by default all.
        backend
            ``"cuda"``, the default for queries on a GPU, adds up there; others on the CPU. All do in float64.

        Raises
        ------
        InvalidArgument
            If the shape does not go on from the queries before.
        """
        if chosen(backend, queries) != "cuda":
            self._observe(received(queries, "queries", 4), lengths, np, numbers, None)
            return
        # Loaded for those alone who use it.
        from recollect.kvcache.cuda.floats import floats_on
        from recollect.kvcache.cuda.working import received_on, working

        with working(queries) as device:
            rows = received_on(device, queries, "queries", 4)
            whole = rows.dtype == np.float64
            self._observe(
                rows, lengths, device.xp, lambda part: part if whole else floats_on(device, part), _AT_ONCE
            )

    def _observe(
        self,
        rows: Array,
        lengths: Foreign | None,
        library: ModuleType,
        wide: Callable[[Array], Array],
        at_once: int | None,
    ) -> None:
        batch, heads, tokens, dim = rows.shape
        counts = lengths_of(lengths, batch, tokens)
        if self._seen is None:
            self._seen, self._count = np.zeros(batch, dtype=np.int64), np.zeros(batch)
            self._mean, self._scatter = np.zeros((batch, heads, dim)), np.zeros((batch, heads, dim, dim))
        if self._mean.shape != (batch, heads, dim):
            raise InvalidArgument(f"queries: {rows.shape} does not go on from {self._mean.shape}")
        self._mean, self._scatter = (_in(library, part) for part in (self._mean, self._scatter))
        for index, length in enumerate(counts.tolist()):
            first = min(max(self._skip - int(self._seen[index]), 0), length)
            for start in range(first, length, at_once or max(length, 1)):
                end = length if at_once is None else min(start + at_once, length)
                new = wide(rows[index][:, start:end]).astype(np.float64)
                self._add(index, new[:, library.isfinite(new).all((0, 2))])
            self._seen[index] += length

    def _add(self, index: int, new: Array) -> None:
        count = new.shape[1]
        if not count:
            return
        # The update of Chan, Golub and LeVeque (1983) for two sets of samples.
        mean = new.mean(1)
        apart, total = mean - self._mean[index], self._count[index] + count
        centred = new - mean[:, None]
        between = apart[:, :, None] * apart[:, None] * (self._count[index] * count / total)
        self._scatter[index] += centred.swapaxes(1, 2) @ centred + between
        self._mean[index] += apart * (count / total)
        self._count[index] = total

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        seen = 0 if self._seen is None else int(self._seen.nbytes)
        return seen + self._mean.nbytes + self._scatter.nbytes + self._count.nbytes

    def take(self, sequences: Foreign) -> None:
        """Make the statistics those of these sequences, int64 ``[n]``; one may come several times."""
        at = table_of(sequences, "sequences")
        if self._seen is not None:
            self._seen, self._count = self._seen[at], self._count[at]
            self._mean, self._scatter = (
                part[library_of(part).asarray(at)] for part in (self._mean, self._scatter)
            )

    @property
    def query_heads(self) -> int:
        """Query heads of what was observed."""
        return int(self._mean.shape[1])

    def of(self, index: int | slice) -> tuple[Array, Array]:
        """Return mean ``[query_heads, d]`` and covariance ``[query_heads, d, d]``, of a sequence or more."""
        mean, scatter = _in(np, self._mean), _in(np, self._scatter)
        return mean[index], scatter[index] / np.maximum(self._count[index], 1)[..., None, None, None]

    def on(self, library: ModuleType) -> tuple[Array, Array]:
        """Return means and covariances of all sequences as arrays of NumPy or CuPy."""
        count = _in(library, np.maximum(self._count, 1))
        return _in(library, self._mean), _in(library, self._scatter) / count[:, None, None, None]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Sequences, query heads and dimensions of what was observed."""
        batch, heads, dim = self._mean.shape
        return batch, heads, dim


def _in(library: ModuleType, found: Array) -> Array:
    """Return an array as one of a library, NumPy or CuPy."""
    moved: Array = opened(found, "state") if library is np else library.asarray(found)
    return moved
