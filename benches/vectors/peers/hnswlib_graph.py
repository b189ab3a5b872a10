"""hnswlib: the graph of the authors of HNSW."""

# ruff: noqa: D102 - `Engine` says what each method does.

import hnswlib
import numpy as np

from benches.quality.retrieval_set import Array
from benches.vectors.engine import EFS, Engine, Ids, Place, Point


class HnswlibGraph(Engine):
    """16 neighbours, inner product; a deleted vector is marked and stays in the graph."""

    points = EFS

    def __init__(self, place: Place) -> None:
        self._index = hnswlib.Index("ip", place.dim)
        self._index.init_index(place.capacity, ef_construction=place.ef_construction, M=16, random_seed=100)
        self._index.set_num_threads(1)

    def build(self, vectors: Array, threads: int) -> None:
        self._index.add_items(vectors, np.arange(len(vectors)), num_threads=threads)

    def use(self, point: Point) -> None:
        self._index.set_ef(int(point["ef"]))

    def search(self, query: Array, k: int) -> Ids:
        return self._index.knn_query(query, k, num_threads=1)[0][0].astype(np.int64)

    def search_many(self, queries: Array, k: int, threads: int) -> Ids:
        return self._index.knn_query(queries, k, num_threads=threads)[0].astype(np.int64)

    def insert(self, key: int, vector: Array) -> None:
        self._index.add_items(vector, key, num_threads=1)

    def delete(self, key: int) -> None:
        self._index.mark_deleted(key)
