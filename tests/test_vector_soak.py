"""A million writes on an index that stays the same size: memory stays, and so does what is found."""

import numpy as np

from recollect import VectorIndex
from tests.clusters import clustered

LIVE = 20_000
ROUND = 10_000


def test_a_million_inserts_and_deletes_leave_memory_and_recall_as_they_were() -> None:
    index = VectorIndex(32)
    vectors = {}

    def add(seed: int, count: int) -> None:
        rows = clustered(count, 32, seed)
        vectors.update(zip(index.add(rows).tolist(), rows, strict=True))

    add(0, LIVE)
    random = np.random.default_rng(7)
    bytes_then = 0
    for turn in range(1_000_000 // ROUND):
        gone = random.choice(list(vectors), ROUND, replace=False)
        index.remove(gone)
        for id in gone.tolist():
            del vectors[id]
        add(turn + 1, ROUND)
        if turn == 29:
            bytes_then = index.stats()["bytes"]
    assert len(index) == LIVE
    assert index.stats()["bytes"] <= 1.1 * bytes_then
    ids = np.array(list(vectors))
    rows = np.stack([vectors[id] for id in ids.tolist()])
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    found = 0
    for query in clustered(200, 32, 10_000_000):
        best = set(ids[np.argsort(-(rows @ query))[:10]].tolist())
        near, _ = index.search(query, 10, recall_target=0.95)
        assert set(near.tolist()) <= vectors.keys()
        found += len(best & set(near.tolist()))
    assert found >= 0.9 * 2_000
