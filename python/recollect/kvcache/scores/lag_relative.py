"""Spread of a token in the range of the partition that follows (Liang and others, "LagKV", 2025)."""

import numpy as np

from recollect import _native
from recollect.checks import count_of
from recollect.kvcache.arrays import Array, Foreign
from recollect.kvcache.layer import Layer, Sequence
from recollect.kvcache.softmax import softmax

__all__ = ["lag_relative"]


def lag_relative(layer: Layer, *, n_sink: int = 4, lag: int = 128, eps: float = 1e-6) -> Foreign:
    """Score by the spread over channels, once scaled to the range of the next `lag` tokens.

    Parameters
    ----------
    layer
        Its keys and values.
    n_sink
        First tokens that stay.
    lag
        Tokens of a partition; scores are ranks within one. The last whole one and what follows it stay.
    eps
        A channel whose range in the next partition is not above it says nothing and counts as zero.

    Returns
    -------
    array
        float32 ``[batch, heads, tokens]``, 0 to 1, infinite for what stays.

    Raises
    ------
    InvalidArgument
        If the layer has no values.
    """
    layer.needs("values", by="lag_relative")
    n_sink, lag = count_of(n_sink, "n_sink"), count_of(lag, "lag", 1)

    if layer.has_kernels():
        from recollect.kvcache.cuda.partitions import lag_ranks

        return layer.by_kernels(lambda cached: lag_ranks(cached, n_sink, lag, eps))
    native = layer.native()
    if native is not None:
        given = native.keys, native.values, native.present
        return layer.finished(_native.kvcache_lag_relative(*given, n_sink, lag, eps, native.threads))

    def score(one: Sequence) -> Array:
        parts = max(len(one) - n_sink, 0) // lag
        scores = np.full((len(one.keys), len(one)), np.inf)
        if parts < 2:
            return scores
        spread = (
            _spread(one.keys, n_sink, lag, parts, eps) + _spread(one.values, n_sink, lag, parts, eps)
        ) / 2
        ranks = spread.argsort(-1, kind="stable").argsort(-1, kind="stable") / lag
        scores[:, n_sink : n_sink + (parts - 1) * lag] = ranks.reshape(len(scores), -1)
        return scores

    return layer.scored(score)


def _spread(rows: Array, first: int, lag: int, parts: int, eps: float) -> Array:
    whole = rows[:, first : first + parts * lag].reshape(len(rows), parts, lag, -1)
    now, after = whole[:, :-1], whole[:, 1:]
    low = after.min(2, keepdims=True)
    width = after.max(2, keepdims=True) - low
    scaled = np.where(width > eps, (now - low) / np.where(width > eps, width, 1), 0.0)
    dim = scaled.shape[-1]
    return softmax(scaled.std(-1, ddof=1) if dim > 1 else np.zeros(scaled.shape[:-1]))
