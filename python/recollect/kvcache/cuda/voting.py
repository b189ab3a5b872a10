"""Scores by what queries pay: those of the last window, and of the last query alone."""

import numpy as np

from recollect.gpu.device import Array, Kernel
from recollect.kvcache.cuda.asked import Asked, asked, newest, opened, seeing_all
from recollect.kvcache.cuda.cached import Cached
from recollect.kvcache.cuda.handing import handed
from recollect.kvcache.cuda.received import received, smoothed
from recollect.kvcache.cuda.rows import products
from recollect.kvcache.cuda.sharing import LOG2E, shares, weighed

__all__ = ["greatest_votes", "last_votes", "newest_shares", "window_votes"]

_THREADS = 256


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
    out = xp.empty((batch, heads, tokens), np.float32)
    if not out.size:
        return out
    voting = asked(cached, 1)
    logits = _newest_logits(cached, voting)
    free = opened(cached, voting)
    # Padding may be anywhere: the last token is the last that is none.
    ends = None if cached.present is None else tokens - 1 - cached.padding[:, ::-1].argmax(1)
    cached.device.launch(
        Kernel("scores_shares", "vote_last"),
        (-(-tokens // _THREADS), batch),
        _THREADS,
        [
            logits,
            weighed(cached, logits, free),
            free,
            cached.counts(),
            None if ends is None else xp.asarray(ends.astype(np.uint32)),
            *(np.uint32(one) for one in (heads * logits.shape[2], heads, tokens)),
            out,
        ],
    )
    return out


def newest_shares(cached: Cached, voting: Asked) -> Array:
    """Return what the last query that votes pays, averaged over the query heads of a head.

    float32 ``[batch, heads, tokens]``, with one look at the keys.
    """
    xp, (batch, heads, tokens, _) = cached.device.xp, cached.shape
    if not voting.until.size or not tokens:
        return xp.zeros((batch, heads, tokens), np.float32)
    return shares(cached, _newest_logits(cached, voting), opened(cached, voting))


def _newest_logits(cached: Cached, voting: Asked) -> Array:
    batch, heads, _, dim = cached.shape
    toward = newest(cached, voting, LOG2E / np.sqrt(dim))
    return products(cached, toward.reshape(batch, heads, -1, dim), fill=0.0)


def greatest_votes(cached: Cached, replay: Array) -> Array:
    """Return scores of :func:`recollect.kvcache.scores.reconstruction`, whose queries see all tokens."""
    rows = handed(cached.device, replay)
    assert rows is not None  # They are of 16 or 32 bits.
    voting = seeing_all(cached, cached.sound_of(rows))
    return received(cached, rows, voting, "GREATEST", fill=-np.inf)
