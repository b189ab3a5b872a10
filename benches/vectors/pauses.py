"""The longest waits of inserts, one vector a call, as an index grows to its full size."""

import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from benches.vectors.catalogue import Entry
from benches.vectors.contender import place_of, reason
from benches.vectors.data.vector_set import VectorSet
from benches.vectors.one_at_a_time import inserts
from benches.vectors.row import VectorRow

WORK = "pauses of inserts"
LONG_MS = 5.0
_SHOWN = 12


def pauses(
    entries: Iterable[Entry], vectors: VectorSet, folder: Path, seconds: float, ef_construction: int
) -> list[VectorRow]:
    """Return a row an engine; one that is slow stops when its seconds are over, at the size it has then.

    A pause by the clock on the wall may be that of another process: it is the engine's where it comes back at
    the same row in another run.
    """
    count, dim = vectors.base.shape
    print(f"{WORK}, {count} x {dim}", file=sys.stderr, flush=True)
    rows = []
    for entry in entries:
        print(f"  {entry.name}", file=sys.stderr, flush=True)
        try:
            engine = entry.make(place_of(entry, dim, count, folder, ef_construction))
            took = np.array(inserts(engine, vectors, seconds))
        except Exception as error:  # a peer that fails is a row of the tables
            rows.append(VectorRow(WORK, entry.name, count, dim, data=vectors.name, failed=reason(error)))
            continue
        longest = np.sort(took)[::-1] / 1e3
        at = np.flatnonzero(took > LONG_MS * 1e3)
        p50, p999 = np.percentile(took, [50, 99.9])
        stopped = None if len(took) == count else f"stopped after {seconds:g} s"
        rows.append(
            VectorRow(
                WORK,
                entry.name,
                len(took),
                dim,
                p50_us=float(p50),
                p999_us=float(p999),
                longest_ms=float(longest[0]),
                second_ms=float(longest[1]),
                over_5_ms=len(at),
                pauses_at=_shown(at, took) or None,
                data=vectors.name,
                threads=1,
                hnsw=entry.hnsw,
                remark="; ".join(part for part in (engine.remark, stopped) if part) or None,
            )
        )
    return rows


def _shown(at: np.ndarray, took: np.ndarray) -> str:
    """Return how many rows there were before the longest pauses, in their order."""
    longest = np.sort(at[np.argsort(took[at])[::-1][:_SHOWN]])
    rest = ["..."] if len(at) > _SHOWN else []
    return ", ".join([f"{int(row):,}" for row in longest] + rest)
