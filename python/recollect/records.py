"""What comes back from a memory: frozen dataclasses that compare, pickle and show themselves in notebooks."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias, overload

from recollect.html import shorten, table
from recollect.times import from_micros

if TYPE_CHECKING:
    from recollect.rows import ChangeRow, HitRow, OutcomeRow, RecordRow

__all__ = [
    "Change",
    "Hit",
    "Outcome",
    "Recall",
    "Receipt",
    "Reconsolidate",
    "Record",
    "Signal",
    "State",
    "Step",
    "Verification",
]


@dataclass(frozen=True)
class Record:
    """One version of a memory; times are aware datetimes in UTC."""

    uid: str
    """Identity, the same over all versions: 32 hexadecimal digits."""
    version: int
    """1 for the first version."""
    kind: str
    """``episodic`` (what happened), ``semantic`` (what is known), ``procedural``, ``core``, ``working``
    or ``instruction``."""
    status: str
    """``active``, ``archived`` (a later version replaced it) or ``deleted``."""
    text: str
    """What is remembered."""
    metadata: dict[str, Any]
    """The caller's JSON object."""
    tags: tuple[str, ...]
    """Labels, in the order given."""
    speaker: str | None
    """Who said it."""
    session: str | None
    """The conversation, document or day it belongs to."""
    at: datetime | None
    """When it happened; the start where it lasted."""
    until: datetime | None
    """The first instant after it, where it lasted."""
    ingested: datetime
    """When the store learned it."""
    turn: int
    """Counter of writes in the namespace, or the caller's own."""
    importance: float
    """Between 0 and 1."""
    confidence: float
    """Between 0 and 1."""
    source: str
    """The channel it came through, such as ``conversation`` or ``import``."""
    principal: str
    """Who is answerable for it."""
    trust: float
    """Between 0 and 1; of a derived memory at most the least trust of its parents."""
    parents: tuple[str, ...]
    """The memories it was derived from."""
    ttl: timedelta | None
    """How long it lives."""
    sliding: bool
    """Whether each recall starts that time anew."""
    expires: datetime | None
    """When it leaves recall."""
    mentions: int
    """How often it was added."""
    namespace: tuple[str, ...]
    """Where it lives, from the root."""

    @classmethod
    def from_native(cls, row: "RecordRow") -> "Record":
        """Build a record from the tuple that the native module returns, without the cost of ``__init__``."""
        (
            uid,
            version,
            kind,
            status,
            text,
            metadata,
            tags,
            speaker,
            session,
            at,
            until,
            ingested,
            turn,
            importance,
            confidence,
            source,
            principal,
            trust,
            parents,
            ttl,
            sliding,
            expires,
            mentions,
            namespace,
        ) = row
        record = object.__new__(cls)
        fields = {
            "uid": uid,
            "version": version,
            "kind": kind,
            "status": status,
            "text": text,
            "metadata": json.loads(metadata) if metadata not in ("{}", "") else {},
            "tags": tags,
            "speaker": speaker,
            "session": session,
            "at": None if at is None else from_micros(at),
            # The store keeps an instant as the interval of one microsecond.
            "until": None if until is None or (at is not None and until <= at + 1) else from_micros(until),
            "ingested": from_micros(ingested),
            "turn": turn,
            "importance": importance,
            "confidence": confidence,
            "source": source,
            "principal": principal,
            "trust": trust,
            "parents": parents,
            "ttl": None if ttl is None else timedelta(microseconds=ttl),
            "sliding": sliding,
            "expires": None if expires is None else from_micros(expires),
            "mentions": mentions,
            "namespace": namespace,
        }
        object.__setattr__(record, "__dict__", fields)
        return record

    def __hash__(self) -> int:
        """Hash the identity, because metadata cannot be hashed."""
        return hash((self.uid, self.version))

    def _repr_html_(self) -> str:
        shown = {**vars(self), "text": shorten(self.text)}
        rows = ((name, value) for name, value in shown.items() if value not in (None, (), {}, ""))
        return table(f"{self.kind} memory {self.uid}", (), rows)


State: TypeAlias = Literal["known", "familiar", "unknown"]
"""What is known of what a query asks for."""


class Signal(NamedTuple):
    """What one signal said about a hit."""

    name: str
    """``words``, ``vectors``, ``neighbours``, ``session``, ``context``, ``speaker``, ``recency``,
    ``replies``, ``dates``, ``links``, ``order`` or ``base level``."""
    rank: int
    """Place in the order of this signal, from 1."""
    score: float
    """Score in the units of this signal: BM25 for words, similarity for vectors, its share for the rest."""
    share: float
    """What it added to the score of the hit."""


class Step(NamedTuple):
    """One link on the way to a hit."""

    src: str
    """The uid of the memory it comes from."""
    dst: str
    """The uid of the memory it leads to."""
    relation: str
    forward: bool
    """Whether the link itself leads that way; else it is followed backwards."""


