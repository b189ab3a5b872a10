"""Scores by what queries pay: those of the last window, and of the last query alone."""

import numpy as np

from recollect.gpu.device import Array
from recollect.kvcache.cuda.asked import Asked, asked, newest, seeing_all
from recollect.kvcache.cuda.cached import Cached
from recollect.kvcache.cuda.handing import handed
from recollect.kvcache.cuda.received import received, smoothed
from recollect.kvcache.cuda.rows import products
from recollect.kvcache.cuda.sharing import LOG2E, shares

__all__ = ["greatest_votes", "last_votes", "newest_shares", "window_votes"]


def window_votes(cached: Cached, window: int, kernel: int, greatest: bool, reduce: str) -> Array:
    """Return scores of :func:`recollect.kvcache.scores.window_attention`."""
    queries = cached.queries
    assert queries is not None  # The layer was asked for them.
    voting = asked(cached, window)
    # Averages of neighbours and of query heads may change places; what is greatest may not.
    together = not greatest and reduce != "max"
    sums = received(cached, queries, voting, "TOGETHER" if together else "EACH")
    if together and reduce == "mean":
        sums /= np.float32(queries.array.shape[1] // cached.shape[1])
    return smoothed(cached, sums, voting.count, kernel=kernel, greatest=greatest, reduce=reduce)


def last_votes(cached: Cached) -> Array:
    """Return scores of :func:`recollect.kvcache.scores.last_query`, with one look at the keys."""
    xp, (batch, heads, tokens, _) = cached.device.xp, cached.shape
    mean = newest_shares(cached, asked(cached, 1)).mean(1)
    counts = cached.counts() != 0
    last = cached.places() == xp.asarray(cached.padding.sum(1))[:, None] - 1
    found = xp.where(counts, xp.where(last, np.float32(np.inf), mean), np.float32(-np.inf))
    return xp.ascontiguousarray(xp.broadcast_to(found[:, None], (batch, heads, tokens)))


def newest_shares(cached: Cached, voting: Asked) -> Array:
    """Return what the last query that votes pays, averaged over the query heads of a head.

    float32 ``[batch, heads, tokens]``, with one look at the keys.
    """
    xp, (batch, heads, tokens, dim) = cached.device.xp, cached.shape
    if not voting.until.size or not tokens:
        return xp.zeros((batch, heads, tokens), np.float32)
    toward = newest(cached, voting).reshape(batch, heads, -1, dim)
    logits = products(cached, toward * np.float32(LOG2E / np.sqrt(dim)), fill=0.0)
    seen = xp.arange(tokens) < voting.until.max(1)[:, None]
    return shares(cached, logits, (seen & (cached.counts() != 0)).astype(np.uint8))


def greatest_votes(cached: Cached, replay: Array) -> Array:
    """Return scores of :func:`recollect.kvcache.scores.reconstruction`, whose queries see all tokens."""
    rows = handed(cached.device, replay)
    assert rows is not None  # They are of 16 or 32 bits.
    voting = seeing_all(cached, cached.sound_of(rows))
    return received(cached, rows, voting, "GREATEST", fill=-np.inf)
