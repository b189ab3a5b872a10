"""Links between the memories of one namespace, and what stands next to a memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from recollect.checks import number_of, one_of, relation_of, text_of, texts_of, uids_of, unit
from recollect.errors import InvalidArgument
from recollect.handle import Handle
from recollect.times import Time, from_micros, to_micros

if TYPE_CHECKING:
    from recollect.graph import Graph

__all__ = ["OWN_RELATIONS", "RELATED", "Neighbour", "graph", "link", "neighbours", "strengthen", "unlink"]

DIRECTIONS = ("out", "in", "both")
OWN_RELATIONS = ("mentions", "shares")
"""Those of the links that the store itself makes."""
RELATED = "related"
"""The relation of a link that is given no other."""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A memory that stands next to another, and the edge between them."""

    uid: str
    """The other memory."""
    out: bool
    """Whether the edge leads to it; else it comes from there."""
    relation: str
    """``mentions`` or ``shares`` for what the store found, else as the caller named it."""
    weight: float
    at: datetime
    """When the edge was made; of one that the store makes, when the memory it leads out of happened."""
    trusted: bool
    """Whether recall follows the edge."""


def link(
    handle: Handle,
    src: object,
    dst: object,
    relation: str | Sequence[str] = RELATED,
    *,
    weight: object = 1.0,
    at: object = None,
    source: str = "",
    trust: float = 1.0,
    now: Time | None = None,
) -> None:
    """Link memories, all or none."""
    starts, ends = uids_of(src, "src"), uids_of(dst, "dst")
    if len(starts) != len(ends):
        raise InvalidArgument(f"dst: {len(ends)} memories for {len(starts)} in src")
    one = isinstance(relation, str)
    relations = [relation_of(relation)] if one else texts_of(relation, "relation")
    handle.namespace.links.link(
        starts,
        ends,
        relation=_as_many(relations, len(starts), "relation"),
        weight=[number_of(x, "weight") for x in _as_many(_listed(weight), len(starts), "weight")],
        at=[None if x is None else to_micros(x, "at") for x in _as_many(_listed(at), len(starts), "at")],
        source=text_of(source, "source"),
        trust=unit(trust, "trust"),
        now=handle.now(now),
    )


def _listed(value: object) -> list[Any]:
    many = isinstance(value, Sequence) and not isinstance(value, (str, bytes))
    return list(value) if many or hasattr(value, "tolist") else [value]  # type: ignore[call-overload]


def _as_many(values: list[Any], count: int, argument: str) -> list[Any]:
    if len(values) not in (1, count):
        raise InvalidArgument(f"{argument}: expected one or {count}, found {len(values)}")
    return values


def unlink(
    handle: Handle, src: object, dst: object, relation: str | None = None, *, now: Time | None = None
) -> int:
    """Take the links of a relation away, or all that were made by `link`; return how many."""
    (start,), (end,) = uids_of(src, "src"), uids_of(dst, "dst")
    wanted = None if relation is None else relation_of(relation)
    return handle.namespace.links.unlink(start, end, relation=wanted, now=handle.now(now))


def strengthen(
    handle: Handle,
    src: object,
    dst: object,
    relation: str = RELATED,
    by: float = 1.0,
    *,
    now: Time | None = None,
) -> float:
    """Add to the weight of a link and return the new weight."""
    (start,), (end,) = uids_of(src, "src"), uids_of(dst, "dst")
    return handle.namespace.links.strengthen(
        start, end, relation=relation_of(relation), by=number_of(by, "by"), now=handle.now(now)
    )


def neighbours(
    handle: Handle,
    uid: object,
    *,
    direction: str = "both",
    relations: str | Sequence[str] | None = None,
    now: Time | None = None,
) -> list[Neighbour]:
    """Return what stands next to a memory."""
    (own,) = uids_of(uid)
    names = None
    if relations is not None:
        names = [relations] if isinstance(relations, str) else texts_of(relations, "relations")
    rows = handle.namespace.links.neighbours(
        own, direction=one_of(direction, DIRECTIONS, "direction"), relations=names, now=handle.now(now)
    )
    return [
        Neighbour(other, out, name, weight, from_micros(at), trusted)
        for other, out, name, weight, at, trusted in rows
    ]


def graph(handle: Handle, *, now: Time | None = None) -> "Graph":
    """Return the links as a graph of their own."""
    from recollect.graph import Graph

    memories, ties = handle.namespace.links.all(now=handle.now(now))
    found = Graph()
    for believed in (True, False):
        found.add_nodes([uid for uid, trusted in memories if trusted == believed], trusted=believed)
    for believed in (True, False):
        edges = [tie for tie in ties if tie[5] == believed]
        if edges:
            starts, ends, relations, weights, times, _ = zip(*edges, strict=True)
            found.link_many(
                [memories[at][0] for at in starts],
                [memories[at][0] for at in ends],
                list(relations),
                weight=np.array(weights, dtype=np.float32),
                time=np.array(times, dtype=np.int64),
                trusted=believed,
            )
    return found
