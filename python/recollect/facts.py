"""Facts under two times: when they hold, and when they were believed.

>>> import recollect
>>> facts = recollect.Facts()
>>> _ = facts.add("Alice", "lives in", "Paris", since="2020-01-01", recorded="2020-01-05")
>>> done = facts.add("Alice", "lives in", "Berlin", since="2023-06-01", recorded="2023-07-01")
>>> facts.value("Alice", "lives in", at="2023-06-15", known="2023-06-20")
'Paris'
>>> facts.value("Alice", "lives in", at="2023-06-15", known="2023-07-02")
'Berlin'
>>> [fact.object for fact in facts.as_of("Alice", at="2021-01-01")]
['Paris']
>>> facts.value("Alice", "lives in", at="2021-01-01", known="2019-01-01") is None
True
>>> [(fact.object, fact.stands) for fact in facts.history("Alice", "lives in")]
[('Paris', False), ('Paris', True), ('Berlin', True)]

Nothing that was recorded is changed: a fact that gives way has its record closed, and what of it still holds
is recorded anew (Snodgrass, "Developing Time-Oriented Database Applications in SQL"). What a new fact does to
those it contradicts, which have the same subject and predicate, another object, and a time in common:

==================  ======================================================================================
``policy``          what becomes of the old ones
==================  ======================================================================================
``"supersede"``     they go on holding before and after the new one
``"latest_wins"``   they stand no more
``"keep_both"``     they stand, and :meth:`Facts.contradictions` tells of them
``"by_confidence"`` as ``"supersede"`` if the new one is at least as sure as each; else it is only on record
a callable          ``judge(old, new)`` says ``"independent"`` (both stand), ``"extends"`` (the new one takes
                    its place, over the time of both) or ``"contradicts"`` (it stands no more)
==================  ======================================================================================
"""

import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import NoReturn, TypeAlias

import numpy as np
import numpy.typing as npt

from recollect._native import Facts as _Native
from recollect.checks import column_of, one_of, texts_of, unit
from recollect.errors import InvalidArgument, WrongType
from recollect.fact_results import Added, Fact, FactsStats
from recollect.time_arguments import EARLIEST, OPEN, name_of, times_array
from recollect.times import MAX_MICROS, MIN_MICROS, Time, to_micros

__all__ = ["POLICIES", "Added", "Fact", "Facts", "FactsStats", "Judge"]

POLICIES = ("supersede", "latest_wins", "keep_both", "by_confidence")
"""What a new fact can do to those it contradicts."""


Judge: TypeAlias = Callable[[Fact, Fact], str]
"""Says how a new fact stands to an old one: ``"independent"``, ``"extends"`` or ``"contradicts"``."""

_FactRow: TypeAlias = tuple[int, str, str, str, int, int, int, int, float, list[str]]


