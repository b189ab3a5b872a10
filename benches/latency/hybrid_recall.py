"""Recall by words and vectors together: ten memories with their texts."""

import sys
from pathlib import Path
from typing import Any

import faiss

import recollect
from benches.latency.building import built
from benches.latency.chroma_engine import ChromaEngine
from benches.latency.corpus import DIM, Corpus
from benches.latency.interleaved import Contestant, interleaved
from benches.latency.row import Row
from benches.latency.sqlite_engine import SqliteEngine

WORK = "hybrid recall"
K = 10


def hybrid_recall(corpus: Corpus, rounds: int, folder: Path) -> list[Row]:
    """Return the rows of all engines, in memory and in files."""
    count = len(corpus.texts)
    print(f"{WORK}, {count} memories", file=sys.stderr, flush=True)
    folder = folder / f"hybrid-{count}"
    folder.mkdir()
    contestants = [_faiss(corpus)]
    for place, root in (("memory", None), ("file", folder)):
        contestants += [make(corpus, place, root) for make in (_recollect, _sqlite, _chroma)]
    times = interleaved(contestants, len(corpus.queries), rounds)
    return [
        Row(
            WORK,
            one.engine,
            count,
            DIM,
            p50_us=times[one.engine].p50_us,
            p95_us=times[one.engine].p95_us,
            build_s=one.build_s,
            bytes_per_item=one.bytes_per_item,
        )
        for one in contestants
    ]


def _recollect(corpus: Corpus, place: str, root: Path | None) -> Contestant:
    path = root and root / "store.rcl"
    options: dict[str, Any] = {
        "vectors": corpus.vectors,
        "speaker": corpus.speakers,
        "session": corpus.sessions,
        "at": corpus.times,
    }

    def make() -> recollect.Memory:
        memory = recollect.open(path)
        memory.add_many(corpus.texts, **options)
        return memory

    memory, seconds, size = built(make, len(corpus.texts), path)

    def ask(at: int) -> list[str]:
        found = memory.recall(corpus.queries[at], K, vector=corpus.query_vectors[at])
        return [hit.text for hit in found]

    return Contestant(f"recollect, {place}", ask, seconds, size)


def _sqlite(corpus: Corpus, place: str, root: Path | None) -> Contestant:
    path = root and root / "peer.db"
    engine = SqliteEngine(path)
    _, seconds, size = built(lambda: engine.add(corpus.texts, corpus.vectors), len(corpus.texts), path)

    def ask(at: int) -> list[str]:
        return engine.recall(corpus.queries[at], corpus.query_vectors[at], K)

    return Contestant(f"sqlite-vec + FTS5, {place}", ask, seconds, size)


def _chroma(corpus: Corpus, place: str, root: Path | None) -> Contestant:
    path = root and root / "chroma"
    engine = ChromaEngine(path)
    _, seconds, size = built(lambda: engine.add(corpus.texts, corpus.vectors), len(corpus.texts), path)

    def ask(at: int) -> list[str]:
        return engine.recall(corpus.query_vectors[at], K)

    return Contestant(f"chroma, vectors alone, {place}", ask, seconds, size)


def _faiss(corpus: Corpus) -> Contestant:
    faiss.omp_set_num_threads(1)
    index = faiss.IndexFlatIP(DIM)
    _, seconds, size = built(lambda: index.add(corpus.vectors), len(corpus.texts))

    def ask(at: int) -> list[str]:
        found = index.search(corpus.query_vectors[at : at + 1], K)[1][0]
        return [corpus.texts[one] for one in found]

    return Contestant("faiss flat, vectors alone", ask, seconds, size)
