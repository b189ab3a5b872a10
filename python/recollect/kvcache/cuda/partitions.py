"""Ranks of tokens by their spread in the range of the partition that follows."""

import numpy as np

from recollect.errors import InvalidArgument
from recollect.gpu.device import Array, Kernel
from recollect.kvcache.cuda.cached import Cached, lanes_for, rows_arguments

__all__ = ["lag_ranks"]

_THREADS = 256


def lag_ranks(cached: Cached, n_sink: int, lag: int, eps: float) -> Array:
    """Return scores of :func:`recollect.kvcache.scores.lag_relative`, float32 ``[batch, heads, tokens]``.

    Raises
    ------
    InvalidArgument
        If a partition and its channels are more than a block of the device can share.
    """
    batch, heads, tokens, _ = cached.shape
    xp, parts = cached.device.xp, max(tokens - n_sink, 0) // lag
    counts = cached.counts()[:, None]
    out = xp.where(counts != 0, np.float32(np.inf), np.float32(-np.inf))
    out = xp.ascontiguousarray(xp.broadcast_to(out, (batch, heads, tokens)))
    if parts < 2 or not batch:
        return out
    places, filled = cached.listed()
    shares = xp.empty((batch, heads, parts, lag), np.float32)
    assert cached.values is not None  # The layer was asked for them.
    for last, part in enumerate((cached.keys, cached.values)):
        kernel, _ = lanes_for(part, Kernel("scores_lag", "rank_partitions"))
        wide = 4 if part.form == "F32" else 8
        shared = 4 * (2 * -(-part.array.shape[3] // wide) * wide + lag)
        if shared + (24 << 10) > cached.device.shared_bytes:
            raise InvalidArgument(f"lag: {lag} tokens are more than a block of this GPU can share")
        arguments = [
            *rows_arguments(part),
            places,
            filled,
            np.uint32(n_sink),
            np.uint32(lag),
            np.float32(eps),
            shares,
            out,
        ]
        cached.device.launch(
            kernel.defining("LAST", str(last)), (batch * heads, parts), _THREADS, arguments, shared
        )
    return out
