"""What tokens receive of queries, summed up over the queries, with no matrix of queries and tokens."""

from typing import Any

import numpy as np

from recollect.gpu.device import Array, Kernel
from recollect.kvcache.cuda.asked import Asked
from recollect.kvcache.cuda.attending import QUERIES, tiles_of
from recollect.kvcache.cuda.cached import Cached, whole_rows
from recollect.kvcache.cuda.handing import Handed
from recollect.kvcache.cuda.sharing import LOG2E

__all__ = ["received", "smoothed"]

_PART = 2048
"""Keys of a part, where there are so few queries that tiles of them do not fill a device."""
_FEW_TILES = 16
_THREADS = 256


def received(cached: Cached, queries: Handed, asked: Asked, how: str, *, fill: float = 0.0) -> Array:
    """Return what queries pay to each token.

    Parameters
    ----------
    cached
        The layer.
    queries
        ``[batch, query_heads, w, d]``.
    asked
        What they see, and what each counts.
    how
        ``"TOGETHER"`` for the sum over queries and the query heads of a head, ``"EACH"`` for that of each
        query head, ``"MOST"`` for the sum of what the query head that pays the most does, ``"GREATEST"`` for
        the most that any query pays.
    fill
        What stands where a token does not count.

    Returns
    -------
    array
        float32 ``[batch, heads, tokens]``, or ``[batch, query_heads, tokens]`` for ``"EACH"``.
    """
    device, (batch, heads, tokens, dim) = cached.device, cached.shape
    xp, query_heads, window = device.xp, queries.array.shape[1], queries.array.shape[2]
    group = query_heads // heads
    out = xp.empty((batch, query_heads if how == "EACH" else heads, tokens), np.float32)
    if not out.size:
        return out
    if not window:
        out[...] = xp.where(cached.counts()[:, None] != 0, np.float32(0), np.float32(fill))
        return out
    tiles = tiles_of(device, queries, cached.keys)
    span = _span(window, how in ("TOGETHER", "GREATEST"))
    rows = -(-group * span // QUERIES) * QUERIES
    count, parts = rows // QUERIES, 1 if rows > _FEW_TILES * QUERIES else -(-tokens // _PART)
    most = _seen_by_tiles(xp, asked.until, span)
    given = [
        *tiles.queries.arguments,
        *(np.uint32(one) for one in (whole_rows(tiles.queries), window, group, span)),
        asked.until,
        most,
        np.uint32(most.shape[1]),
        *tiles.keys.arguments,
        *(np.uint32(one) for one in (whole_rows(tiles.keys), heads, tokens, dim)),
        cached.counts(),
        np.float32(LOG2E / np.sqrt(dim)),
    ]
    sums = xp.empty((batch * heads, parts, rows, 2), np.float32)
    weights = xp.empty((batch * heads, rows), np.float32)
    part_keys = _PART if parts > 1 else -(-tokens // tiles.tile) * tiles.tile
    threads, both = 2 * tiles.tile, batch * heads
    device.launch(
        tiles.kernel("attention_received", "weigh_keys"),
        (count * parts, both),
        threads,
        [*given, np.uint32(part_keys), sums],
        tiles.shared(QUERIES, tiles.tile),
    )
    device.launch(
        tiles.kernel("attention_received", "join_weights"),
        (-(-rows // _THREADS), both),
        _THREADS,
        [sums, np.uint32(parts), np.uint32(rows), weights],
    )
    device.launch(
        tiles.kernel("attention_received", "receive").defining("HOW", how),
        (-(-tokens // tiles.tile), both),
        threads,
        [*given, weights, asked.votes, np.float32(fill), out],
        tiles.shared(tiles.tile, QUERIES),
    )
    return out


def smoothed(cached: Cached, sums: Array, votes: Array, *, kernel: int, greatest: bool, reduce: str) -> Array:
    """Return scores out of what was received, float32 ``[batch, heads, tokens]``, infinite within the window.

    Parameters
    ----------
    cached
        The layer.
    sums
        float32 ``[batch, heads or query_heads, tokens]``.
    votes
        Queries of each sequence that voted, ``[batch]``: the window is as long.
    kernel, greatest
        Neighbours, and whether their greatest counts and not their average.
    reduce
        How query heads become one: ``"mean"``, ``"max"`` or ``"sum"``.
    """
    xp, (batch, heads, tokens, _) = cached.device.xp, cached.shape
    out = xp.full((batch, heads, tokens), -np.inf, np.float32)
    if not out.size:
        return out
    places, filled = cached.listed()
    before = xp.asarray(cached.padding.sum(1)) - votes
    within = (cached.counts() != 0) & (cached.places() < before[:, None])
    past = xp.where(votes > 0, within.sum(1), 0).astype(np.uint32)
    shares = sums / xp.maximum(votes, 1).astype(np.float32)[:, None, None]
    sizes = (np.uint32(one) for one in (heads, sums.shape[1] // heads, tokens, kernel, greatest))
    cached.device.launch(
        Kernel("scores_smooth", "smooth"),
        (-(-tokens // _THREADS), batch * heads),
        _THREADS,
        [shares, places, filled, past, *sizes, np.uint32(("mean", "max", "sum").index(reduce)), out],
    )
    return out


def _span(window: int, shared: bool) -> int:
    """Return places of the queries of a head: whole tiles, or parts of one where that can be shared."""
    if shared and window < QUERIES:
        return next(size for size in (8, 16, 32, 64) if size >= window)
    return -(-window // QUERIES) * QUERIES


def _seen_by_tiles(xp: Any, until: Array, span: int) -> Array:
    batch, window = until.shape
    whole: Array = xp.zeros((batch, max(span, QUERIES)), np.uint32)
    whole[:, :window] = until
    found: Array = whole.reshape(batch, -1, QUERIES).max(2)
    return found
