"""Building from nothing with one vector a call, as an agent's memory grows."""

import statistics
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from benches.latency.interleaved import took
from benches.vectors.catalogue import Entry
from benches.vectors.contender import place_of, reason
from benches.vectors.data.vector_set import VectorSet
from benches.vectors.engine import Engine
from benches.vectors.row import VectorRow

WORK = "building, one vector a call"
_REPEATED_BELOW = 8.0
_REPEATS = 3


def one_at_a_time(
    entries: Iterable[Entry], vectors: VectorSet, folder: Path, seconds: float, ef_construction: int
) -> list[VectorRow]:
    """Return a row an engine; one that is slow stops when its seconds are over, at the size it has then.

    An engine that takes a few seconds is built three times, of which the median counts.
    """
    count, dim = vectors.base.shape
    print(f"{WORK}, {count} x {dim}", file=sys.stderr, flush=True)
    rows = []
    for entry in entries:
        print(f"  {entry.name}", file=sys.stderr, flush=True)
        try:
            runs = []
            while len(runs) < _REPEATS and (not runs or sum(runs[0]) < _REPEATED_BELOW * 1e6):
                engine = entry.make(place_of(entry, dim, count, folder, ef_construction))
                runs.append(inserts(engine, vectors, seconds))
                remark = engine.remark
        except Exception as error:  # a peer that fails is a row of the tables
            rows.append(VectorRow(WORK, entry.name, count, dim, data=vectors.name, failed=reason(error)))
            continue
        p50, p95, p99 = (
            float(np.median(part))
            for part in zip(*(np.percentile(run, [50, 95, 99]) for run in runs), strict=True)
        )
        total = statistics.median(sum(run) for run in runs) / 1e6
        inserted = len(runs[0])
        stopped = None if inserted == count else f"stopped after {seconds:g} s"
        rows.append(
            VectorRow(
                WORK,
                entry.name,
                inserted,
                dim,
                p50_us=p50,
                p95_us=p95,
                p99_us=p99,
                build_s=total,
                ops_per_s=inserted / total,
                data=vectors.name,
                threads=1,
                hnsw=entry.hnsw,
                remark="; ".join(part for part in (remark, stopped) if part) or None,
            )
        )
    return rows


def inserts(engine: Engine, vectors: VectorSet, seconds: float) -> list[float]:
    """Return the microseconds of each insert into an empty engine, which is closed then."""
    times: list[float] = []
    end = time.perf_counter() + seconds
    try:
        for key, row in enumerate(vectors.base):
            times.append(took(engine.insert, key, row))
            if time.perf_counter() > end:
                break
    finally:
        engine.close()
    return times
