"""What tokens of a growing cache received, where the cache lies."""

from typing import Any

import numpy as np

from recollect.gpu.device import Array
from recollect.kvcache.cuda.asked import Asked, asked
from recollect.kvcache.cuda.cached import Cached
from recollect.kvcache.cuda.received import received
from recollect.kvcache.cuda.voting import newest_shares

__all__ = ["added", "hits"]


def added(cached: Cached, state: tuple[Any, Any], decay: float, reduce: str) -> tuple[Array, Array]:
    """Return what was received, and what could be, with what the queries of a layer pay.

    Parameters
    ----------
    cached
        The layer, with queries.
    state
        Both of before, float64 ``[batch, heads, tokens]`` of NumPy or on the device.
    decay
        What a query leaves of what was received before.
    reduce
        How the query heads of a head become one: ``"mean"``, ``"max"`` or ``"sum"``.

    Returns
    -------
    received, exposed
        float64 ``[batch, heads, tokens]`` on the device; unchanged where a token does not count.
    """
    xp, queries = cached.device.xp, cached.queries
    assert queries is not None  # The layer was asked for them.
    voting = asked(cached, cached.shape[2], decay)
    group = queries.array.shape[1] // cached.shape[1]
    if queries.array.shape[2] == 1 and reduce != "max":
        # A step of decoding: too few queries for tiles of them.
        paid = newest_shares(cached, voting).astype(np.float64) * (group if reduce == "sum" else 1)
    else:
        how = "MOST" if reduce == "max" else "TOGETHER"
        paid = received(cached, queries, voting, how).astype(np.float64) / (group if reduce == "mean" else 1)
    left = (float(decay) ** voting.count)[:, None, None]
    counts = cached.counts()[:, None] != 0
    new = paid, _exposure(cached, voting)[:, None]
    before = (xp.asarray(part) for part in state)
    one, other = (xp.where(counts, part * left + more, part) for part, more in zip(before, new, strict=True))
    return one, other


def hits(cached: Cached, state: tuple[Any, Any], exposure: bool) -> Array:
    """Return scores of what was received, by exposure if asked, float32 ``[batch, heads, tokens]``."""
    xp = cached.device.xp
    got, exposed = (xp.asarray(part) for part in state)
    found = got / xp.maximum(exposed, 1e-300) if exposure else got
    return xp.where(cached.counts()[:, None] != 0, found, -np.inf).astype(np.float32)


def _exposure(cached: Cached, voting: Asked) -> Array:
    """Return the votes of the queries that see each token, float64 ``[batch, tokens]``."""
    xp, (batch, _, tokens, _) = cached.device.xp, cached.shape
    votes = xp.zeros((batch, tokens + 1))
    # Queries that count belong to different tokens; the others share a place behind the last.
    own = xp.where(voting.until > 0, voting.until.astype(np.int64) - 1, tokens)
    votes[xp.arange(batch)[:, None], own] = voting.votes
    found: Array = xp.cumsum(votes[:, :tokens][:, ::-1], 1)[:, ::-1]
    return found
