"""recollect's timeline and what people use in its place."""

# ruff: noqa: D102 - `Engine` says what each method does.

import sqlite3

import numpy as np
import pandas as pd
from intervaltree import IntervalTree
from sortedcontainers import SortedList

from benches.time.engine import Engine, Ids
from recollect import Timeline


class Tree(Engine):
    """The whole temporal tree, six levels."""

    name = "recollect"
    levels: tuple[str, ...] = ("segment", "session", "day", "week", "month", "persona")

    def __init__(self, times: Ids) -> None:
        self._timeline = Timeline(levels=self.levels)
        self._timeline.extend(times)

    def append(self, time: int, number: int) -> None:
        self._timeline.append(time)

    def between(self, start: int, end: int) -> Ids:
        return self._timeline.between(start, end)

    def bytes_per_event(self) -> float:
        return self._timeline.stats()["bytes_per_event"]


class Order(Tree):
    """Events in order, and no tree over them."""

    name = "recollect, no levels"
    levels = ()


class Sorted(Engine):
    """A sorted list of pairs."""

    name = "sortedcontainers"

    def __init__(self, times: Ids) -> None:
        self._pairs = SortedList(zip(times.tolist(), range(len(times)), strict=True))

    def append(self, time: int, number: int) -> None:
        self._pairs.add((time, number))

    def between(self, start: int, end: int) -> list[int]:
        return [number for _, number in self._pairs.irange((start, 0), (end, 0), (True, False))]


class Pandas(Engine):
    """A DatetimeIndex, which cannot grow in place."""

    name = "pandas DatetimeIndex"

    def __init__(self, times: Ids) -> None:
        index = pd.DatetimeIndex(times.astype("datetime64[us]"))
        self._series = pd.Series(np.arange(len(times)), index=index)

    def between(self, start: int, end: int) -> Ids:
        first, last = self._series.index.searchsorted(np.array([start, end]).astype("datetime64[us]"))
        return self._series.to_numpy()[first:last]


class Sqlite(Engine):
    """A table in memory with an index over the time that covers the id."""

    name = "SQLite, index"

    def __init__(self, times: Ids) -> None:
        self._file = sqlite3.connect(":memory:", isolation_level=None)
        self._file.execute("CREATE TABLE event (id INTEGER PRIMARY KEY, time INTEGER NOT NULL)")
        self._file.execute("CREATE INDEX by_time ON event (time)")
        self._file.execute("BEGIN")
        self._file.executemany(
            "INSERT INTO event (time, id) VALUES (?, ?)",
            zip(times.tolist(), range(len(times)), strict=True),
        )
        self._file.execute("COMMIT")

    def append(self, time: int, number: int) -> None:
        self._file.execute("INSERT INTO event (time, id) VALUES (?, ?)", (time, number))

    def between(self, start: int, end: int) -> list[int]:
        found = self._file.execute(
            "SELECT id FROM event WHERE time >= ? AND time < ? ORDER BY time", (start, end)
        )
        return [row[0] for row in found.fetchall()]


class Intervals(Engine):
    """An interval tree of single microseconds."""

    name = "intervaltree"
    most = 1_000_000

    def __init__(self, times: Ids) -> None:
        self._tree = IntervalTree.from_tuples(
            (time, time + 1, number) for number, time in enumerate(times.tolist())
        )

    def append(self, time: int, number: int) -> None:
        self._tree.addi(time, time + 1, number)

    def between(self, start: int, end: int) -> list[int]:
        return [found.data for found in sorted(self._tree.overlap(start, end))]


ENGINES: tuple[type[Engine], ...] = (Tree, Order, Sorted, Pandas, Sqlite, Intervals)
