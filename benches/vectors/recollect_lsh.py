"""recollect's tables of locality-sensitive hashes."""

# ruff: noqa: D102 - `Engine` says what each method does.

from itertools import product

import numpy as np

from benches.quality.retrieval_set import Array
from benches.vectors.engine import Engine, Ids, Place, Point
from recollect.lsh import LshIndex

_PROBES = (0, 1, 2, 4, 8, 16, 32, 64)
_MOST = (32, 64, 128, 256, 512, 1024)


class RecollectLsh(Engine):
    """Cosine; more probes find more candidates, of which the most promising are scored exactly.

    Parameters
    ----------
    place
        Where it lives.
    family
        ``cross-polytope``, ``hyperplane`` or ``fly``.
    bits, tables
        Of the family.
    """

    points = tuple({"probes": probes, "most": most} for probes, most in product(_PROBES, _MOST))

    def __init__(self, place: Place, family: str, bits: int, tables: int) -> None:
        self._index = LshIndex(place.dim, family=family, bits=bits, tables=tables, seed=0)
        self._probes = self._most = 0

    def build(self, vectors: Array, threads: int) -> None:
        self._index.add(vectors)

    def use(self, point: Point) -> None:
        self._probes, self._most = int(point["probes"]), int(point["most"])

    def search(self, query: Array, k: int) -> Ids:
        return self._index.search(query, k, probes=self._probes, most=self._most)[0]

    def insert(self, key: int, vector: Array) -> None:
        self._index.add(vector, ids=np.array([key], dtype=np.int64))

    def delete(self, key: int) -> None:
        self._index.remove(key)
