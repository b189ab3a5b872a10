"""faiss HNSW: a graph over plain vectors."""

# ruff: noqa: D102 - `Engine` says what each method does.

import faiss
import numpy as np

from benches.quality.retrieval_set import Array
from benches.vectors.engine import EFS, Engine, Ids, Place, Point
from benches.vectors.peers.faiss_threads import threads_of_faiss


class FaissHnsw(Engine):
    """`IndexHNSWFlat` with 16 neighbours; it cannot delete, so that a bitmap masks what is gone."""

    points = EFS
    remark = "cannot delete: a bitmap masks what is gone"

    def __init__(self, place: Place) -> None:
        self._index = faiss.IndexHNSWFlat(place.dim, 16, faiss.METRIC_INNER_PRODUCT)
        self._index.hnsw.efConstruction = place.ef_construction
        self._alive = np.full((place.capacity + 7) // 8, 255, dtype=np.uint8)
        self._selector = faiss.IDSelectorBitmap(self._alive)
        self._parameters = faiss.SearchParametersHNSW()

    def build(self, vectors: Array, threads: int) -> None:
        with threads_of_faiss(threads):
            self._index.add(vectors)

    def use(self, point: Point) -> None:
        self._parameters.efSearch = int(point["ef"])

    def search(self, query: Array, k: int) -> Ids:
        return self._index.search(query[None], k, params=self._parameters)[1][0]

    def search_many(self, queries: Array, k: int, threads: int) -> Ids:
        with threads_of_faiss(threads):
            return self._index.search(queries, k, params=self._parameters)[1]

    def insert(self, key: int, vector: Array) -> None:
        if key != self._index.ntotal:
            raise ValueError(f"faiss HNSW numbers its vectors: expected {self._index.ntotal}, found {key}")
        self._index.add(vector[None])

    def delete(self, key: int) -> None:
        self._parameters.sel = self._selector
        self._alive[key >> 3] &= 255 ^ (1 << (key & 7))
