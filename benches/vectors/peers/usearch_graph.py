"""usearch: a graph over vectors in one of several number formats."""

# ruff: noqa: D102 - `Engine` says what each method does.

import numpy as np
from usearch.index import Index

from benches.quality.retrieval_set import Array
from benches.vectors.engine import EFS, Engine, Ids, Place, Point


class UsearchGraph(Engine):
    """16 neighbours, cosine.

    Parameters
    ----------
    place
        Where it lives.
    numbers
        ``f32``, ``f16`` or ``i8``: how it keeps the vectors.
    """

    points = EFS

    def __init__(self, place: Place, numbers: str) -> None:
        self._index = Index(
            ndim=place.dim,
            metric="cos",
            dtype=numbers,
            connectivity=16,
            expansion_add=place.ef_construction,
            expansion_search=64,
        )

    def build(self, vectors: Array, threads: int) -> None:
        self._index.add(np.arange(len(vectors)), vectors, threads=threads)

    def use(self, point: Point) -> None:
        self._index.expansion_search = int(point["ef"])

    def search(self, query: Array, k: int) -> Ids:
        return self._index.search(query, k, threads=1).keys.astype(np.int64)

    def search_many(self, queries: Array, k: int, threads: int) -> Ids:
        return self._index.search(queries, k, threads=threads).keys.astype(np.int64)

    def insert(self, key: int, vector: Array) -> None:
        self._index.add(key, vector, threads=1)

    def delete(self, key: int) -> None:
        self._index.remove(key)
