"""What keeps facts under two times: recollect, a table of SQLite, and a dict of lists."""

# ruff: noqa: D102 - `FactEngine` says what each method does.

import sqlite3
from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from benches.time.engine import STEP, Ids
from recollect import Facts

OPEN = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Claims:
    """Overwrites of the one fact of each subject, in order; each holds from when it was recorded.

    Parameters
    ----------
    subjects
        int64 ``[n]``.
    times
        int64 ``[n]``, ascending.
    """

    subjects: Ids
    times: Ids

    @staticmethod
    def made(count: int, versions: int = 10, seed: int = 1) -> "Claims":
        """Return so many claims, so many of each subject on average."""
        random = np.random.default_rng(seed)
        subjects = random.integers(0, max(1, count // versions), count)
        return Claims(subjects, np.arange(count) * STEP)


class FactEngine(ABC):
    """What was true of a subject; the constructor builds it from claims."""

    name: str

    @abstractmethod
    def __init__(self, claims: Claims) -> None: ...

    @abstractmethod
    def value(self, subject: str, valid: int, known: int) -> str | None:
        """Return what held at an instant, as was known at another."""


class RecollectFacts(FactEngine):
    """Bitemporal facts that give way to each other."""

    name = "recollect"

    def __init__(self, claims: Claims) -> None:
        self._facts = Facts()
        subjects = [f"subject {number}" for number in claims.subjects.tolist()]
        objects = [f"object {at % 1000}" for at in range(len(subjects))]
        predicates, times = ["is"] * len(subjects), claims.times
        self._facts.extend(subjects, predicates, objects, since=times, recorded=times)

    def value(self, subject: str, valid: int, known: int) -> str | None:
        return self._facts.value(subject, "is", at=valid, known=known)


class RecollectAsOf(RecollectFacts):
    """The same, whole facts returned."""

    name = "recollect, whole facts"

    def value(self, subject: str, valid: int, known: int) -> str | None:
        found = self._facts.as_of(subject, "is", at=valid, known=known)
        return found[-1].object if found else None


def rows_of(claims: Claims) -> list[tuple[str, int, int, int, int, str]]:
    """Return the records of claims: subject, validity, record, object; as a supersede leaves them."""
    rows: list[list[object]] = []
    standing: dict[int, int] = {}
    for at, (subject, time) in enumerate(zip(claims.subjects.tolist(), claims.times.tolist(), strict=True)):
        name = f"subject {subject}"
        if subject in standing:
            old = rows[standing[subject]]
            old[4] = time
            rows.append([name, old[1], time, time, OPEN, old[5]])
        standing[subject] = len(rows)
        rows.append([name, time, OPEN, time, OPEN, f"object {at % 1000}"])
    return [tuple(row) for row in rows]  # type: ignore[misc]


class SqliteFacts(FactEngine):
    """A table of records with an index over subject and validity."""

    name = "SQLite, index"

    def __init__(self, claims: Claims) -> None:
        self._file = sqlite3.connect(":memory:", isolation_level=None)
        self._file.execute(
            "CREATE TABLE fact (subject TEXT, since INTEGER, until INTEGER, recorded INTEGER, "
            "closed INTEGER, object TEXT)"
        )
        self._file.execute("BEGIN")
        self._file.executemany("INSERT INTO fact VALUES (?, ?, ?, ?, ?, ?)", rows_of(claims))
        self._file.execute("COMMIT")
        self._file.execute("CREATE INDEX cell ON fact (subject, since, until, recorded, closed, object)")

    def value(self, subject: str, valid: int, known: int) -> str | None:
        found = self._file.execute(
            "SELECT object FROM fact WHERE subject = ? AND since <= ? AND until > ? AND recorded <= ? "
            "AND closed > ? LIMIT 1",
            (subject, valid, valid, known, known),
        ).fetchone()
        return found[0] if found else None


class DictFacts(FactEngine):
    """A list of records a subject, looked through from its end."""

    name = "dict of lists"

    def __init__(self, claims: Claims) -> None:
        self._facts: dict[str, list[tuple[int, int, int, int, str]]] = {}
        for subject, *rest in rows_of(claims):
            self._facts.setdefault(subject, []).append(tuple(rest))  # type: ignore[arg-type]

    def value(self, subject: str, valid: int, known: int) -> str | None:
        for since, until, recorded, closed, found in reversed(self._facts.get(subject, ())):
            if since <= valid < until and recorded <= known < closed:
                return found
        return None


FACT_ENGINES: tuple[type[FactEngine], ...] = (RecollectFacts, RecollectAsOf, SqliteFacts, DictFacts)
