"""Attention that future queries are expected to pay (Devoto and others, "Expected attention", 2025)."""

from typing import Any

import numpy as np

from recollect.checks import count_of
from recollect.errors import InvalidArgument
from recollect.kvcache.arrays import Array, Foreign, lengths_of, numbers, received, table_of
from recollect.kvcache.layer import Layer, Sequence
from recollect.kvcache.rotary import mean_rotation
from recollect.kvcache.softmax import softmax

__all__ = ["QueryStats", "expected_attention"]


class QueryStats:
    """Mean and covariance of the queries of each head before RoPE, kept up with every chunk.

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

    def observe(self, queries: Foreign, *, lengths: Foreign | None = None) -> None:
        """Add queries, ``[batch, query_heads, w, d]`` before RoPE, of which each sequence has its `lengths`.

        Raises
        ------
        InvalidArgument
            If the shape does not go on from the queries before.
        """
        rows = received(queries, "queries", 4)
        batch, heads, tokens, dim = rows.shape
        counts = lengths_of(lengths, batch, tokens)
        if self._seen is None:
            self._seen, self._count = np.zeros(batch, dtype=np.int64), np.zeros(batch)
            self._mean, self._scatter = np.zeros((batch, heads, dim)), np.zeros((batch, heads, dim, dim))
        if self._mean.shape != (batch, heads, dim):
            raise InvalidArgument(f"queries: {rows.shape} does not go on from {self._mean.shape}")
        for index, length in enumerate(counts):
            first = min(max(self._skip - int(self._seen[index]), 0), int(length))
            new = numbers(rows[index])[:, first:length].astype(np.float64)
            self._seen[index] += length
            self._add(index, new[:, np.isfinite(new).all((0, 2))])

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
            self._mean, self._scatter = self._mean[at], self._scatter[at]

    @property
    def query_heads(self) -> int:
        """Query heads of what was observed."""
        return int(self._mean.shape[1])

    def of(self, index: int | slice) -> tuple[Array, Array]:
        """Return mean ``[query_heads, d]`` and covariance ``[query_heads, d, d]``, of a sequence or more."""
        count = np.maximum(self._count[index], 1)
        return self._mean[index], self._scatter[index] / count[..., None, None, None]


def expected_attention(
    layer: Layer,
    *,
    statistics: QueryStats,
    inv_freq: Foreign,
    n_future: int = 512,
    n_sink: int = 4,
    epsilon: float = 0.0,
    covariance: bool = True,
    value_norm: bool = True,
    next_positions: Foreign | None = None,
) -> Foreign:
    """Score by the attention of queries drawn from their statistics at the next `n_future` positions.

    A product of matrices: on a CPU NumPy does it in float64, whatever the backend of the layer.

    Parameters
    ----------
    layer
        Its keys, and its values unless `value_norm` is off.
    statistics
        Of the queries before RoPE.
    inv_freq
        Radians a token of each pair of dimensions of RoPE, ``[d / 2]``.
    n_future
        Positions ahead that are averaged.
    n_sink
        First tokens that stay and draw no probability here.
    epsilon
        Added to the probability before it is weighed.
    covariance
        Count the spread of the queries, not their mean alone.
    value_norm
        Weigh by the length of the value.
    next_positions
        Of each sequence, ``[batch]``, where the layer no longer holds all of its tokens; by default their
        number.

    Returns
    -------
    array
        float32 ``[batch, heads, tokens]``, infinite for sinks.

    Raises
    ------
    InvalidArgument
        If the statistics are of other heads or dimensions, or the layer lacks values.
    """
    if value_norm:
        layer.needs("values", by="expected_attention")
    batch, heads, _, dim = layer.shape
    frequencies = numbers(received(inv_freq, "inv_freq", 1)).astype(np.float64)
    if 2 * len(frequencies) != dim:
        raise InvalidArgument(f"inv_freq: expected {dim // 2} frequencies, found {len(frequencies)}")
    if (
        statistics._mean.shape[0] != batch
        or statistics.query_heads % heads
        or statistics._mean.shape[2] != dim
    ):
        raise InvalidArgument(f"statistics: of {statistics._mean.shape}, the layer is {layer.shape}")

    starts = None if next_positions is None else table_of(next_positions, "next_positions")
    if starts is not None and starts.shape != (batch,):
        raise InvalidArgument(f"next_positions: expected the shape ({batch},), found {starts.shape}")

    n_future, n_sink = count_of(n_future, "n_future", 1), count_of(n_sink, "n_sink")
    if layer.has_kernels():
        from recollect.kvcache.cuda.expected import expected_shares

        first_ahead = layer.present.sum(1) if starts is None else starts
        turns = [mean_rotation(frequencies, int(first) + np.arange(n_future)) for first in first_ahead]
        turned = np.stack(turns)[:, None] if turns else np.zeros((0, 1, dim, dim))
        means, spreads = statistics.of(slice(None))
        means = (turned @ means[..., None])[..., 0]
        around = turned @ spreads @ turned.swapaxes(2, 3) if covariance else None
        return layer.by_kernels(
            lambda cached: expected_shares(
                cached, means, around, n_sink=n_sink, epsilon=epsilon, value_norm=value_norm
            )
        )

    def score(one: Sequence) -> Array:
        mean, spread = statistics.of(one.index)
        first = one.length if starts is None else int(starts[one.index])
        turn = mean_rotation(frequencies, first + np.arange(n_future))
        mean = (mean @ turn.T).reshape(heads, -1, dim)
        free = one.places >= n_sink
        keys = one.keys[:, free]
        logits = mean @ keys.swapaxes(1, 2) / np.sqrt(dim)
        if covariance:
            spread = (turn @ spread @ turn.T).reshape(heads, -1, dim, dim)
            logits += ((keys[:, None] @ spread) * keys[:, None]).sum(-1) / (2 * dim)
        expected = softmax(logits).mean(1)
        if value_norm:
            expected = (expected + epsilon) * np.sqrt((one.values[:, free] ** 2).sum(-1))
        scores = np.full((heads, len(one)), np.inf)
        scores[:, free] = expected
        return scores

    return layer.scored(score)
