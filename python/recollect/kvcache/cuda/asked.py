"""Which queries of a layer vote, and what each of them sees."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from recollect.gpu.device import Array
from recollect.kvcache.cuda.cached import Cached
from recollect.kvcache.cuda.floats import floats_on

__all__ = ["Asked", "asked", "newest", "seeing_all"]


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
    """

    until: Array
    votes: Array
    count: Array


def asked(cached: Cached, window: int, decay: float = 1.0) -> Asked:
    """Return the last `window` queries of each sequence that count, each seeing up to itself.

    The newest counts in full, each before it `decay` times the one after.
    """
    xp, queries = cached.device.xp, cached.queries
    assert queries is not None  # The layer was asked for them.
    own = xp.asarray(_own_tokens(cached.padding, queries.array.shape[2]))
    until = xp.where(cached.sound_of(queries) != 0, own, np.uint32(0))
    # One for the newest that counts, two for the one before it.
    rank = xp.cumsum((until != 0)[:, ::-1], 1, dtype=np.int64)[:, ::-1]
    until = xp.ascontiguousarray(xp.where(rank <= window, until, np.uint32(0)))
    votes = (float(decay) ** xp.maximum(rank - 1, 0)).astype(np.float32)
    return Asked(until, xp.ascontiguousarray(votes), (until != 0).sum(1))


def seeing_all(cached: Cached, sound: Array) -> Asked:
    """Return queries that see all tokens, where they are `sound`, uint8 ``[batch, w]``."""
    xp = cached.device.xp
    until = xp.where(sound != 0, np.uint32(cached.shape[2]), np.uint32(0)).astype(np.uint32)
    return Asked(until, xp.ones(sound.shape, np.float32), (until != 0).sum(1))


def newest(cached: Cached, voting: Asked) -> Array:
    """Return the last query that votes of each query head, or zeros, float32 ``[batch, query_heads, d]``."""
    queries, xp = cached.queries, cached.device.xp
    assert queries is not None  # They voted.
    rows = queries.array[xp.arange(len(queries.array)), :, voting.until.argmax(1)]
    # What no query votes for must not be broken by one that is no number.
    return xp.where(voting.count[:, None, None] != 0, floats_on(cached.device, rows), np.float32(0))


def _own_tokens(present: npt.NDArray[np.bool_], given: int) -> npt.NDArray[np.uint32]:
    """Return behind which token each of `given` queries stands, 0 for none, ``[batch, given]``."""
    tokens = present.shape[1]
    if given == tokens:
        return np.where(present, np.arange(1, tokens + 1), 0).astype(np.uint32)
    if present.all():
        return np.broadcast_to(
            np.arange(tokens - given + 1, tokens + 1, dtype=np.uint32), (len(present), given)
        )
    order = np.argsort(~present, axis=1, kind="stable")
    places = present.sum(1)[:, None] - given + np.arange(given)
    own = np.take_along_axis(order, np.maximum(places, 0), 1) + 1
    return np.where(places >= 0, own, 0).astype(np.uint32)
