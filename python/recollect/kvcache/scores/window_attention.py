"""Attention of the last queries to the past (Li and others, "SnapKV", 2024)."""

import numpy as np

from recollect import _native
from recollect.checks import count_of
from recollect.kvcache.arrays import Array, Foreign
from recollect.kvcache.layer import Layer, Sequence
from recollect.kvcache.pooling import checked_pooling, pooled
from recollect.kvcache.softmax import over_group, probabilities

__all__ = ["window_attention"]


def window_attention(
    layer: Layer, *, window: int = 64, kernel: int = 5, pool: str = "avg", reduce: str = "mean"
) -> Foreign:
    """Score by what the last `window` queries pay on average, smoothed; the window itself stays.

    Parameters
    ----------
    layer
        Its keys and queries; where it has fewer queries than `window`, the window is as long as they are
        many.
    window
        Queries that vote.
    kernel, pool
        Neighbours over which ``"avg"`` or ``"max"`` is taken; odd.
    reduce
        How the query heads of a head become one score: ``"mean"``, ``"max"`` or ``"sum"``.

    Returns
    -------
    array
        float32 ``[batch, heads, tokens]``, infinite within the window.

    Raises
    ------
    InvalidArgument
        If the layer has no queries.
    """
    window = count_of(window, "window", 1)
    layer.needs("queries", by="window_attention")

    if layer.has_kernels(queries=True):
        from recollect.kvcache.cuda.voting import window_votes

        checked_pooling(kernel, pool)
        over_group(np.zeros((0, 1)), reduce)
        return layer.by_kernels(lambda cached: window_votes(cached, window, kernel, pool == "max", reduce))
    native = layer.native(queries=True)
    if native is not None:
        given = native.keys, native.values, native.queries, native.present
        sums, votes = _native.kvcache_received(*given, window, 1.0, native.threads)
        return layer.finished(_smoothed(layer, sums, votes, kernel, pool, reduce))

    def score(one: Sequence) -> Array:
        votes = min(window, len(one.query_places))
        past = one.places < one.length - votes
        scores = np.full((len(one.keys), len(one)), np.inf)
        if votes and past.any():
            paid = probabilities(one, slice(-votes, None))[..., past].mean(2)
            scores[:, past] = over_group(pooled(paid, kernel, pool), reduce)
        return scores

    return layer.scored(score)


def _smoothed(layer: Layer, sums: Array, votes: list[int], kernel: int, pool: str, reduce: str) -> Array:
    """Return scores out of what each query head paid in sum, ``[batch * query_heads * tokens]``."""
    batch, heads, tokens, _ = layer.shape
    paid = sums.reshape(batch, heads, layer.group, tokens)
    scores = np.full((batch, heads, tokens), np.nan, dtype=np.float32)
    for index, present in enumerate(layer.present):
        where = np.flatnonzero(present)
        counts = ~np.isnan(paid[index, 0, 0, where])
        past = counts & (np.arange(len(where)) < len(where) - votes[index])
        scores[index][:, where[counts]] = np.inf
        if votes[index] and past.any():
            smooth = pooled(paid[index][..., where[past]] / np.float32(votes[index]), kernel, pool)
            scores[index][:, where[past]] = over_group(smooth, reduce)
    return scores
