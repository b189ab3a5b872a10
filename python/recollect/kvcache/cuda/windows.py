"""Shares of tokens in the squared lengths of their windows."""

import numpy as np

from recollect.gpu.device import Array, Kernel
from recollect.kvcache.cuda.cached import Cached
from recollect.kvcache.cuda.rows import lengths

__all__ = ["window_shares"]

_THREADS, _ROUNDS = 256, 4


def window_shares(cached: Cached, window: int) -> Array:
    """Return the share of the key times that of the value, over their sum in the head.

    Windows are of tokens that count; float32 ``[batch, heads, tokens]``, minus infinity for others.
    """
    xp, (batch, heads, tokens, _) = cached.device.xp, cached.shape
    # Those of values are minus infinity where a token does not count, and the kernel leaves that as it is.
    of_keys = lengths(cached, "keys", alone=True)
    out = lengths(cached, "values")
    if not out.size:
        return out
    window = min(window, tokens)
    lanes = next(width for width in (32, 16, 8, 4, 2, 1) if width <= window)
    blocks = -(-tokens // (window * _ROUNDS * (_THREADS // lanes)))
    sums = xp.empty((batch * heads, blocks), np.float64)
    sizes = (np.uint32(one) for one in (heads, tokens, window, lanes))
    arguments = [of_keys, out, *cached.listed(), *sizes, sums]
    for name, more in (("sum_windows", []), ("share_windows", [out])):
        grid = blocks, batch * heads
        cached.device.launch(Kernel("scores_windows", name), grid, _THREADS, [*arguments, *more])
    return out
