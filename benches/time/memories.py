"""The timeline of a memory, and recall in a range of time, beside recall without one."""

import gc
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np

import recollect
from benches.latency.interleaved import Contestant, interleaved
from benches.time.row import TimeRow

_START = datetime(2020, 1, 1, tzinfo=UTC)
_DIM, _SESSION, _BATCH = 256, 20, 50_000
_SPREAD = (1 + np.arange(_DIM)) ** -0.4
"""Of each dimension: it falls as that of MiniLM vectors of conversations along their principal axes."""
BUILD, DESCEND, RECALL, FOLLOW = (
    "timeline of a memory: built",
    "timeline of a memory: descend, beam 8",
    "hybrid recall",
    "timeline of a memory: level after one write",
)
SHARES = (0.0001, 0.01, 0.1, 0.5, 1.0)
"""Of the memories that lie in the range of a filtered recall."""


def memories(count: int, queries: int, rounds: int) -> list[TimeRow]:
    """Return the rows of so many memories in sessions of twenty, in vectors of 256 and ten words each."""
    rng = np.random.default_rng(11)
    with recollect.open() as memory:
        began = time.perf_counter()
        _fill(memory, count, rng)
        filled = time.perf_counter() - began
        gc.collect()
        timeline = memory.timeline()
        began = time.perf_counter()
        assert len(timeline) == count
        built = time.perf_counter() - began
        size = timeline.stats()["bytes_per_event"]
        rows = rng.integers(0, count, queries)
        asked = _questions(rows, rng)
        words = [f"word{x} word{y}" for x, y in rng.integers(0, 5_000, (queries, 2))]
        end = _START + count * timedelta(minutes=1)
        asks = [Contestant("unfiltered", _recall(memory, words, asked, None))]
        for share in SHARES:
            length = share * (end - _START)
            # The range holds what is asked for.
            when = rows / count
            first = np.clip(when - share * rng.random(queries), 0, 1 - share)
            ranges = [(_START + x * (end - _START), _START + x * (end - _START) + length) for x in first]
            asks.append(Contestant(f"between, {share:.4g} of all", _recall(memory, words, asked, ranges)))
        recalls = interleaved(asks, queries, rounds)
        down = interleaved([Contestant("recollect", _descend(timeline, asked))], queries, rounds)
        follow = interleaved(
            [Contestant("recollect", _write(memory, timeline, end))], min(queries, 50), rounds
        )
        found = [
            TimeRow(work=work, items=count, engine=name, p50_us=one.p50_us, p95_us=one.p95_us)
            for work, taken in ((RECALL, recalls), (DESCEND, down), (FOLLOW, follow))
            for name, one in taken.items()
        ]
        return [
            TimeRow(
                work=BUILD,
                items=count,
                engine="recollect",
                p50_us=built * 1e6 / count,
                p95_us=filled * 1e6 / count,
                build_s=built,
                bytes_per_item=size,
            ),
            *found,
        ]


def _fill(memory: recollect.Memory, count: int, rng: np.random.Generator) -> None:
    for first in range(0, count, _BATCH):
        rows = range(first, min(first + _BATCH, count))
        picked = rng.integers(0, 5_000, (len(rows), 10))
        topics = _topics(first, len(rows))
        vectors = topics.repeat(_SESSION, axis=0)[: len(rows)] + _normal(rng, len(rows))
        memory.add_many(
            [" ".join(f"word{x}" for x in row) for row in picked],
            at=[_START + row * timedelta(minutes=1) for row in rows],
            session=[f"session {row // _SESSION}" for row in rows],
            vectors=vectors.astype(np.float32),
            duplicates="keep",
        )


def _topics(first: int, count: int) -> np.ndarray:
    """Return what the sessions of a batch are about."""
    return _normal(np.random.default_rng(first), count // _SESSION + 1)


def _normal(rng: np.random.Generator, count: int) -> np.ndarray:
    return rng.normal(size=(count, _DIM)) * _SPREAD


def _questions(rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return vectors that are as near to the topics of these memories as they are themselves."""
    topics = [_topics(row // _BATCH * _BATCH, _BATCH)[row % _BATCH // _SESSION] for row in rows.tolist()]
    return (np.array(topics) + _normal(rng, len(rows))).astype(np.float32)


def _recall(
    memory: recollect.Memory,
    words: list[str],
    asked: np.ndarray,
    ranges: list[tuple[datetime, datetime]] | None,
) -> Callable[[int], object]:
    def recall(number: int) -> object:
        between = None if ranges is None else ranges[number]
        return memory.recall(words[number], 10, vector=asked[number], between=between, explain=False)

    return recall


def _descend(timeline: recollect.MemoryTimeline, asked: np.ndarray) -> Callable[[int], object]:
    return lambda number: timeline.descend(vector=asked[number], beam=8)


def _write(
    memory: recollect.Memory, timeline: recollect.MemoryTimeline, end: datetime
) -> Callable[[int], object]:
    def write(number: int) -> object:
        memory.add(f"one more {number}", at=end, session="the last", vector=np.ones(_DIM), duplicates="keep")
        return len(timeline)

    return write
