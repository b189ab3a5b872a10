"""What recollect answers, through its public interface: one namespace a group, recall with the defaults."""

import random
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import recollect
from benches.quality.rankings import DEPTH, Ranking
from benches.quality.retrieval_set import RetrievalSet

SEED = 7
_METADATA = ("title", "kind", "location", "topic", "order")


ABLATED = ("links", "replies", "speakers", "recency", "dates", "neighbours", "session", "context")
"""The signals beside words and vectors."""
ADDED = ("order", "anchors")
"""Signals that take part where they are named."""


def _ways() -> dict[str, tuple[str, ...]]:
    """Return the signals of each way to recall: the default, without others, with one more."""
    everything = ("words", "vectors", *ABLATED)
    without = {f"-{name}": tuple(x for x in everything if x != name) for name in ABLATED}
    more = {f"+{name}": (*everything, name) for name in ADDED}
    return {"": everything, "-all": ("words", "vectors"), **without, **more}


def recollected(
    data: RetrievalSet, embedder: str, progress: Callable[[int, int], None]
) -> tuple[dict[str, list[Ranking]], int]:
    """Return the rankings of every query, and how many memories had a time that is none.

    The rankings have the key ``""`` with the defaults of recall, ``"-all"`` by words and vectors alone, and
    ``"-links"`` and so on without one signal, ``"+order"`` and so on with one more.

    Parameters
    ----------
    data
        The set.
    embedder
        ``minilm``: the vectors of the set are given with each text and query. ``static``: the store is
        opened with the embedder ``"local"`` and makes its own.
    progress
        Called with the number of queries answered and of all.
    """
    given = embedder == "minilm"
    with recollect.open(embedder=None if given else "local") as memory:
        position: dict[str, int] = {}
        unreadable = 0
        for group, scope in data.scopes.items():
            unreadable += _fill(_handle(memory, group), data, scope, given, position)
        ways = _ways()
        rankings: dict[str, list[Ranking]] = {way: [] for way in ways}
        for at, query in enumerate(data.queries):
            before = query.get("before_order")
            for way, signals in ways.items():
                found = _handle(memory, query.get("group")).recall(
                    query["text"],
                    k=DEPTH,
                    vector=data.query_vectors[at] if given else None,
                    filter=None if before is None else {"order": {"$lt": before}},
                    now=_time(query.get("time")),
                    **({"signals": signals} if way else {}),
                )
                rankings[way].append([position[hit.uid] for hit in found])
            progress(at + 1, len(data.queries))
    return rankings, unreadable


def _handle(memory: recollect.Memory, group: str | None) -> recollect.Memory:
    return memory if group is None else memory.namespace(group)


def _fill(
    memory: recollect.Memory, data: RetrievalSet, scope: list[int], given: bool, position: dict[str, int]
) -> int:
    """Add the memories of a group; an empty one is none, and identical ones are kept apart."""
    order = [at for at in scope if data.memories[at]["text"].strip()]
    rows = [data.memories[at] for at in order]
    if not any(row.get("session") for row in rows):
        random.Random(SEED).shuffle(order)
        rows = [data.memories[at] for at in order]
    times = [_time(row.get("time")) for row in rows]
    outcomes = memory.add_many(
        [row["text"] for row in rows],
        speaker=[row.get("speaker") or None for row in rows],
        session=[row.get("session") or None for row in rows],
        at=times,
        metadata=[_metadata(row) for row in rows],
        vectors=data.memory_vectors[order] if given else None,
        duplicates="keep",
    )
    for outcome, at in zip(outcomes, order, strict=True):
        position[outcome.uid] = at
    return sum(time is None and bool(row.get("time")) for time, row in zip(times, rows, strict=True))


def _metadata(row: dict[str, Any]) -> dict[str, Any]:
    found = {name: row[name] for name in _METADATA if row.get(name) is not None}
    return {**found, "facts": row["triples"]} if row.get("triples") else found


def _time(text: str | None) -> datetime | None:
    """Return the time of a memory; a month alone or a text that is no time gives none."""
    if not text or not re.match(r"\d{4}-\d\d-\d\d", text):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
