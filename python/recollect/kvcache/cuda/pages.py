"""The least and the greatest of each channel in each page."""

import numpy as np

from recollect.errors import InvalidArgument
from recollect.gpu.device import Array, Kernel
from recollect.kvcache.cuda.cached import Cached, lanes_for, rows_arguments

__all__ = ["bounds_of_pages"]

_THREADS = 256
_TOKENS = 64
"""Tokens of a block, unless a page has more."""


def bounds_of_pages(cached: Cached, page: int) -> tuple[Array, Array]:
    """Return the least and the greatest, float32 ``[batch, heads, pages, d]``, infinite where there is none.

    Raises
    ------
    InvalidArgument
        If a page has more tokens than a block of the device can share.
    """
    batch, heads, tokens, dim = cached.shape
    xp, pages, together = cached.device.xp, -(-tokens // page), max(1, _TOKENS // page)
    low, high = (xp.empty((batch, heads, pages, dim), np.float32) for _ in range(2))
    if together * page > cached.device.shared_bytes // 2:
        raise InvalidArgument(f"page: {page} tokens are more than a block of this GPU can share")
    if low.size:
        kernel, _ = lanes_for(cached.keys, Kernel("scores_pages", "bound_pages"))
        arguments = [
            *rows_arguments(cached.keys),
            cached.counting(but="keys"),
            np.uint32(page),
            np.uint32(pages),
            np.uint32(together),
            low,
            high,
        ]
        grid = (-(-pages // together), batch)
        cached.device.launch(kernel, grid, _THREADS, arguments, together * page)
    return low, high
