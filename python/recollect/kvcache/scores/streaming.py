"""Attention sinks and a window of the newest tokens: StreamingLLM (Xiao and others, 2023)."""

import numpy as np

from recollect.checks import count_of
from recollect.kvcache.arrays import Foreign
from recollect.kvcache.layer import Layer

__all__ = ["streaming"]


def streaming(layer: Layer, *, n_sink: int = 4) -> Foreign:
    """Score by position: the first `n_sink` tokens stay, then the newest.

    Returns
    -------
    array
        float32 ``[batch, heads, tokens]``: infinite for sinks, else the place in the sequence.
    """
    n_sink = count_of(n_sink, "n_sink")
    heads = layer.shape[1]
    if layer.has_kernels():
        return layer.by_kernels(lambda cached: cached.with_sinks(cached.spread(cached.places()), n_sink))
    return layer.scored(lambda one: np.tile(np.where(one.places < n_sink, np.inf, one.places), (heads, 1)))
