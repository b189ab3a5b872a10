"""Why a memory was not recalled."""

from dataclasses import dataclass
from typing import Any

from recollect.checks import count_of, uids_of
from recollect.filters import Filter
from recollect.handle import Handle
from recollect.options import RecallOptions
from recollect.reading import count, get, history
from recollect.recalling import MOST_HITS, recall
from recollect.records import Hit
from recollect.times import from_micros
from recollect.using import uses

__all__ = ["Absence", "why_not"]


@dataclass(frozen=True, slots=True)
class Absence:
    """What kept a memory out of a recall."""

    reason: str
    """``recalled`` (it is there), ``deleted``, ``erased``, ``expired``, ``filter``, ``kind``, ``time``,
    ``decay`` (below `min_base_level`), ``rank``, ``budget``, ``index`` (a search of all vectors would have
    found it) or ``no match`` (no signal speaks for it)."""
    detail: str
    """The same in a sentence."""
    hit: Hit | None = None
    """The memory as it would have come, with its rank and signals, where it was found at all."""
    needed: float | None = None
    """The score of the last hit of the recall, where the rank was to blame."""


def why_not(
    handle: Handle, uid: object, query: str | None, k: int, options: RecallOptions, kinds: object
) -> Absence:
    """Say what kept a memory out of a recall."""
    (own,) = uids_of(uid)
    wanted = count_of(k, "k", 1)
    gone = _gone(handle, own, options)
    if gone is not None:
        return gone
    now, mine = options.get("now"), {"uid": own}
    conditions: list[tuple[str, dict[str, Any]]] = [
        ("filter", {"filter": _both(mine, options.get("filter"))}),
        ("kind", {"filter": mine, "kind": kinds}),
        ("time", {"filter": mine, "between": options.get("between")}),
    ]
    for reason, selection in conditions:
        if not count(handle, now=now, **selection):
            return Absence(reason, f"the {reason} of the call leaves it out")
    least = options.get("min_base_level")
    if least is not None and get(handle, own, now=now).kind != "instruction":
        use = uses(handle, own, now=now)[0]
        if use.base_level < least and not use.pinned:
            return Absence("decay", f"its base-level activation is {use.base_level:.2f}, below {least}")
    asked = recall(handle, query, wanted, kinds=kinds, **options)
    for hit in asked:
        if hit.uid == own:
            return Absence("recalled", f"it is hit {hit.rank}", hit)
    return _ranked(handle, own, query, wanted, options, kinds, asked.hits)


def _ranked(
    handle: Handle,
    own: str,
    query: str | None,
    wanted: int,
    options: RecallOptions,
    kinds: object,
    asked: tuple[Hit, ...],
) -> Absence:
    """Look for the memory further down, and by a search that passes nothing over."""
    open_end: RecallOptions = {**options, "budget": None, "explain": True}
    most = max(MOST_HITS, wanted)
    for reason, more in (("rank", open_end), ("index", {**open_end, "recall_target": 1.0})):
        for hit in recall(handle, query, most, kinds=kinds, **more):
            if hit.uid != own:
                continue
            if options.get("budget") is not None and reason == "rank":
                return Absence("budget", f"it is number {hit.rank}, and the budget was spent on others", hit)
            said = f"it is number {hit.rank}, and {wanted} were asked for"
            if reason == "index":
                said = f"only a search of all vectors finds it, as number {hit.rank}"
            return Absence(reason, said, hit, asked[-1].score if asked else None)
    return Absence("no match", "no signal speaks for it: neither words, vectors nor links lead to it")


def _gone(handle: Handle, own: str, options: RecallOptions) -> Absence | None:
    """Say why a memory cannot be recalled by any query, if that is so."""
    past = {"deleted": "it was deleted", "erased": "it was erased"}
    for change in reversed(history(handle, own)):
        if change.op in past:
            return Absence(change.op, f"{past[change.op]} at {change.at.isoformat()}")
        if change.op in ("added", "updated"):
            break
    now = options.get("now")
    if count(handle, {"uid": own}, now=now):
        return None
    at = from_micros(handle.now(now)).isoformat()
    return Absence("expired", f"its time to live has run out at {at}")


def _both(mine: Filter, other: Filter | None) -> Filter:
    return {"$and": [mine, other]} if other else mine
