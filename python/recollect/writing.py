"""The writes of one namespace: everything is checked and embedded before the store is entered."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import numpy.typing as npt

from recollect.checks import KINDS, count_of, json_text, one_of, text_of, texts_of, uids_of, unit
from recollect.columns import column, filled, json_column, list_column, single_column
from recollect.derived import drop
from recollect.errors import InvalidArgument, WrongType
from recollect.extracting import stated
from recollect.handle import Handle, Progress
from recollect.migrating import step
from recollect.records import Outcome
from recollect.rows import ClaimRow
from recollect.spaces import for_writes
from recollect.times import Duration, Time, duration_micros, to_micros
from recollect.vectors import Keys, embedded_text, keys_of_many, keys_of_one

__all__ = ["add", "delete", "noop", "update"]

T = TypeVar("T")


def add(
    handle: Handle,
    texts: Iterable[str],
    *,
    single: bool,
    kind: str = "episodic",
    at: object = None,
    until: object = None,
    speaker: object = None,
    session: object = None,
    metadata: object = None,
    tags: object = (),
    turn: object = None,
    importance: object = 0.5,
    confidence: object = 1.0,
    vectors: Any = None,  # noqa: ANN401 -- an array, nested lists or a list of arrays
    keys: object = None,
    ttl: Duration | None = None,
    sliding: bool = False,
    source: str = "",
    principal: str = "",
    trust: float = 1.0,
    parents: object = (),
    duplicates: str = "noop",
    claim: ClaimRow | None = None,
    now: Time | None = None,
    progress: Progress | None = None,
) -> list[Outcome]:
    """Add texts in one transaction; `single`: all `vectors` belong to one text, names carry no index."""
    if isinstance(texts, (str, bytes)) or not isinstance(texts, Iterable):
        raise WrongType(f"texts: expected a list of texts, found {type(texts).__name__}")
    listed = [text_of(text, "text" if single else f"texts[{i}]") for i, text in enumerate(texts)]
    count = len(listed)

    def each(value: object, argument: str, one: Callable[[Any, str], T]) -> list[T | None] | None:
        return single_column(value, argument, one) if single else column(value, count, argument, one)

    def lists(value: object, argument: str) -> list[list[str]] | None:
        one = single and value is not None
        return [texts_of(value, argument)] if one else list_column(value, count, argument)

    def objects(value: object, argument: str) -> list[str | None] | None:
        return single_column(value, argument, json_text) if single else json_column(value, count, argument)

    starts, ends = _interval(each(at, "at", to_micros), each(until, "until", to_micros), single)
    speakers = each(speaker, "speaker", text_of)
    if isinstance(keys, str) and count > 1:
        raise WrongType("keys: expected a list with one key for each text, found str")
    if not isinstance(sliding, bool):
        raise WrongType(f"sliding: expected bool, found {type(sliding).__name__}")
    arguments: dict[str, Any] = {
        "kind": one_of(kind, KINDS, "kind"),
        "starts": starts,
        "ends": ends,
        "speakers": speakers,
        "sessions": each(session, "session", text_of),
        "metadata": each(metadata, "metadata", json_text)
        if single
        else json_column(metadata, count, "metadata"),
        "tags": lists(tags, "tags"),
        "turns": each(turn, "turn", count_of),
        "importance": filled(each(importance, "importance", unit), "importance"),
        "confidence": filled(each(confidence, "confidence", unit), "confidence"),
        "keys": each(keys, "key" if single else "keys", text_of),
        "ttl": None if ttl is None else duration_micros(ttl, "ttl"),
        "sliding": sliding,
        "source": text_of(source, "source"),
        "principal": text_of(principal, "principal"),
        "trust": unit(trust, "trust"),
        "parents": lists(parents, "parents"),
        "claim": claim,
        "keep_duplicates": one_of(duplicates, ("noop", "keep"), "duplicates") == "keep",
    }
    time = handle.now(now)
    if not listed:
        return []
    if handle.extract is not None:
        told = arguments["metadata"] or [None] * count
        arguments["metadata"] = [stated(handle.extract, text, told[i]) for i, text in enumerate(listed)]
    spoken = [embedded_text(text, None if speakers is None else speakers[i]) for i, text in enumerate(listed)]
    own, following = for_writes(handle)
    one = keys_of_one(own, spoken[0], vectors) if single else None
    found = one or keys_of_many(own, spoken, vectors, progress)
    # Where vectors are given, the migration makes those of the next space from the texts, in its turn.
    beside = Keys() if vectors is not None else keys_of_many(following, spoken, None)
    if vectors is None:
        # Vectors that were given lie in the space there is now, so this call does not move the namespace on.
        step(handle)
    rows = handle.namespace.add(
        listed,
        now=time,
        vectors=found.vectors,
        owners=found.owners,
        space=found.space,
        beside=beside.row(),
        **arguments,
    )
    if claim is not None:
        drop(handle, [row[0] for row in rows[1:]])
    return [Outcome.from_native(row) for row in rows]


def _interval(
    starts: list[int | None] | None, ends: list[int | None] | None, single: bool
) -> tuple[list[int | None] | None, list[int | None] | None]:
    for at, end in enumerate(ends or ()):
        if end is None:
            continue
        name = "until" if single else f"until[{at}]"
        start = None if starts is None else starts[at]
        if start is None:
            raise InvalidArgument(f"{name}: needs `at`, the time it began")
        if end <= start:
            raise InvalidArgument(f"{name}: must lie after `at`")
    return starts, ends


def update(
    handle: Handle,
    uid: str,
    *,
    text: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    tags: Sequence[str] | None = None,
    at: Time | None = None,
    until: Time | None = None,
    importance: float | None = None,
    confidence: float | None = None,
    vector: npt.ArrayLike | None = None,
    kind: str | None = None,
    expect_version: int | None = None,
    key: str | None = None,
    reason: str = "",
    now: Time | None = None,
) -> Outcome:
    """Write a new version of a memory; None leaves a field as it is."""
    identity = uids_of(uid)[0]
    if text is not None:
        text_of(text, "text")
    arguments: dict[str, Any] = {
        "text": text,
        "kind": None if kind is None else one_of(kind, KINDS, "kind"),
        "metadata": None if metadata is None else json_text(metadata, "metadata"),
        "tags": None if tags is None else texts_of(tags, "tags"),
        "start": None if at is None else to_micros(at, "at"),
        "end": None if until is None else to_micros(until, "until"),
        "importance": None if importance is None else unit(importance, "importance"),
        "confidence": None if confidence is None else unit(confidence, "confidence"),
        "expect_version": None if expect_version is None else count_of(expect_version, "expect_version", 1),
        "key": None if key is None else text_of(key, "key"),
        "reason": text_of(reason, "reason"),
    }
    time = handle.now(now)
    if handle.extract is not None and text is not None:
        kept = handle.namespace.get(identity, version=None, now=time)[5] if metadata is None else None
        told = arguments["metadata"] if metadata is not None else kept
        arguments["metadata"] = stated(handle.extract, text, told, anew=metadata is None)
    own, following = for_writes(handle)
    found, beside = Keys(), Keys()
    if vector is not None:
        found = keys_of_one(own, "", vector)
    elif text is not None and own is not None:
        speaker = handle.namespace.get(identity, version=None, now=time)[7]
        spoken = embedded_text(text, speaker)
        found, beside = keys_of_one(own, spoken, None), keys_of_many(following, [spoken], None)
    if vector is None:
        step(handle)
    row = handle.namespace.update(
        identity, now=time, vectors=found.vectors, space=found.space, beside=beside.row(), **arguments
    )
    drop(handle, [identity])
    return Outcome.from_native(row)


def delete(handle: Handle, uid: object, *, reason: str = "", now: Time | None = None) -> list[Outcome]:
    """Take memories out of recall; their history stays."""
    uids = uids_of(uid)
    rows = handle.namespace.delete(uids, now=handle.now(now), reason=text_of(reason, "reason"))
    drop(handle, uids)
    return [Outcome.from_native(row) for row in rows]


def noop(handle: Handle, reason: str, *, uid: str | None = None, now: Time | None = None) -> Outcome:
    """Record a decision not to write."""
    identity = None if uid is None else uids_of(uid)[0]
    return Outcome.from_native(
        handle.namespace.noop(text_of(reason, "reason"), uid=identity, now=handle.now(now))
    )
