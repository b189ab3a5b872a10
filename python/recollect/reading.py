"""The reads of one namespace that need no query."""

from datetime import date, datetime
from typing import Any

import numpy as np

from recollect.checks import count_of, kinds_of, one_of, uids_of
from recollect.embedding.protocol import Vectors
from recollect.errors import InvalidArgument, WrongType
from recollect.filters import Filter, filter_text
from recollect.handle import Handle
from recollect.records import Change, Record
from recollect.times import Time, from_micros, to_micros

__all__ = ["around", "count", "get", "history", "interval", "listed", "times_asked", "told"]

ORDERS = ("time", "-time", "ingested", "-ingested")
_HEX = frozenset("0123456789abcdef")


def interval(between: object, argument: str = "between") -> tuple[int | None, int | None]:
    """Return a half-open interval in microseconds; None on a side leaves it open."""
    if between is None:
        return None, None
    if isinstance(between, (str, bytes)) or not isinstance(between, (tuple, list)) or len(between) != 2:
        raise WrongType(f"{argument}: expected a pair (start, end), found {type(between).__name__}")
    first, second = between
    start = None if first is None else to_micros(first, f"{argument}[0]")
    end = None if second is None else to_micros(second, f"{argument}[1]")
    if start is not None and end is not None and end <= start:
        raise InvalidArgument(f"{argument}: the end must lie after the start")
    return start, end


def times_asked(valid_at: Time | None, known_at: Time | None) -> tuple[int | None, int | None]:
    """Return when memories are to have held, and when to have been known, in microseconds."""
    return (
        None if valid_at is None else to_micros(valid_at, "valid_at"),
        None if known_at is None else to_micros(known_at, "known_at"),
    )


def told(as_of: tuple[int | None, int | None]) -> dict[str, str] | None:
    """Return the times that were asked for as ISO 8601 texts; None where it was now."""
    names = zip(("valid_at", "known_at"), as_of, strict=True)
    return {name: from_micros(time).isoformat() for name, time in names if time is not None} or None


def get(handle: Handle, uid: str, *, version: int | None = None, now: Time | None = None) -> Record:
    """Return one memory, or one version of it."""
    number = None if version is None else count_of(version, "version", 1)
    return Record.from_native(handle.namespace.get(uids_of(uid)[0], version=number, now=handle.now(now)))


def vectors(handle: Handle, uid: str, *, now: Time | None = None) -> Vectors:
    """Return the vector keys of one memory, ``[m, d]``."""
    return handle.namespace.vectors(uids_of(uid), now=handle.now(now))[0]


def history(handle: Handle, uid: str) -> list[Change]:
    """Return every event of one memory, oldest first."""
    return [Change.from_native(row) for row in handle.namespace.history(uids_of(uid)[0])]


def listed(
    handle: Handle,
    filter: Filter | None = None,
    *,
    kind: object = None,
    between: object = None,
    order: str = "time",
    limit: int | None = None,
    offset: int = 0,
    valid_at: Time | None = None,
    known_at: Time | None = None,
    now: Time | None = None,
) -> list[Record]:
    """Return the memories that a filter keeps, in an order."""
    rows = handle.namespace.list(
        **_selection(handle, filter, kind, between, (valid_at, known_at), now),
        order=one_of(order, ORDERS, "order"),
        limit=None if limit is None else count_of(limit, "limit"),
        offset=count_of(offset, "offset"),
    )
    return [Record.from_native(row) for row in rows]


def count(
    handle: Handle,
    filter: Filter | None = None,
    *,
    kind: object = None,
    between: object = None,
    valid_at: Time | None = None,
    known_at: Time | None = None,
    now: Time | None = None,
) -> int:
    """Return how many memories a filter keeps."""
    return handle.namespace.count(**_selection(handle, filter, kind, between, (valid_at, known_at), now))


def around(
    handle: Handle, moment: object, k: int = 10, *, kinds: object = None, now: Time | None = None
) -> list[Record]:
    """Return the memories nearest in time to a memory or to a moment, in the order of time."""
    arguments: dict[str, Any] = {"at": None, "uid": None}
    identity = getattr(moment, "uid", moment)
    if isinstance(identity, str) and len(identity) == 32 and _HEX.issuperset(identity):
        arguments["uid"] = identity
    elif isinstance(identity, (str, int, datetime, date, np.datetime64)):
        arguments["at"] = to_micros(identity, "moment")
    else:
        raise WrongType(f"moment: expected a uid or a time, found {type(moment).__name__}")
    rows = handle.namespace.around(
        **arguments, k=count_of(k, "k", 1), kinds=kinds_of(kinds), now=handle.now(now)
    )
    return [Record.from_native(row) for row in rows]


def _selection(
    handle: Handle,
    filter: Filter | None,
    kind: object,
    between: object,
    times: tuple[Time | None, Time | None],
    now: Time | None,
) -> dict[str, Any]:
    start, end = interval(between)
    as_of = times_asked(*times)
    return {
        "filter": filter_text(filter),
        "kinds": kinds_of(kind, "kind"),
        "start": start,
        "end": end,
        "as_of": as_of,
        "now": handle.now(now) if now is not None or as_of[1] is None else as_of[1],
    }
