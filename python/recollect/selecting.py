"""Recall that goes by what came of memories: the useful among the similar, and what went well or badly."""

from dataclasses import dataclass
from typing import Unpack

from recollect.checks import count_of, number_of
from recollect.errors import InvalidArgument
from recollect.handle import Handle
from recollect.options import RecallOptions
from recollect.recalling import recall
from recollect.records import Hit, Recall
from recollect.using import uses
from recollect.utility import select as chosen

__all__ = ["Cases", "cases", "select"]


@dataclass(frozen=True, slots=True)
class Cases:
    """What is known of cases like the one asked for."""

    good: Recall
    """Memories whose utility is above 0."""
    bad: Recall
    """Memories whose utility is below 0."""


def select(
    handle: Handle,
    query: str | None,
    k: int,
    *,
    candidates: int = 5,
    least: float | None = None,
    utility_weight: float = 0.5,
    floor: float = -0.8,
    epsilon: float = 0.0,
    seed: int = 0,
    **options: Unpack[RecallOptions],
) -> Recall:
    """Recall candidates, and return those that are similar and useful."""
    if options.get("scope", "exact") != "exact":
        raise InvalidArgument("scope: utilities are looked up in one namespace")
    asked: RecallOptions = {**options, "explain": True}
    recalled = recall(handle, query, count_of(candidates, "candidates", 1), **asked)
    hits = recalled.hits
    if least is not None:
        bound = number_of(least, "least")
        hits = tuple(hit for hit in hits if _similarity(hit) >= bound)
    known = uses(handle, [hit.uid for hit in hits], now=options.get("now"))
    places = chosen(
        [hit.score for hit in hits],
        [use.utility for use in known],
        k,
        weight=utility_weight,
        candidates=candidates,
        floor=floor,
        epsilon=epsilon,
        seed=seed,
    )
    found = tuple(
        Hit(hits[at].record, hits[at].score, rank, hits[at].signals, hits[at].path)
        for rank, at in enumerate(places, 1)
    )
    trace = {**recalled.trace, "utility": {"candidates": len(recalled), "similar": len(hits)}}
    return Recall(found, trace, recalled.query)


def _similarity(hit: Hit) -> float:
    for signal in hit.signals:
        if signal.name == "vectors":
            return signal.score
    return float("-inf")


def cases(handle: Handle, query: str | None, k: int, **options: Unpack[RecallOptions]) -> Cases:
    """Recall what went well and what went badly, each for itself."""
    own = options.pop("filter", None)

    def of(sign: str) -> Recall:
        judged = {"judged": {"$gte": 1}, "utility": {sign: 0}}
        filter = judged if not own else {"$and": [judged, own]}
        asked: RecallOptions = {**options, "filter": filter}
        return recall(handle, query, k, **asked)

    return Cases(of("$gt"), of("$lt"))
