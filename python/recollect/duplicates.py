"""Memories that say nearly the same, found by their vectors."""

from typing import NamedTuple

import numpy as np

from recollect.filters import Filter
from recollect.handle import Handle
from recollect.lsh import LshIndex
from recollect.reading import listed
from recollect.times import Time

__all__ = ["NearDuplicate", "near_duplicates"]


class NearDuplicate(NamedTuple):
    """Two memories whose vectors nearly point the same way."""

    first: str
    """The uid of one."""
    second: str
    """The uid of the other."""
    similarity: float
    """The cosine of their vectors; of several keys, the nearest count."""


def near_duplicates(
    handle: Handle,
    threshold: float,
    *,
    miss: float = 0.01,
    filter: Filter | None = None,
    kind: object = None,
    now: Time | None = None,
) -> list[NearDuplicate]:
    """Return the pairs of memories whose vectors have at least this cosine, the nearest first."""
    time = handle.now(now)
    uids = [record.uid for record in listed(handle, filter, kind=kind, now=now)]
    rows, owners, _ = handle.namespace.vectors(uids, now=time)
    # With no vectors at all the threshold is checked all the same.
    index = LshIndex(rows.shape[1] or 1)
    if len(rows):
        index.add(rows)
    pairs, similarity = index.near_duplicates(threshold, miss=miss)
    best: dict[tuple[int, int], float] = {}
    for (one, other), cosine in zip(owners[pairs].tolist(), similarity.tolist(), strict=True):
        if one != other:
            both = (min(one, other), max(one, other))
            best[both] = max(cosine, best.get(both, -np.inf))
    found = [NearDuplicate(uids[one], uids[other], cosine) for (one, other), cosine in best.items()]
    return sorted(found, key=lambda pair: (-pair.similarity, pair.first, pair.second))
