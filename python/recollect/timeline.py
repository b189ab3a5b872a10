"""Events in time, and a tree over them: segments, sessions, days, weeks, months, and all there is.

>>> import recollect
>>> timeline = recollect.Timeline(zone="Europe/Brussels")
>>> times = ["2026-03-06T18:00", "2026-03-06T18:01", "2026-04-12T09:00"]
>>> ids = timeline.extend(times, words=[["moved"], [], []])
>>> timeline.between("2026-03-01", "2026-04-01").tolist()
[0, 1]
>>> timeline.nearest("2026-04-01", k=1).tolist()
[2]
>>> [node.events for node in timeline.nodes("month")]
[2, 1]
>>> [node.level for node in timeline.advance("2026-04-06")]
['session', 'day', 'week', 'month']
>>> timeline.neighbours(0)
([], [1])
>>> timeline.descend(words=["moved"], beam=2).best[0].item
0

The tree follows TiMem (2601.02845): a child is in the node that holds its start, so that weeks that straddle
two months are in the first, and the hull of a node reaches as far as what is below it.
"""

import os
from collections.abc import Iterator, Sequence
from typing import NoReturn

import numpy as np
import numpy.typing as npt

from recollect._native import Timeline as _Native
from recollect.checks import Ids, column_of, count_of, ids_of
from recollect.errors import InvalidArgument, WrongType
from recollect.time_arguments import (
    OPEN,
    Words,
    end_of,
    ends_of,
    float_of,
    id_of,
    name_of,
    range_of,
    sessions_of,
    times_array,
    vector_of,
    words_of,
)
from recollect.timeline_results import LevelStats, TimelineStats
from recollect.timeline_tree import Tree
from recollect.times import MAX_MICROS, MIN_MICROS, Duration, Time, duration_micros, to_micros
from recollect.zones import Zone, zone_of

__all__ = ["LEVELS", "Timeline"]

LEVELS = ("segment", "session", "day", "week", "month", "persona")
"""The levels of a tree if not told otherwise; ``"hour"`` and ``"year"`` are there too."""


