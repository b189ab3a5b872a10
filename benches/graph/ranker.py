"""What every library of this bench can be asked for."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from benches.graph.edge_set import EdgeSet, Ids

K = 20
"""How many nodes every query asks for."""

RESTART = 0.5
"""Probability of going back to the seeds; libraries with a damping take one minus it."""

Scores = npt.NDArray[np.floating]


class Ranker(ABC):
    """Personalised PageRank over a graph; the constructor builds it."""

    name: str
    most_edges: int | None = None
    """Edges above which it is not asked, as it would take too long."""

    @abstractmethod
    def __init__(self, edges: EdgeSet) -> None: ...

    @abstractmethod
    def best(self, seeds: Sequence[int]) -> Ids:
        """Return the best nodes for seeds of equal weight, in any order."""

    def insert(self, src: int, dst: int) -> None:
        """Take one edge in, if that is possible without building all again."""
        raise NotImplementedError

    def bytes_per_edge(self) -> float | None:
        """Return the memory it takes, where it can be told."""
        return None


def best_of(scores: Scores, k: int = K) -> Ids:
    """Return the positions of the greatest scores."""
    return np.argpartition(scores, -k)[-k:]
