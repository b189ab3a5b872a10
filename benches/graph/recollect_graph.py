"""recollect's graph at several settings of ``epsilon``."""

# ruff: noqa: D102 - `Ranker` says what each method does.

from collections.abc import Sequence

import numpy as np

from benches.graph.edge_set import EdgeSet, Ids
from benches.graph.ranker import RESTART, K, Ranker
from recollect import Graph

EPSILONS = (1e-4, 3e-5, 1e-5, 3e-6, 1e-6, 3e-7, 2e-7, 1e-7)

_SOURCES = 16
"""Edges come from so many sources, and at times over a year, so that each takes the bytes it takes in use."""

_YEAR = 365 * 86_400 * 1_000_000


class Recollect(Ranker):
    """A graph that every setting shares."""

    name = "recollect"

    def __init__(self, edges: EdgeSet) -> None:
        self._graph = Graph()
        self._graph.add_nodes(np.arange(edges.nodes))
        times = np.random.default_rng(3).integers(0, _YEAR, len(edges.src))
        for part in range(_SOURCES):
            some = slice(part * len(edges.src) // _SOURCES, (part + 1) * len(edges.src) // _SOURCES)
            self._graph.link_many(
                edges.src[some], edges.dst[some], "linked", time=times[some], source=f"source {part}"
            )

    def best(self, seeds: Sequence[int]) -> Ids:
        return self.at(EPSILONS[-1], seeds)

    def at(self, epsilon: float, seeds: Sequence[int]) -> Ids:
        """Return the best nodes at a setting."""
        return np.asarray(self._graph.activate(seeds, K, restart=RESTART, epsilon=epsilon).nodes)

    def insert(self, src: int, dst: int) -> None:
        self._graph.link(src, dst, "added", time=5)

    def bytes_per_edge(self) -> float:
        return self._graph.stats()["bytes_per_edge"]