@dataclass(frozen=True)
class Hit:
    """A memory that was recalled, and why."""

    record: Record
    score: float
    """Greater is better; comparable inside one recall only."""
    rank: int
    """Place in the result, from 1."""
    signals: tuple[Signal, ...] = ()
    """What each signal said; empty where no explanation was asked for."""
    path: tuple[Step, ...] = ()
    """The links that led to it, from a memory that was found without them or that the query names; empty
    where links do not speak for it."""
    spans: tuple[tuple[int, int], ...] = ()
    """Where the sentences that speak of the query stand, in characters; empty without `extract`."""

    @property
    def excerpt(self) -> str:
        """The sentences that speak of the query, one after the other; the whole text without `spans`."""
        return " ".join(self.text[start:end] for start, end in self.spans) if self.spans else self.text

    @property
    def text(self) -> str:
        """The text of the memory."""
        return self.record.text

    @property
    def uid(self) -> str:
        """The identity of the memory."""
        return self.record.uid

    @classmethod
    def from_native(cls, row: "HitRow", rank: int) -> "Hit":
        """Build a hit from the tuple that the native module returns."""
        record, score, signals, path = row
        hit = object.__new__(cls)
        fields = {
            "record": Record.from_native(record),
            "score": score,
            "rank": rank,
            "signals": tuple(map(Signal._make, signals)),
            "path": tuple(map(Step._make, path)) if path else (),
            "spans": (),
        }
        # A frozen dataclass assigns field by field, which would cost more than the search.
        object.__setattr__(hit, "__dict__", fields)
        return hit


@dataclass(frozen=True, slots=True)
class Reconsolidate:
    """Notes that did not answer, and episodes that do: what to write better notes from."""

    query: str
    """The text asked for."""
    notes: tuple[str, ...]
    """The uids of the notes that were found and did not suffice."""
    episodes: tuple[str, ...]
    """The uids of the episodes that do."""


@dataclass(frozen=True)
class Recall(Sequence[Hit]):
    """The hits of a query, best first; a sequence."""

    hits: tuple[Hit, ...]
    trace: dict[str, Any] = field(repr=False)
    """How the answer came about: what was searched, what was skipped and why."""
    query: str | None = None
    """The text asked for."""
    state: State = "unknown"
    """Whether the memories seem to hold an answer: by words, scores and speakers, without reading them."""
    confidence: float = 0.0
    """How likely they do, between 0 and 1; the state goes by it, and it by ``trace["evidence"]``."""
    stages: tuple[str, ...] = ()
    """The stages that ran; of :meth:`Memory.escalate` only."""
    reconsolidate: "Reconsolidate | None" = None
    """What notes should be made of, where :meth:`Memory.escalate` found the answer in episodes only."""

    def __len__(self) -> int:
        """Return the number of hits."""
        return len(self.hits)

    @overload
    def __getitem__(self, index: int) -> Hit: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Hit, ...]: ...
    def __getitem__(self, index: int | slice) -> Hit | tuple[Hit, ...]:
        """Return one hit, or a tuple of them."""
        return self.hits[index]

    def __hash__(self) -> int:
        """Hash the query and the hits, because the trace cannot be hashed."""
        return hash((self.query, tuple(hit.uid for hit in self.hits)))

    def _repr_html_(self) -> str:
        rows = (
            (
                hit.rank,
                f"{hit.score:.4f}",
                ", ".join(f"{s.name} #{s.rank} ({s.score:.3f})" for s in hit.signals),
                hit.record.at.isoformat(" ", "minutes") if hit.record.at else "",
                hit.record.speaker or "",
                shorten(hit.text),
            )
            for hit in self.hits
        )
        caption = (
            f"{len(self.hits)} memories for {self.query!r}" if self.query else f"{len(self.hits)} memories"
        )
        return table(caption, ("rank", "score", "signals", "at", "speaker", "text"), rows)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a write did."""

    uid: str
    version: int
    op: str
    """``added``, ``updated``, ``deleted`` or ``noop``."""
    reason: str
    """Why, where the store or the caller gave a reason."""
    mentions: int
    """How often the memory was added, this time included."""
    gave_way: tuple["Outcome", ...] = ()
    """What became of the statements that gave way to it."""

    @classmethod
    def from_native(cls, row: "OutcomeRow") -> "Outcome":
        """Build an outcome from the tuple that the native module returns."""
        return cls(*row)


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of the history of a memory."""

    seq: int
    """Number of the event in the namespace."""
    at: datetime
    """When it was recorded."""
    op: str
    """``added``, ``updated``, ``deleted``, ``noop``, ``touched``, ``erased``; ``embedded`` by a migration;
    ``linked``, ``unlinked``."""
    version: int
    """Version after the event."""
    reason: str
    record: Record | None
    """What the memory was after the event; none where the event wrote nothing, or where it was erased."""

    @classmethod
    def from_native(cls, row: "ChangeRow") -> "Change":
        """Build a change from the tuple that the native module returns."""
        seq, at, op, version, reason, record = row
        return cls(
            seq, from_micros(at), op, version, reason, None if record is None else Record.from_native(record)
        )


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was forgotten."""

    state: Literal["done", "pending"]
    """``pending``: nothing recalls it any more, but its last bytes go only when other readers allow."""
    erased: tuple[str, ...] = ()
    """Memories whose content was erased for good."""
    deleted: tuple[str, ...] = ()
    """Memories that left recall and keep their history."""
    unsupported: tuple[str, ...] = ()
    """Statements that were linked to some of them as evidence and now have none."""


@dataclass(frozen=True, slots=True)
class Verification:
    """What checking every row of a store found."""

    ok: bool
    namespaces: int
    """Namespaces checked."""
    events: int
    """Events checked."""
    contents: int
    """Contents checked."""
    damage: tuple[str, ...]
    """One line for each damage."""

    def _repr_html_(self) -> str:
        caption = f"{self.namespaces} namespaces, {self.events} events, {self.contents} contents: " + (
            "sound" if self.ok else f"{len(self.damage)} damaged"
        )
        return table(caption, (), ((line,) for line in self.damage))
