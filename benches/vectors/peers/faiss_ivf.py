"""faiss inverted files: cells, codes in them, and a second look at plain vectors."""

# ruff: noqa: D102 - `Engine` says what each method does.

from itertools import product

import faiss
import numpy as np

from benches.quality.retrieval_set import Array
from benches.vectors.engine import Engine, Ids, Place, Point, Unsupported
from benches.vectors.peers.faiss_threads import threads_of_faiss

_PROBES = (1, 2, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)
_FACTORS = (3, 6, 10, 20, 40)


_A_CELL = 64
"""Vectors a cell that the centroids are trained on; the default of 256 takes minutes at a million."""


def _cells(count: int) -> int:
    """Return the power of two near 3.2 roots of the size: 256, 1,024, 4,096 from 10,000 to a million."""
    return int(2 ** round(np.log2(3.2 * max(count, 1) ** 0.5)))


class FaissIvf(Engine):
    """Cells by k-means with plain vectors in them, which can be added and removed."""

    points = tuple({"nprobe": probes} for probes in _PROBES)

    def __init__(self, place: Place) -> None:
        self._dim = place.dim
        self._index: faiss.Index | None = None

    def build(self, vectors: Array, threads: int) -> None:
        with threads_of_faiss(threads):
            self._index = self._trained(_cells(len(vectors)), vectors)
            self._ivf = faiss.extract_index_ivf(self._index)
            self._fill(vectors)

    def use(self, point: Point) -> None:
        self._ivf.nprobe = int(point["nprobe"])

    def search(self, query: Array, k: int) -> Ids:
        return self._index.search(query[None], k)[1][0]

    def search_many(self, queries: Array, k: int, threads: int) -> Ids:
        with threads_of_faiss(threads):
            return self._index.search(queries, k)[1]

    def insert(self, key: int, vector: Array) -> None:
        if self._index is None:
            raise Unsupported("has to be trained on many vectors first")
        self._index.add_with_ids(vector[None], np.array([key], dtype=np.int64))

    def delete(self, key: int) -> None:
        self._index.remove_ids(np.array([key], dtype=np.int64))

    def _fill(self, vectors: Array) -> None:
        # Vectors added without ids are not in the table that removals go by.
        self._index.add_with_ids(vectors, np.arange(len(vectors), dtype=np.int64))

    def _trained(self, cells: int, vectors: Array) -> faiss.Index:
        index = faiss.index_factory(self._dim, f"IVF{cells},Flat", faiss.METRIC_INNER_PRODUCT)
        index.cp.max_points_per_centroid = _A_CELL
        index.train(vectors)
        # Without it each removal reads the ids of every cell.
        index.set_direct_map_type(faiss.DirectMap.Hashtable)
        return index


class _Refined(FaissIvf):
    """Short codes pick candidates, plain vectors rank them."""

    points = tuple({"nprobe": probes, "refine": factor} for probes, factor in product(_PROBES, _FACTORS))

    def use(self, point: Point) -> None:
        super().use(point)
        self._index.k_factor = point["refine"]

    def insert(self, key: int, vector: Array) -> None:
        raise Unsupported("an index with refinement cannot delete")

    def _fill(self, vectors: Array) -> None:
        self._index.add(vectors)

    def _trained(self, cells: int, vectors: Array) -> faiss.Index:
        base = faiss.index_factory(self._dim, self._codes(cells), faiss.METRIC_INNER_PRODUCT)
        base.cp.max_points_per_centroid = _A_CELL
        base.train_q1(len(vectors), faiss.swig_ptr(vectors), False, faiss.METRIC_INNER_PRODUCT)
        # Training the codes is many small steps, which more threads only slow down.
        with threads_of_faiss(1):
            base.train(vectors)
        return faiss.IndexRefineFlat(base)

    def _codes(self, cells: int) -> str:
        raise NotImplementedError


class FaissIvfPq(_Refined):
    """Product codes of one bit a dimension, compared by table shuffles."""

    def _codes(self, cells: int) -> str:
        return f"IVF{cells},PQ{self._dim // 4}x4fs"


class FaissIvfRabitq(_Refined):
    """RaBitQ codes of one bit a dimension, the query kept in floats."""

    def _codes(self, cells: int) -> str:
        return f"IVF{cells},RaBitQ"


class FaissIvfRabitqFastScan(_Refined):
    """RaBitQ codes of one bit a dimension, compared by table shuffles."""

    def _codes(self, cells: int) -> str:
        return f"IVF{cells},RaBitQfs"
