"""Opening a store up to its first answer: with its index segments, and with the indexes built anew."""

import shutil
import sys
from pathlib import Path

import numpy as np

import recollect
from benches.latency.building import size_of
from benches.latency.corpus import DIM, Corpus
from benches.latency.interleaved import took
from benches.latency.row import Row
from benches.latency.sqlite_engine import driver

WORK = "opening"
SEGMENTS, REBUILDING = "recollect from segments", "recollect building anew"


def opening(corpus: Corpus, rounds: int, folder: Path) -> list[Row]:
    """Return the rows, without and with vectors; the file lies in the cache of the system."""
    rows = []
    for vectors in (False, True):
        work = f"{WORK}, {'with' if vectors else 'without'} vectors"
        print(work, file=sys.stderr, flush=True)
        whole, bare = _stores(corpus, folder / f"open-{vectors}.rcl", vectors)
        times: dict[str, list[float]] = {SEGMENTS: [], REBUILDING: []}
        for turn in range(rounds + 1):
            for engine, path in ((SEGMENTS, whole), (REBUILDING, bare)):
                value = took(_first_answer, path, corpus, vectors)
                if turn:
                    times[engine].append(value)
        for engine, path in ((SEGMENTS, whole), (REBUILDING, bare)):
            p50, p95 = (float(value) for value in np.percentile(times[engine], [50, 95]))
            size = size_of(path) / len(corpus.texts)
            dim = DIM if vectors else None
            rows.append(
                Row(work, engine, len(corpus.texts), dim, p50_us=p50, p95_us=p95, bytes_per_item=size)
            )
    return rows


def _stores(corpus: Corpus, path: Path, vectors: bool) -> tuple[Path, Path]:
    """Return a store with its segments, and a copy without."""
    with recollect.open(path) as memory:
        memory.add_many(
            corpus.texts,
            speaker=corpus.speakers,
            session=corpus.sessions,
            at=corpus.times,
            vectors=corpus.vectors if vectors else None,
        )
        memory.checkpoint()
    bare = path.with_name("bare-" + path.name)
    shutil.copyfile(path, bare)
    db = driver().connect(str(bare))
    removed = db.execute("DELETE FROM seg").rowcount
    db.commit()
    db.execute("VACUUM")
    db.close()
    if not removed:
        raise RuntimeError("the store was closed without index segments: nothing to compare")
    return path, bare


def _first_answer(path: Path, corpus: Corpus, vectors: bool) -> None:
    """Open for reading, so that closing writes no segments."""
    with recollect.open(path, read_only=True) as memory:
        query = corpus.query_vectors[0] if vectors else None
        if not memory.recall(corpus.queries[0], 1, vector=query):
            raise RuntimeError("no answer")
