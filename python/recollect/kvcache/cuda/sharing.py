"""Attention out of logits that are there already: softmax over the tokens of each head."""

import numpy as np

from recollect.gpu.device import Array, Kernel
from recollect.kvcache.cuda.cached import Cached

__all__ = ["LOG2E", "shares", "weighed"]

LOG2E = 1.4426950408889634
"""What turns logits into those to the base 2, which kernels take."""

_BLOCK, _THREADS = 512, 256


def shares(
    cached: Cached, logits: Array, free: Array, lengths: Array | None = None, epsilon: float = 0.0
) -> Array:
    """Return the mean over the rows of each head of what they pay, float32 ``[batch, heads, tokens]``.

    Parameters
    ----------
    cached
        The layer.
    logits
        float32 ``[batch, heads, rows, tokens]``, to the base 2.
    free
        uint8 ``[batch, tokens]``: others get nothing, and weigh nothing.
    lengths, epsilon
        If given, float32 ``[batch, heads, tokens]``: `epsilon` is added, and the sum weighed by them.
    """
    xp, (batch, heads, rows, tokens) = cached.device.xp, logits.shape
    out = xp.empty((batch, heads, tokens), np.float32)
    if not out.size:
        return out
    weights = weighed(cached, logits, free)
    sizes = (np.uint32(one) for one in (heads, rows, tokens))
    cached.device.launch(
        Kernel("scores_shares", "share_logits"),
        (-(-tokens // _THREADS), batch * heads),
        _THREADS,
        [logits, weights, free, *sizes, lengths, np.float32(epsilon), out],
    )
    return out


def weighed(cached: Cached, logits: Array, free: Array) -> Array:
    """Return the logarithm of the sum of each row of logits, as they are, float32 ``[batch, heads, rows]``.

    Parameters
    ----------
    cached
        The layer.
    logits, free
        As of :func:`shares`; a row without tokens weighs infinitely much.
    """
    xp, (batch, heads, rows, tokens) = cached.device.xp, logits.shape
    weights = xp.empty((batch, heads, rows), np.float32)
    if weights.size and tokens:
        cached.device.launch(
            Kernel("scores_shares", "weigh_logits"),
            (batch * heads * rows,),
            _BLOCK,
            [logits, free, np.uint32(heads * rows), np.uint32(tokens), weights],
        )
    return weights
