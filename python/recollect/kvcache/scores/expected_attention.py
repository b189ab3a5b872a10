"""Attention that future queries are expected to pay (Devoto and others, "Expected attention", 2025)."""

import numpy as np

from recollect.checks import count_of
from recollect.errors import InvalidArgument
from recollect.kvcache.arrays import Array, Foreign, numbers, received, table_of
from recollect.kvcache.layer import Layer, Sequence
from recollect.kvcache.query_stats import QueryStats
from recollect.kvcache.rotary import mean_rotation
from recollect.kvcache.softmax import softmax

__all__ = ["expected_attention"]


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
    known, query_heads, observed = statistics.shape
    if known != batch or query_heads % heads or observed != dim:
        raise InvalidArgument(f"statistics: of {statistics.shape}, the layer is {layer.shape}")

    starts = None if next_positions is None else table_of(next_positions, "next_positions")
    if starts is not None and starts.shape != (batch,):
        raise InvalidArgument(f"next_positions: expected the shape ({batch},), found {starts.shape}")

    n_future, n_sink = count_of(n_future, "n_future", 1), count_of(n_sink, "n_sink")
    if layer.has_kernels():
        from recollect.kvcache.cuda.expected import expected_shares

        first_ahead = layer.present.sum(1) if starts is None else starts
        turns = [mean_rotation(frequencies, int(first) + np.arange(n_future)) for first in first_ahead]
        turned = np.stack(turns)[:, None] if turns else np.zeros((0, 1, dim, dim))
        return layer.by_kernels(
            lambda cached: expected_shares(
                cached,
                *statistics.on(cached.device.xp),
                turned,
                covariance=covariance,
                n_sink=n_sink,
                epsilon=epsilon,
                value_norm=value_norm,
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
