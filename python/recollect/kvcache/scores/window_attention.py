"""Attention of the last queries to the past (Li and others, "SnapKV", 2024)."""

import numpy as np

from recollect.checks import count_of
from recollect.kvcache.arrays import Array, Foreign
from recollect.kvcache.layer import Layer, Sequence
from recollect.kvcache.pooling import pooled
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

    def score(one: Sequence) -> Array:
        votes = min(window, len(one.query_places))
        past = one.places < one.length - votes
        scores = np.full((len(one.keys), len(one)), np.inf)
        if votes and past.any():
            paid = probabilities(one, slice(-votes, None))[..., past].mean(2)
            scores[:, past] = over_group(pooled(paid, kernel, pool), reduce)
        return scores

    return layer.scored(score)
