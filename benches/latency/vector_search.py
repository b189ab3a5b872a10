"""Exact search of vectors: the ten nearest of 10,000 and of 100,000."""

import sys

import faiss
import numpy as np

import recollect
from benches.latency.building import built
from benches.latency.chroma_engine import ChromaEngine
from benches.latency.corpus import DIM, Corpus
from benches.latency.interleaved import Contestant, interleaved
from benches.latency.row import Row
from benches.latency.sqlite_engine import SqliteEngine

WORK = "vector search"
K = 10


def vector_search(corpus: Corpus, rounds: int) -> list[Row]:
    """Return the rows of all engines on one corpus; recall is counted against numpy."""
    count = len(corpus.texts)
    print(f"{WORK}, {count} vectors", file=sys.stderr, flush=True)
    contestants = [
        _numpy(corpus),
        _recollect(corpus),
        _faiss(corpus),
        _peer(corpus, "sqlite-vec", SqliteEngine(None, words=False)),
        _peer(corpus, "chroma (HNSW)", ChromaEngine(None)),
    ]
    exact = [set(contestants[0].ask(at)) for at in range(len(corpus.queries))]
    times = interleaved(contestants, len(corpus.queries), rounds)
    return [
        Row(
            WORK,
            one.engine,
            count,
            DIM,
            sum(len(exact[at] & set(one.ask(at))) for at in range(len(exact))) / (K * len(exact)),
            times[one.engine].p50_us,
            times[one.engine].p95_us,
            one.build_s,
            one.bytes_per_item,
        )
        for one in contestants
    ]


def _numpy(corpus: Corpus) -> Contestant:
    rows, seconds, size = built(corpus.vectors.copy, len(corpus.texts))

    def ask(at: int) -> list[int]:
        scores = rows @ corpus.query_vectors[at]
        best = np.argpartition(scores, -K)[-K:]
        return [int(one) for one in best[np.argsort(-scores[best])]]

    return Contestant("numpy", ask, seconds, size)


def _recollect(corpus: Corpus) -> Contestant:
    position: dict[str, int] = {}

    def make() -> recollect.Memory:
        memory = recollect.open()
        texts = [f"memory {at}" for at in range(len(corpus.texts))]
        for at, outcome in enumerate(memory.add_many(texts, vectors=corpus.vectors)):
            position[outcome.uid] = at
        return memory

    memory, seconds, size = built(make, len(corpus.texts))

    def ask(at: int) -> list[int]:
        found = memory.recall(None, K, vector=corpus.query_vectors[at], signals=("vectors",))
        return [position[hit.uid] for hit in found]

    return Contestant("recollect recall, vectors alone", ask, seconds, size)


def _faiss(corpus: Corpus) -> Contestant:
    def make() -> faiss.IndexFlatIP:
        index = faiss.IndexFlatIP(DIM)
        index.add(corpus.vectors)
        return index

    faiss.omp_set_num_threads(1)
    index, seconds, size = built(make, len(corpus.texts))
    return Contestant(
        "faiss flat",
        lambda at: [int(one) for one in index.search(corpus.query_vectors[at : at + 1], K)[1][0]],
        seconds,
        size,
    )


def _peer(corpus: Corpus, name: str, engine: SqliteEngine | ChromaEngine) -> Contestant:
    texts = [f"memory {at}" for at in range(len(corpus.texts))]
    _, seconds, size = built(lambda: engine.add(texts, corpus.vectors), len(texts))
    return Contestant(name, lambda at: engine.nearest(corpus.query_vectors[at], K), seconds, size)
