"""igraph (PRPACK), power iteration with scipy in float64 and float32, and networkx."""

# ruff: noqa: D102 - `Ranker` says what each method does.

from collections.abc import Sequence

import igraph
import networkx
import numpy as np
from scipy import sparse

from benches.graph.edge_set import EdgeSet, Ids
from benches.graph.ranker import RESTART, Ranker, Scores, best_of

_TOLERANCE = 1e-6
"""Change of all scores together that ends an iteration, the default of most libraries."""


class Igraph(Ranker):
    """igraph's solver for PageRank."""

    name = "igraph prpack"

    def __init__(self, edges: EdgeSet) -> None:
        pairs = np.stack([edges.src, edges.dst], axis=1)
        self._graph = igraph.Graph(n=edges.nodes, edges=pairs, directed=True)

    def best(self, seeds: Sequence[int]) -> Ids:
        scores = self._graph.personalized_pagerank(
            directed=True, damping=1 - RESTART, reset_vertices=list(seeds), implementation="prpack"
        )
        return best_of(np.asarray(scores))

    def insert(self, src: int, dst: int) -> None:
        self._graph.add_edges([(src, dst)])


class ScipyPower(Ranker):
    """Power iteration over a transposed transition matrix."""

    name = "scipy power f64"
    dtype: type[np.floating] = np.float64

    def __init__(self, edges: EdgeSet) -> None:
        degrees = np.bincount(edges.src, minlength=edges.nodes)
        weights = (1 / degrees[edges.src]).astype(self.dtype)
        shape = (edges.nodes, edges.nodes)
        self._steps = sparse.csr_matrix((weights, (edges.dst, edges.src)), shape=shape)
        self._ends = np.flatnonzero(degrees == 0)
        self._edges = len(edges.src)

    def scores(self, seeds: Sequence[int], tolerance: float = _TOLERANCE) -> Scores:
        """Return the score of every node."""
        start = np.zeros(self._steps.shape[0], dtype=self.dtype)
        np.add.at(start, list(seeds), 1 / len(seeds))
        now = start
        while True:
            stranded = now[self._ends].sum()
            after = RESTART * start + (1 - RESTART) * (self._steps @ now + stranded * start)
            change = np.abs(after - now).sum()
            now = after
            if change < tolerance:
                return now

    def best(self, seeds: Sequence[int]) -> Ids:
        return best_of(self.scores(seeds))

    def bytes_per_edge(self) -> float:
        arrays = (self._steps.data, self._steps.indices, self._steps.indptr)
        return sum(array.nbytes for array in arrays) / self._edges


class ScipyPowerSingle(ScipyPower):
    """The same in single precision."""

    name = "scipy power f32"
    dtype = np.float32


class Networkx(Ranker):
    """networkx's power iteration."""

    name = "networkx"
    most_edges = 400_000

    def __init__(self, edges: EdgeSet) -> None:
        self._graph = networkx.DiGraph()
        self._graph.add_nodes_from(range(edges.nodes))
        self._graph.add_edges_from(zip(edges.src.tolist(), edges.dst.tolist(), strict=True))

    def best(self, seeds: Sequence[int]) -> Ids:
        start = dict.fromkeys(seeds, 1.0)
        scores = networkx.pagerank(self._graph, alpha=1 - RESTART, personalization=start, tol=1e-9)
        return best_of(np.fromiter(scores.values(), dtype=np.float64))

    def insert(self, src: int, dst: int) -> None:
        self._graph.add_edge(src, dst)