class Facts:
    """Facts about subjects, with valid time and transaction time.

    A predicate has one object at a time unless :meth:`set_many` says otherwise. Records never go back in
    time: where a clock did, the instant of the latest change counts. Calls may come from several threads;
    the interpreter is free meanwhile.
    """

    __slots__ = ("__weakref__", "_native")

    def __init__(self) -> None:
        self._native = _Native()

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Facts":
        """Return the facts that were saved in a file.

        Raises
        ------
        StoreMissing
            If there is no file (also a ``FileNotFoundError``).
        NotAStore, CorruptStore, FormatTooNew
            If it holds no facts, is damaged, or comes from a later version.
        """
        facts = cls.__new__(cls)
        facts._native = _Native.load(_path(path))
        return facts

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the facts to a file, in the place of one that is there, and make it durable."""
        self._native.save(_path(path))

    def __len__(self) -> int:
        """Return the number of facts on record, those that stand no more included."""
        return len(self._native)

    def __getitem__(self, number: int) -> Fact:
        """Return a fact by its number.

        Raises
        ------
        UnknownMemory
            If there is none (also a ``KeyError``).
        """
        if isinstance(number, bool) or not isinstance(number, (int, np.integer)):
            raise WrongType(f"number: expected int, found {type(number).__name__}")
        return _fact(self._native.fact(int(number) if 0 <= number < 1 << 32 else (1 << 32) - 1))

    def __repr__(self) -> str:
        """Return how many there are."""
        return f"<{len(self)} facts>"

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled or copied."""
        raise WrongType("Facts cannot be pickled or copied: save them to a file, and load that there")

    def set_many(self, predicate: str, many: bool = True) -> None:
        """Say whether a predicate may have several objects at once; what stands is not changed."""
        self._native.set_many(name_of(predicate, "predicate"), bool(many))

    def add(
        self,
        subject: str,
        predicate: str,
        object: str,
        *,
        since: Time | None = None,
        until: Time | None = None,
        recorded: Time | None = None,
        confidence: float = 1.0,
        source: str | None = None,
        policy: str | Judge = "supersede",
    ) -> Added:
        """Put a fact on record.

        Where facts with the same object hold already, those that are less sure give way, and a surer one
        gets the source of this one.

        Parameters
        ----------
        subject, predicate, object
            Of whom, what is said, of what.
        since, until
            When it holds, half-open; None is an open end.
        recorded
            When it was learned; now if not given.
        confidence
            How sure it is, 0 to 1.
        source
            Where it comes from, such as the uid of a memory.
        policy
            What becomes of those it contradicts; a callable is asked before anything is changed.

        Raises
        ------
        InvalidArgument
            If an argument is out of its domain.
        """
        now = _now() if recorded is None else to_micros(recorded, "recorded")
        claim = (
            name_of(subject, "subject"),
            name_of(predicate, "predicate"),
            name_of(object, "object"),
            EARLIEST if since is None else to_micros(since, "since"),
            OPEN if until is None else to_micros(until, "until"),
            unit(confidence, "confidence"),
            None if source is None else name_of(source, "source"),
        )
        if not callable(policy):
            return _added(self._native.put(claim, one_of(policy, POLICIES, "policy"), None, now))
        new = Fact(-1, *claim[:5], now, OPEN, claim[5], () if claim[6] is None else (claim[6],))
        while True:
            conflicts = [_fact(row) for row in self._native.conflicts(claim)]
            verdicts = [(old.number, policy(old, new)) for old in conflicts]
            for _, verdict in verdicts:
                one_of(verdict, ("independent", "extends", "contradicts"), "policy")
            try:
                return _added(self._native.put(claim, "", verdicts, now))
            except InvalidArgument:
                # Another thread may have changed what there is to be judged.
                if [row[0] for row in self._native.conflicts(claim)] == [old.number for old in conflicts]:
                    raise

    def extend(
        self,
        subjects: Sequence[str],
        predicates: Sequence[str],
        objects: Sequence[str],
        *,
        since: Sequence[Time] | npt.NDArray[np.int64] | None = None,
        until: Sequence[Time] | npt.NDArray[np.int64] | None = None,
        recorded: Sequence[Time] | npt.NDArray[np.int64],
        confidence: npt.ArrayLike = 1.0,
        sources: Sequence[str | None] | None = None,
        policy: str = "supersede",
    ) -> int:
        """Put many facts on record, one after the other, all or none; return how many were added.

        As :meth:`add`; lists and arrays of one length, times as int64 microseconds, datetime64, or a list of
        what is read as a time.
        """
        names = (
            _names(subjects, "subjects"),
            _names(predicates, "predicates"),
            _names(objects, "objects"),
        )
        count = len(names[0])
        times = times_array(recorded, "recorded")
        values = column_of(confidence, "confidence", count)
        outside = (times == OPEN) | (times == EARLIEST)
        if outside.any():
            raise InvalidArgument(f"recorded[{int(np.argmax(outside))}]: expected a time")
        return self._native.put_many(
            names,
            np.full(count, EARLIEST) if since is None else times_array(since, "since"),
            np.full(count, OPEN) if until is None else times_array(until, "until"),
            times,
            np.broadcast_to(values, (count,)).copy(),
            None
            if sources is None
            else [None if name is None else name_of(name, "sources") for name in sources],
            one_of(policy, POLICIES, "policy"),
        )

    def retract(
        self,
        subject: str | None = None,
        predicate: str | None = None,
        object: str | None = None,
        *,
        since: Time | None = None,
        until: Time | None = None,
        recorded: Time | None = None,
    ) -> Added:
        """Close the records of standing facts, in a range of their time or all of it; outside they stand on.

        At least one of `subject`, `predicate` and `object` has to be given.
        """
        if subject is predicate is object is None:
            raise InvalidArgument("subject: expected a subject, a predicate or an object")
        now = _now() if recorded is None else to_micros(recorded, "recorded")
        which = _pattern(subject, predicate, object)
        return _added(self._native.retract(which, *_range(since, until), now))

    def as_of(
        self,
        subject: str | None = None,
        predicate: str | None = None,
        object: str | None = None,
        *,
        at: Time | None = None,
        known: Time | None = None,
    ) -> list[Fact]:
        """Return what holds at a time, as the records stood at another, by number.

        Parameters
        ----------
        subject, predicate, object
            None for any.
        at
            When it holds; now if not given.
        known
            As it was known then; as it is known now if not given.
        """
        valid = _now() if at is None else to_micros(at, "at")
        found = self._native.find(_pattern(subject, predicate, object), valid, valid + 1, _known(known))
        return [_fact(row) for row in found]

    def value(
        self, subject: str, predicate: str, *, at: Time | None = None, known: Time | None = None
    ) -> str | None:
        """Return the object that holds at a time, the last on record of several; see :meth:`as_of`."""
        # What is fastest to give is fastest to read: a question costs little more than the look-up.
        if type(at) is int and type(known) is int and MIN_MICROS <= at <= MAX_MICROS:
            plain = type(subject) is str and type(predicate) is str and subject and predicate
            if plain and MIN_MICROS <= known <= MAX_MICROS and subject.isascii() and predicate.isascii():
                return self._native.value(subject, predicate, at, known)
        valid = _now() if at is None else to_micros(at, "at")
        return self._native.value(
            name_of(subject, "subject"), name_of(predicate, "predicate"), valid, _known(known)
        )

    def range(
        self,
        start: Time | None = None,
        end: Time | None = None,
        *,
        subject: str | None = None,
        predicate: str | None = None,
        object: str | None = None,
        known: Time | None = None,
    ) -> list[Fact]:
        """Return what holds at some time in ``[start, end)``, as the records stood, by number."""
        which = _pattern(subject, predicate, object)
        return [_fact(row) for row in self._native.find(which, *_range(start, end), _known(known))]

    def history(
        self, subject: str | None = None, predicate: str | None = None, object: str | None = None
    ) -> list[Fact]:
        """Return all that was ever on record, in the order of the records."""
        return [_fact(row) for row in self._native.history(_pattern(subject, predicate, object))]

    def contradictions(
        self,
        subject: str | None = None,
        predicate: str | None = None,
        *,
        known: Time | None = None,
    ) -> list[tuple[Fact, Fact]]:
        """Return pairs of facts that cannot both hold, as the records stood, by number.

        They have the same subject, a predicate of one object at a time, two objects, and a time in common.
        """
        pairs = self._native.contradictions(_pattern(subject, predicate, None), _known(known))
        return [(_fact(first), _fact(second)) for first, second in pairs]

    def supported_by(self, source: str) -> list[Fact]:
        """Return the standing facts that come from a source."""
        return [_fact(row) for row in self._native.supported_by(name_of(source, "source"))]

    def withdraw(self, source: str) -> list[Fact]:
        """Forget a source and return the standing facts that now come from nowhere."""
        return [_fact(row) for row in self._native.withdraw(name_of(source, "source"))]

    def stats(self) -> FactsStats:
        """Return what is on record, and the bytes of memory it has reserved, names apart."""
        facts, standing, size = self._native.stats()
        return FactsStats(facts=facts, standing=standing, bytes=size)


