"""Which queries of a layer vote, and what each of them sees."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from recollect.gpu.device import Array, Kernel
from recollect.kvcache.cuda.cached import Cached, lanes_for, rows_arguments

__all__ = ["Asked", "asked", "newest", "opened", "seeing_all"]

_THREADS = 256


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """Queries on a device.

    Attributes
    ----------
    until
        Tokens before which a query sees, uint32 ``[batch, w]``; 0 for one that does not vote.
    votes
        What a query counts, float32 ``[batch, w]``.
    count
        Queries of each sequence that vote, int64 ``[batch]``.
    last
        Behind which query the newest that votes stands, uint32 ``[batch]``, 0 where none does; None where
        that was not asked for.
    """

    until: Array
    votes: Array
    count: Array
    last: Array | None = None


def asked(cached: Cached, window: int, decay: float = 1.0) -> Asked:
    """Return the last `window` queries of each sequence that count, each seeing up to itself.

    The newest counts in full, each before it `decay` times the one after.
    """
    xp, queries = cached.device.xp, cached.queries
    assert queries is not None  # The layer was asked for them.
    batch, _, given, _ = queries.array.shape
    own = xp.asarray(_own_tokens(cached.padding, given))
    until, votes = xp.empty((batch, given), np.uint32), xp.empty((batch, given), np.float32)
    count, last = xp.empty(batch, np.int64), xp.empty(batch, np.uint32)
    if batch:
        sizes = [np.uint32(given if len(own) > 1 else 0), np.uint32(given), np.uint32(min(window, given))]
        cached.device.launch(
            Kernel("scores_votes", "choose_votes"),
            (batch,),
            _THREADS,
            [cached.sound_of(queries), own, *sizes, np.float64(decay), until, votes, count, last],
        )
    return Asked(until, votes, count, last)


def seeing_all(cached: Cached, sound: Array) -> Asked:
    """Return queries that see all tokens, where they are `sound`, uint8 ``[batch, w]``."""
    xp = cached.device.xp
    until = xp.where(sound != 0, np.uint32(cached.shape[2]), np.uint32(0)).astype(np.uint32)
    return Asked(until, xp.ones(sound.shape, np.float32), (until != 0).sum(1))


def newest(cached: Cached, voting: Asked, factor: float = 1.0) -> Array:
    """Return `factor` times the last query that votes, or zeros, float32 ``[batch, query_heads, d]``."""
    queries, xp = cached.queries, cached.device.xp
    assert queries is not None  # They voted.
    batch, heads, _, dim = queries.array.shape
    found = xp.empty((batch, heads, dim), np.float32)
    if found.size:
        kernel, _ = lanes_for(queries, Kernel("scores_votes", "newest_queries"))
        arguments = [*rows_arguments(queries), voting.last, np.float32(factor), found]
        cached.device.launch(kernel, (batch * heads,), _THREADS, arguments)
    return found


def opened(cached: Cached, voting: Asked) -> Array:
    """Return which tokens count and are seen by the last query that votes, uint8 ``[batch, tokens]``."""
    xp, (batch, _, tokens, _) = cached.device.xp, cached.shape
    found = xp.empty((batch, tokens), np.uint8)
    if found.size:
        sizes = np.uint32(voting.until.shape[1]), np.uint32(tokens)
        cached.device.launch(
            Kernel("scores_votes", "open_tokens"),
            (-(-tokens // _THREADS), batch),
            _THREADS,
            [cached.counts(), voting.until, voting.last, *sizes, found],
        )
    return found


def _own_tokens(present: npt.NDArray[np.bool_], given: int) -> npt.NDArray[np.uint32]:
    """Return behind which token each of `given` queries stands, 0 for none, ``[batch or 1, given]``.

    Of one sequence for all where they have no padding; rising over the queries that have one.
    """
    tokens = present.shape[1]
    if given == tokens:
        return np.where(present, np.arange(1, tokens + 1), 0).astype(np.uint32)
    if present.all():
        return np.arange(tokens - given + 1, tokens + 1, dtype=np.uint32)[None]
    order = np.argsort(~present, axis=1, kind="stable")
    places = present.sum(1)[:, None] - given + np.arange(given)
    own = np.take_along_axis(order, np.maximum(places, 0), 1) + 1
    return np.where(places >= 0, own, 0).astype(np.uint32)
