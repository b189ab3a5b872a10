"""Search of vectors that stay: every engine at the settings that reach the recalls aimed at, in turns."""

import sys
from collections.abc import Iterable
from pathlib import Path

from benches.latency.interleaved import Contestant, Times, interleaved
from benches.vectors.batch_calls import batch_calls
from benches.vectors.catalogue import Entry
from benches.vectors.contender import LESS, THREADS, Contender, contender, place_of, reason
from benches.vectors.data.vector_set import VectorSet
from benches.vectors.engine import label
from benches.vectors.exact import K
from benches.vectors.operating_points import Choice
from benches.vectors.row import VectorRow

SEARCH, LSH = "static search", "locality-sensitive hashing"


def static_search(
    work: str, entries: Iterable[Entry], vectors: VectorSet, rounds: int, folder: Path
) -> list[VectorRow]:
    """Return the rows of all engines on one set of vectors."""
    count, dim = vectors.base.shape
    print(f"{work}, {count} x {dim}, {vectors.name}", file=sys.stderr, flush=True)
    ready: list[Contender] = []
    rows: list[VectorRow] = []
    for entry in entries:
        try:
            ready.append(contender(entry, vectors, place_of(entry, dim, count, folder)))
        except Exception as error:  # a peer that fails is a row of the tables
            rows.append(VectorRow(work, entry.name, count, dim, data=vectors.name, failed=reason(error)))
    timed = {_name(one, choice): (one, choice) for one in ready for choice in one.chosen if choice.reached}
    asking = [
        Contestant(name, one.asking(choice.found.point, vectors)) for name, (one, choice) in timed.items()
    ]
    times = interleaved(asking, len(vectors.asked.queries), rounds)
    batches = batch_calls(timed, vectors)
    for one in ready:
        for choice in one.chosen:
            name = _name(one, choice)
            row = _row(work, one, choice, vectors, times.get(name), batches.get(name))
            rows.append(row)
        one.close()
    return rows


def _name(one: Contender, choice: Choice) -> str:
    return f"{one.entry.name}, {label(choice.found.point)}"


def _row(
    work: str, one: Contender, choice: Choice, vectors: VectorSet, times: Times | None, batch: float | None
) -> VectorRow:
    count, dim = vectors.base.shape
    if not choice.reached:
        times = batch = None
    return VectorRow(
        work,
        one.entry.name,
        count,
        dim,
        choice.found.recall,
        times and times.p50_us,
        times and times.p95_us,
        one.build_s,
        one.bytes_per_item,
        data=vectors.name,
        aim=choice.aim,
        setting=label(choice.found.point),
        threads=THREADS,
        batch_per_s=batch,
        hnsw=one.entry.hnsw,
        remark=one.engine.remark_of(choice.found.point, K),
        failed=None if choice.reached else LESS,
    )
