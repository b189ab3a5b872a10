"""Facts among the semantic memories: what is stated of whom, what held when, and what was believed when."""

from collections import defaultdict
from collections.abc import Callable
from itertools import combinations
from typing import Any, TypeAlias, TypedDict

from recollect import reading, writing
from recollect.checks import count_of, json_text, one_of, text_of, uids_of
from recollect.errors import InvalidArgument
from recollect.handle import Handle
from recollect.reading import interval, times_asked
from recollect.records import Change, Outcome, Record
from recollect.rows import ClaimRow
from recollect.times import MAX_MICROS, MIN_MICROS, Time, to_micros

__all__ = [
    "POLICIES",
    "VERDICTS",
    "Judge",
    "about",
    "between",
    "claim",
    "contradictions",
    "history",
    "of_fact",
    "supported_only_by",
]

POLICIES = ("supersede", "latest_wins", "keep_both", "by_confidence")
"""What a new statement can do to those it contradicts."""
VERDICTS = ("independent", "extends", "contradicts")
"""How a new statement can stand to an old one."""

Judge: TypeAlias = Callable[[Record, str], str]
"""Says how a new text stands to an old statement: ``"independent"``, ``"extends"`` or ``"contradicts"``."""

_ATTEMPTS = 8


class FactPart(TypedDict):
    """What a statement says, in its metadata."""

    subject: str
    predicate: str
    object: str


def of_fact(subject: str | None, predicate: str | None, object: str | None) -> FactPart | None:
    """Return the parts of a fact, or None where no predicate and no object is given."""
    if predicate is None and object is None:
        return None
    for name, part in (("subject", subject), ("predicate", predicate), ("object", object)):
        if part is None:
            raise InvalidArgument(f"{name}: a fact needs a subject, a predicate and an object")
        text_of(part, name)
    return {"subject": str(subject), "predicate": str(predicate), "object": str(object)}


def claim(
    handle: Handle, text: str, fact: FactPart, evidence: object, policy: str | Judge, options: dict[str, Any]
) -> Outcome:
    """State a fact; options as of :func:`recollect.writing.add`."""
    supports = uids_of(evidence) if evidence else []
    arguments = {**options, "metadata": {**(options.get("metadata") or {}), **fact}}
    if supports and not arguments.get("parents"):
        arguments["parents"] = supports
    if arguments.get("until") is not None and arguments.get("at") is None:
        arguments["at"] = MIN_MICROS
    if not callable(policy):
        row: ClaimRow = (supports, one_of(policy, POLICIES, "policy"), None)
        return _first(writing.add(handle, [text], single=True, kind="semantic", claim=row, **arguments))
    at, until = arguments.get("at"), arguments.get("until")
    start = None if at is None else to_micros(at, "at")
    end = None if until is None else to_micros(until, "until")
    now = handle.now(options.get("now"))
    for attempt in range(_ATTEMPTS):
        rows = handle.namespace.claims.conflicts(
            json_text(arguments["metadata"], "metadata"), start=start, end=end, now=now
        )
        olds = [Record.from_native(row) for row in rows]
        verdicts = [(old.uid, old.version, one_of(policy(old, text), VERDICTS, "policy")) for old in olds]
        try:
            row = (supports, "", verdicts)
            return _first(writing.add(handle, [text], single=True, kind="semantic", claim=row, **arguments))
        except InvalidArgument as error:
            # Another writer may have changed what there was to be judged.
            if attempt == _ATTEMPTS - 1 or not str(error).startswith("policy: the statements"):
                raise
    raise InvalidArgument("policy: the statements in conflict kept changing")


def _first(outcomes: list[Outcome]) -> Outcome:
    first, *gave_way = outcomes
    return Outcome(first.uid, first.version, first.op, first.reason, first.mentions, gave_way=tuple(gave_way))


def about(
    handle: Handle,
    subject: str,
    limit: int | None,
    *,
    predicate: str | None,
    at: Time | None,
    known_at: Time | None,
) -> list[Record]:
    """Return what holds of a subject at a time, as it was known at another."""
    valid, known = times_asked(at, known_at)
    if at is None:
        valid = handle.now(None) if known is None else known
    return _listed(handle, subject, predicate, (valid, known), limit=limit)


def between(
    handle: Handle,
    start: Time | None,
    end: Time | None,
    *,
    subject: str,
    predicate: str | None,
    known_at: Time | None,
) -> list[Record]:
    """Return what holds of a subject at some time of a range."""
    _, known = times_asked(None, known_at)
    return _listed(handle, subject, predicate, (None, known), between=interval((start, end)))


def _listed(
    handle: Handle,
    subject: str,
    predicate: str | None,
    as_of: tuple[int | None, int | None],
    *,
    between: tuple[int | None, int | None] = (None, None),
    limit: int | None = None,
) -> list[Record]:
    rows = handle.namespace.claims.about(
        text_of(subject, "subject"),
        predicate=None if predicate is None else text_of(predicate, "predicate"),
        as_of=as_of,
        between=between,
        limit=None if limit is None else count_of(limit, "limit"),
        now=handle.now(None) if as_of[1] is None else as_of[1],
    )
    return [Record.from_native(row) for row in rows]


def contradictions(
    handle: Handle, subject: str, *, predicate: str | None, known_at: Time | None
) -> list[tuple[Record, Record]]:
    """Return pairs of statements that cannot both hold, the older first."""
    _, known = times_asked(None, known_at)
    facts: dict[str, list[Record]] = defaultdict(list)
    for record in reversed(_listed(handle, subject, predicate, (None, known))):
        if "predicate" in record.metadata and "object" in record.metadata:
            facts[record.metadata["predicate"]].append(record)
    pairs = (pair for same in facts.values() for pair in combinations(same, 2))
    return [(a, b) for a, b in pairs if a.metadata["object"] != b.metadata["object"] and _meet(a, b)]


def _meet(a: Record, b: Record) -> bool:
    (from_a, until_a), (from_b, until_b) = _span(a), _span(b)
    return from_a < until_b and from_b < until_a


def _span(record: Record) -> tuple[int, int]:
    start = MIN_MICROS if record.at is None else to_micros(record.at, "at")
    return start, MAX_MICROS + 1 if record.until is None else to_micros(record.until, "until")


def history(handle: Handle, subject: str, *, predicate: str | None) -> list[Change]:
    """Return every event of all that was ever stated of a subject, oldest first."""
    uids = handle.namespace.claims.ever(
        text_of(subject, "subject"), None if predicate is None else text_of(predicate, "predicate")
    )
    changes = [change for uid in uids for change in reading.history(handle, uid)]
    return sorted(changes, key=lambda change: change.seq)


def supported_only_by(handle: Handle, uid: object) -> list[str]:
    """Return the statements that nothing else supports than these memories."""
    return handle.namespace.claims.supported_only_by(uids_of(uid), now=handle.now(None))
