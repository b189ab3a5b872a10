"""The least and the greatest of each channel in each page."""

import numpy as np

from recollect.errors import InvalidArgument
from recollect.gpu.device import Array, Kernel
from recollect.kvcache.cuda.asked import asked, newest
from recollect.kvcache.cuda.cached import Cached, lanes_for, rows_arguments

__all__ = ["bounds_of_pages", "page_shares"]

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


def page_shares(cached: Cached, page: int, reduce: str) -> Array:
    """Return the bound of the page of each token for the last query, float32 ``[batch, heads, tokens]``."""
    xp, (batch, heads, tokens, dim) = cached.device.xp, cached.shape
    low, high = bounds_of_pages(cached, page)
    voting = asked(cached, 1)
    if not voting.until.size or not low.size:
        return xp.where(cached.counts()[:, None] != 0, 0.0, -np.inf).astype(np.float32).repeat(heads, 1)
    rows = newest(cached, voting).reshape(batch, heads, -1, dim).astype(np.float64)
    # There is one query a head, and few pages: a product of matrices in float64.
    empty = low[..., 0] > high[..., 0]
    least, most = (xp.where(empty[..., None], 0, part).astype(np.float64) for part in (low, high))
    bounds = xp.maximum(rows, 0) @ most.swapaxes(2, 3) + xp.minimum(rows, 0) @ least.swapaxes(2, 3)
    # No query, no bound.
    bounds = xp.where((voting.count > 0)[:, None, None, None], bounds, 0)
    by_head = getattr(bounds, reduce)(axis=2)
    found = by_head[:, :, xp.arange(tokens) // page]
    return xp.where(cached.counts()[:, None] != 0, found, -np.inf).astype(np.float32)