def _fact(row: _FactRow) -> Fact:
    return Fact(*row[:-1], tuple(row[-1]))


def _names(value: object, argument: str) -> list[str]:
    return [name_of(name, argument) for name in texts_of(value, argument)]


def _added(row: tuple[list[int], list[int], list[int], bool]) -> Added:
    facts, closed, remain, archived = row
    return Added(tuple(facts), tuple(closed), tuple(remain), archived)


def _pattern(
    subject: str | None, predicate: str | None, object: str | None
) -> tuple[str | None, str | None, str | None]:
    return (
        None if subject is None else name_of(subject, "subject"),
        None if predicate is None else name_of(predicate, "predicate"),
        None if object is None else name_of(object, "object"),
    )


def _range(since: Time | None, until: Time | None) -> tuple[int, int]:
    start = EARLIEST if since is None else to_micros(since, "since")
    end = OPEN if until is None else to_micros(until, "until")
    return start, end


def _known(known: Time | None) -> int:
    return OPEN - 1 if known is None else to_micros(known, "known")


def _now() -> int:
    return to_micros(datetime.now(UTC), "recorded")


def _path(path: str | os.PathLike[str]) -> str:
    if not isinstance(path, (str, os.PathLike)):
        raise WrongType(f"path: expected str or os.PathLike, found {type(path).__name__}")
    return os.fsdecode(path)
