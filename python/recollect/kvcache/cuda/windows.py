"""Shares of tokens in the squared lengths of their windows."""

import numpy as np

from recollect.gpu.device import Array, Kernel
from recollect.kvcache.cuda.cached import Cached
from recollect.kvcache.cuda.rows import lengths

__all__ = ["window_shares"]

_THREADS = 256


def window_shares(cached: Cached, window: int) -> Array:
    """Return the share of the key times that of the value, over their sum in the head.

    Windows are of tokens that count; float32 ``[batch, heads, tokens]``, minus infinity for others.
    """
    batch, heads, tokens, _ = cached.shape
    # Those of values are minus infinity where a token does not count, and the kernel leaves that as it is.
    of_keys = lengths(cached, "keys", alone=True)
    of_values = lengths(cached, "values")
    out = of_values.copy()
    if out.size:
        places, filled = cached.listed()
        arguments = [of_keys, of_values, places, filled, np.uint32(heads), np.uint32(tokens)]
        cached.device.launch(
            Kernel("scores_windows", "share_windows"),
            (batch * heads,),
            _THREADS,
            [*arguments, np.uint32(window), out],
        )
    return out
