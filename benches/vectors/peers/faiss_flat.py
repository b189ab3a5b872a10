"""faiss flat: the exact scan."""

# ruff: noqa: D102 - `Engine` says what each method does.

import faiss
import numpy as np

from benches.quality.retrieval_set import Array
from benches.vectors.engine import Engine, Ids, Place
from benches.vectors.peers.faiss_threads import threads_of_faiss


class FaissFlat(Engine):
    """`IndexFlatIP`, with ids beside it from the first write on."""

    exact_points = ({},)

    def __init__(self, place: Place) -> None:
        self._index = faiss.IndexFlatIP(place.dim)
        self._named = False

    def build(self, vectors: Array, threads: int) -> None:
        with threads_of_faiss(threads):
            self._index.add(vectors)

    def search(self, query: Array, k: int) -> Ids:
        return self._index.search(query[None], k)[1][0]

    def search_many(self, queries: Array, k: int, threads: int) -> Ids:
        with threads_of_faiss(threads):
            return self._index.search(queries, k)[1]

    def insert(self, key: int, vector: Array) -> None:
        self._with_ids()
        self._index.add_with_ids(vector[None], np.array([key], dtype=np.int64))

    def delete(self, key: int) -> None:
        self._with_ids()
        self._index.remove_ids(np.array([key], dtype=np.int64))

    def _with_ids(self) -> None:
        if self._named:
            return
        flat, self._named = self._index, True
        self._index = faiss.IndexIDMap(faiss.IndexFlatIP(flat.d))
        if flat.ntotal:
            rows = faiss.rev_swig_ptr(flat.get_xb(), flat.ntotal * flat.d).reshape(-1, flat.d)
            self._index.add_with_ids(rows, np.arange(flat.ntotal, dtype=np.int64))
