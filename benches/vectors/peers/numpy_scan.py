"""numpy: one product with all vectors, and a partition of the scores."""

# ruff: noqa: D102 - `Engine` says what each method does.

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from benches.quality.retrieval_set import Array
from benches.vectors.engine import Engine, Ids, Place


class NumpyScan(Engine):
    """Rows in one array; a deleted row is filled with the last one."""

    exact_points = ({},)

    def __init__(self, place: Place) -> None:
        self._rows = np.empty((place.capacity, place.dim), dtype=np.float32)
        self._keys = np.empty(place.capacity, dtype=np.int64)
        self._at: dict[int, int] = {}
        self._size = 0

    def build(self, vectors: Array, threads: int) -> None:
        self._size = len(vectors)
        self._rows[: self._size], self._keys[: self._size] = vectors, np.arange(self._size)
        self._at = {key: key for key in range(len(vectors))}

    def search(self, query: Array, k: int) -> Ids:
        return self._best(self._rows[: self._size] @ query, k)

    def search_many(self, queries: Array, k: int, threads: int) -> Ids:
        def some(part: Array) -> list[Ids]:
            return [self._best(scores, k) for scores in part @ self._rows[: self._size].T]

        with ThreadPoolExecutor(threads) as pool:
            return np.array(
                [ids for found in pool.map(some, np.array_split(queries, threads)) for ids in found]
            )

    def insert(self, key: int, vector: Array) -> None:
        self._rows[self._size], self._keys[self._size] = vector, key
        self._at[key] = self._size
        self._size += 1

    def delete(self, key: int) -> None:
        at, last = self._at.pop(key), self._size - 1
        if at != last:
            self._rows[at], self._keys[at] = self._rows[last], self._keys[last]
            self._at[int(self._keys[at])] = at
        self._size = last

    def _best(self, scores: Array, k: int) -> Ids:
        best = np.argpartition(scores, -k)[-k:]
        return self._keys[best[np.argsort(-scores[best])]]