class Timeline(Tree):
    """Events under ids, found by time, and under the nodes of a tree.

    The tree is the same for the same events, in whatever order they came and went. Calls may come from
    several threads: those that read run side by side, a call that changes something runs alone, and the
    interpreter is free meanwhile. Each call changes all that it was asked to, or nothing.

    Parameters
    ----------
    levels
        Of the tree, from the finest to the coarsest, out of ``"segment"``, ``"session"``, ``"hour"``,
        ``"day"``, ``"week"`` (from Monday on), ``"month"``, ``"year"`` and ``"persona"``.
    zone
        Where days begin: a name or a tzinfo.
    gap
        Events that name no session are in one while the starts of two lie no further apart.
    dim
        Components of vectors, 0 for none.
    words
        Words that a node keeps count of at most.
    """

    __slots__ = ()

    def __init__(
        self,
        *,
        levels: Sequence[str] = LEVELS,
        zone: Zone = "UTC",
        gap: Duration = 600,
        dim: int = 0,
        words: int = 64,
    ) -> None:
        if isinstance(levels, str) or not isinstance(levels, Sequence):
            raise WrongType(f"levels: expected a list of names, found {type(levels).__name__}")
        names = [name_of(level, "levels") for level in levels]
        self._native = _Native(
            names,
            duration_micros(gap, "gap"),
            count_of(dim, "dim"),
            count_of(words, "words"),
            zone_of(zone),
        )
        self._levels, self._dim = names, dim

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Timeline":
        """Return the timeline that was saved in a file; its answers are the same.

        Raises
        ------
        StoreMissing
            If there is no file (also a ``FileNotFoundError``).
        NotAStore, CorruptStore, FormatTooNew
            If it is no saved timeline, is damaged, or comes from a later version.
        """
        timeline = cls.__new__(cls)
        timeline._native = _Native.load(_path(path))
        timeline._levels, timeline._dim = timeline._native.settings()
        return timeline

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the timeline to a file, in the place of one that is there, and make it durable."""
        self._native.save(_path(path))

    def __len__(self) -> int:
        """Return the number of events."""
        return len(self._native)

    def __contains__(self, id: object) -> bool:
        """Return whether an event is there."""
        if isinstance(id, bool) or not isinstance(id, (int, np.integer)):
            return False
        return -(1 << 63) <= int(id) < 1 << 63 and self._native.contains(int(id))

    def __repr__(self) -> str:
        """Return how large it is."""
        return f"<Timeline of {len(self)} events>"

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled or copied."""
        raise WrongType("a Timeline cannot be pickled or copied: save it to a file, and load that there")

    @property
    def levels(self) -> tuple[str, ...]:
        """The levels of the tree, from the finest to the coarsest."""
        return tuple(self._levels)

    @property
    def dim(self) -> int:
        """Components of vectors."""
        return self._dim

    def append(
        self,
        at: Time,
        *,
        until: Time | None = None,
        salience: float = 0.0,
        session: str | None = None,
        segment: int | None = None,
        id: int | None = None,
        vector: npt.ArrayLike | None = None,
        words: Words | None = None,
    ) -> int:
        """Take an event in, also one that comes late, and return its id.

        Parameters
        ----------
        at, until
            When: first instant, and first instant after it. Without `until` it is an instant; with
            ``"open"`` it lasts.
        salience
            How much it matters.
        session, segment
            What it belongs to. A segment is part of a session, and needs one where the tree has sessions;
            an event without one stands for itself.
        id
            Its id; without one it follows the greatest there was, from 0.
        vector
            ``[d]``, of which the direction counts.
        words
            Words of it, with counts or one by one.

        Raises
        ------
        InvalidArgument
            If an argument is out of its domain or the id is there already.
        """
        # What is most common is checked without a call.
        if not (type(at) is int and MIN_MICROS <= at <= MAX_MICROS):
            at = to_micros(at, "at")
        return self._native.append(
            at,
            at + 1 if until is None else end_of(until, at),
            salience if type(salience) is float else float_of(salience, "salience"),
            None if session is None else name_of(session, "session"),
            None if segment is None else id_of(segment, "segment"),
            None if id is None else id_of(id, "id"),
            None if vector is None else vector_of(vector, self._dim, "vector"),
            None if words is None else words_of(words),
        )[0]

    def extend(
        self,
        at: Sequence[Time] | npt.NDArray[np.int64] | npt.NDArray[np.datetime64],
        *,
        until: Sequence[Time | None] | npt.NDArray[np.int64] | None = None,
        salience: npt.ArrayLike = 0.0,
        session: str | Sequence[str | None] | None = None,
        segment: npt.ArrayLike | None = None,
        ids: npt.ArrayLike | None = None,
        vectors: npt.ArrayLike | None = None,
        words: Sequence[Words] | None = None,
    ) -> Ids:
        """Take many events in, all or none, in any order, and return their ids, int64 ``[n]``.

        Parameters
        ----------
        at, until
            ``[n]``; arrays of int64 microseconds or of datetime64 are fastest.
        salience, session
            One for all events or one for each.
        segment, ids, vectors, words
            One for each, as of :meth:`append`; vectors are ``[n, d]``.
        """
        starts = times_array(at, "at")
        count = len(starts)
        outside = (starts < MIN_MICROS) | (starts > MAX_MICROS)
        if outside.any():
            where = int(np.argmax(outside))
            raise InvalidArgument(
                f"at[{where}]: {starts[where]} microseconds lie outside the years 1 to 9999"
            )
        sessions, codes = sessions_of(session, count)
        if words is not None and (not isinstance(words, Sequence) or len(words) != count):
            raise InvalidArgument(f"words: expected one list of words for each of {count} events")
        found, _ = self._native.extend(
            starts,
            ends_of(until, starts),
            column_of(salience, "salience", count),
            sessions,
            codes,
            None if segment is None else ids_of(segment, "segment", count),
            None if ids is None else ids_of(ids, "ids", count),
            None if vectors is None else vector_of(vectors, self._dim, "vectors", count),
            None if words is None else [words_of(x, f"words[{at}]") for at, x in enumerate(words)],
        )
        return found

    def remove(self, ids: npt.ArrayLike) -> None:
        """Take events out for good, all or none.

        Raises
        ------
        UnknownMemory
            If an id has no event (also a ``KeyError``).
        """
        self._native.remove(ids_of(ids, "ids"))

    def event(self, id: int) -> tuple[int, int, float]:
        """Return start and end of an event in microseconds, ``2**63 - 1`` if it lasts, and its salience."""
        return self._native.event(id_of(id, "event"))

    def between(
        self,
        start: Time | None = None,
        end: Time | None = None,
        *,
        limit: int | None = None,
        newest_first: bool = False,
    ) -> Ids:
        """Return the events that share an instant with ``[start, end)``, by their starts, int64 ``[n]``.

        O(log n + answers) while events are short against what lies between them. None is an open end.
        """
        if not (type(start) is int and type(end) is int):
            start, end = range_of(start, end)
        most = OPEN if limit is None else count_of(limit, "limit")
        return self._native.between(start, end, most, bool(newest_first))

    def around(self, at: Time, radius: Duration) -> Ids:
        """Return the events that share an instant with ``[at - radius, at + radius]``."""
        middle, reach = to_micros(at, "at"), duration_micros(radius, "radius")
        return self._native.between(middle - reach, middle + reach + 1, OPEN, False)

    def count(self, start: Time | None = None, end: Time | None = None) -> int:
        """Return how many events start in ``[start, end)``. O(log n)."""
        return self._native.count(*range_of(start, end))

    def nearest(self, at: Time, k: int = 10) -> Ids:
        """Return the `k` events nearest in time, int64: those that last then, others by the time between."""
        return self._native.nearest(to_micros(at, "at"), count_of(k, "k"))

    def ids(self) -> Ids:
        """Return all events by their starts, int64 ``[n]``; of equal ones the first that came."""
        return self._native.ids()

    def __iter__(self) -> Iterator[int]:
        """Return all events by their starts."""
        events: list[int] = self.ids().tolist()
        return iter(events)

    def stats(self) -> TimelineStats:
        """Return what it holds, and the bytes of memory it has reserved."""
        events, size, levels = self._native.stats()
        return TimelineStats(
            events=events,
            bytes=size,
            bytes_per_event=size / max(events, 1),
            levels={
                name: LevelStats(nodes=nodes, open=opened, reopened=reopened)
                for name, nodes, opened, reopened in levels
            },
        )


def _path(path: str | os.PathLike[str]) -> str:
    if not isinstance(path, (str, os.PathLike)):
        raise WrongType(f"path: expected str or os.PathLike, found {type(path).__name__}")
    return os.fsdecode(path)
