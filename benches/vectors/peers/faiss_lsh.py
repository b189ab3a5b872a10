"""faiss LSH: signs of random projections, all compared, and a second look at plain vectors."""

# ruff: noqa: D102 - `Engine` says what each method does.

import faiss

from benches.quality.retrieval_set import Array
from benches.vectors.engine import Engine, Ids, Place, Point
from benches.vectors.peers.faiss_threads import threads_of_faiss

_FACTORS = (2, 4, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)


class FaissLsh(Engine):
    """`IndexLSH` with a rotation and `IndexRefineFlat`, by L2, which orders unit vectors as the cosine does.

    Parameters
    ----------
    place
        Where it lives.
    bits_a_dimension
        Length of the codes.
    """

    points = tuple({"refine": factor} for factor in _FACTORS)

    def __init__(self, place: Place, bits_a_dimension: int = 1) -> None:
        base = faiss.IndexLSH(place.dim, place.dim * bits_a_dimension, True)
        self._index = faiss.IndexRefineFlat(base)

    def build(self, vectors: Array, threads: int) -> None:
        with threads_of_faiss(threads):
            self._index.train(vectors)
            self._index.add(vectors)

    def use(self, point: Point) -> None:
        self._index.k_factor = point["refine"]

    def search(self, query: Array, k: int) -> Ids:
        return self._index.search(query[None], k)[1][0]

    def search_many(self, queries: Array, k: int, threads: int) -> Ids:
        with threads_of_faiss(threads):
            return self._index.search(queries, k)[1]
