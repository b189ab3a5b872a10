"""recollect's tables of locality-sensitive hashes."""

# ruff: noqa: D102 - `Engine` says what each method does.

from collections.abc import Sequence
from itertools import product

import numpy as np

from benches.quality.retrieval_set import Array
from benches.vectors.engine import Engine, Ids, Place, Point
from recollect.lsh import LshIndex

_PROBES = (0, 1, 2, 4, 8, 16, 32)
_MOST = (32, 48, 64, 96, 128, 192, 256)
_OF_THE_FLY = ((2, 8, 32), (256, 1024, 4096))
"""Most vectors meet its buckets, so that it needs more candidates and each setting takes longer to try."""


def _grid(probes: Sequence[int], most: Sequence[int]) -> Sequence[Point]:
    return tuple({"probes": one, "most": other} for one, other in product(probes, most))


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

    points = _grid(_PROBES, _MOST)

    def __init__(self, place: Place, family: str, bits: int, tables: int) -> None:
        self._index = LshIndex(place.dim, family=family, bits=bits, tables=tables, seed=0)
        self._probes = self._most = 0
        if family == "fly":
            self.points = _grid(*_OF_THE_FLY)

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
