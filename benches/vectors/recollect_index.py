"""recollect's own index of vectors."""

# ruff: noqa: D102 - `Engine` says what each method does.

import numpy as np

from benches.quality.retrieval_set import Array
from benches.vectors.engine import Engine, Ids, Place, Point
from recollect import VectorIndex

_TARGETS = (
    0.5,
    0.6,
    0.7,
    0.75,
    0.8,
    0.85,
    0.88,
    0.9,
    0.92,
    0.94,
    0.95,
    0.96,
    0.97,
    0.98,
    0.985,
    0.99,
    0.995,
    0.998,
    0.999,
)
_EXACT = 1.0


class RecollectIndex(Engine):
    """Cosine; a target is what is asked for, and the recall that is measured is what counts.

    Parameters
    ----------
    place
        Where it lives.
    keep
        ``f32``, ``f16`` or ``int8``: how it keeps the vectors. Only the first can be exact.
    """

    points = tuple({"target": target} for target in _TARGETS)

    def __init__(self, place: Place, keep: str) -> None:
        self._index = VectorIndex(place.dim, metric="cosine", keep=keep)
        self._target = _EXACT
        if keep == "f32":
            self.exact_points = ({"target": _EXACT},)

    def build(self, vectors: Array, threads: int) -> None:
        self._index.add(vectors, ids=np.arange(len(vectors), dtype=np.int64))

    def use(self, point: Point) -> None:
        self._target = point["target"]

    def search(self, query: Array, k: int) -> Ids:
        return self._index.search(query, k=k, recall_target=self._target)[0]

    def search_many(self, queries: Array, k: int, threads: int) -> Ids:
        return self._index.search_many(queries, k=k, recall_target=self._target, threads=threads)[0]

    def remark_of(self, point: Point, k: int) -> str | None:
        plan = self._index.plan(k=k, recall_target=point["target"])
        vectors, dim = len(self._index), self._index.dim
        way, cells, of_cells = plan["way"], plan["cells"], plan["of_cells"]
        if way not in ("cells", "sketch"):
            return f"{way}: reads {vectors * dim / 1e6:.2f} MB of int8 codes"
        code = -(-dim // 64) * 8 + 4
        # Nearly every vector lies in two cells.
        read = (2 * vectors * cells / of_cells + of_cells) * code
        return f"{cells} of {of_cells} cells: reads {read / 1e6:.2f} MB of bit codes"

    def insert(self, key: int, vector: Array) -> None:
        self._index.add(vector, ids=np.array([key], dtype=np.int64))

    def delete(self, key: int) -> None:
        self._index.remove(key)
