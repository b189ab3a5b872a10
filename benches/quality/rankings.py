"""The ten best memories of each query by words, by vectors and by reciprocal ranks of the two."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from benches.quality.retrieval_set import Array, RetrievalSet, spoken
from benches.quality.static_vectors import static_vectors
from benches.quality.word_index import WordIndex

DEPTH = 10
RRF_K = 60

Ranking = list[int]
Scores = npt.NDArray[np.floating]


def baselines(data: RetrievalSet) -> dict[str, list[Ranking]]:
    """Return the rankings of every baseline, by the name of the method."""
    vectors = {
        "minilm": (data.memory_vectors, data.query_vectors),
        "static": (
            static_vectors([spoken(memory) for memory in data.memories]),
            static_vectors([query["text"] for query in data.queries]),
        ),
    }
    rankings: dict[str, list[Ranking]] = {}
    for found in _by_query(data, vectors):
        for method, ranking in found.items():
            rankings.setdefault(method, []).append(ranking)
    return rankings


def _by_query(data: RetrievalSet, vectors: dict[str, tuple[Array, Array]]) -> Iterator[dict[str, Ranking]]:
    indexes: dict[str | None, WordIndex] = {}
    for at, query in enumerate(data.queries):
        group = query.get("group")
        scope = data.scopes[group]
        if group not in indexes:
            indexes[group] = WordIndex([spoken(data.memories[one]) for one in scope])
        allowed = set(data.allowed(at))
        open_to = np.array([one in allowed for one in scope])
        slots = np.array(scope)[open_to]
        words = indexes[group].scores(query["text"])[open_to]
        found = {"bm25": _best(slots, words)}
        for name, (memories, queries) in vectors.items():
            cosines = memories[slots] @ queries[at]
            fused = 1 / (RRF_K + _ranks(words)) + 1 / (RRF_K + _ranks(cosines))
            found[f"dense({name})"] = _best(slots, cosines)
            found[f"rrf({name})"] = _best(slots, fused)
        yield found


def _best(slots: npt.NDArray[np.int64], scores: Scores) -> Ranking:
    return [int(slot) for slot in slots[np.argsort(-scores, kind="stable")[:DEPTH]]]


def _ranks(scores: Scores) -> npt.NDArray[np.int64]:
    """Return ranks from 1; ties in the order of the file."""
    ranks = np.empty(len(scores), dtype=np.int64)
    ranks[np.argsort(-scores, kind="stable")] = np.arange(1, len(scores) + 1)
    return ranks
