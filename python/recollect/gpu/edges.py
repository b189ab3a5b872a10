"""Edges as a device steps over them: sorted by where they lead, with the share that each passes on."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from recollect.checks import one_of
from recollect.errors import InvalidArgument
from recollect.graph import Graph
from recollect.graph_results import NodeId
from recollect.graph_spreading import FANS
from recollect.graph_walks import DIRECTIONS

__all__ = ["Edges", "edges_of"]

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Edges:
    """Edges by destination.

    Parameters
    ----------
    nodes
        How many nodes there are.
    offsets, sources, shares
        uint64 ``[nodes + 1]``, uint32 ``[m]`` and float32 ``[m]``: the edges into node ``i`` are those from
        ``offsets[i]`` on; what comes over one is its share of what its source has.
    degrees
        int64 ``[nodes]``: edges out of a node.
    fan, strength
        How the number of edges weakens what a node passes on; see :mod:`recollect.graph`.
    """

    nodes: int
    offsets: npt.NDArray[np.uint64]
    sources: npt.NDArray[np.uint32]
    shares: Floats
    degrees: npt.NDArray[np.int64]
    fan: str

    @property
    def keeps_mass(self) -> bool:
        """Whether a node passes on exactly what it has."""
        return self.fan in ("degree", "specificity")

    @classmethod
    def of(
        cls,
        src: npt.ArrayLike,
        dst: npt.ArrayLike,
        weight: npt.ArrayLike | None = None,
        *,
        nodes: int,
        fan: str = "degree",
        strength: float = 2.0,
    ) -> "Edges":
        """Make them from places of nodes, ``[m]`` each, and weights above 0, 1 if not given.

        Raises
        ------
        InvalidArgument
            If lengths differ, a place is not below `nodes`, or a weight is not above 0.
        """
        one_of(fan, FANS, "fan")
        start, end = np.asarray(src, dtype=np.int64), np.asarray(dst, dtype=np.int64)
        weights = np.ones(len(start)) if weight is None else np.asarray(weight, dtype=np.float64)
        if not start.shape == end.shape == weights.shape or start.ndim != 1:
            raise InvalidArgument("src, dst, weight: expected as many of each")
        if len(start) and not 0 <= min(start.min(), end.min()) <= max(start.max(), end.max()) < nodes:
            raise InvalidArgument(f"src, dst: expected places from 0 to {nodes - 1}")
        if not (weights > 0).all() or not np.isfinite(weights).all():
            raise InvalidArgument("weight: expected numbers above 0")
        degrees = np.bincount(start, minlength=nodes)
        if fan in ("degree", "specificity"):
            totals = np.bincount(start, weights, minlength=nodes)
            shares = weights / totals[start]
        elif fan == "log":
            shares = weights * np.maximum(strength - np.log(np.maximum(degrees, 1)), 0)[start]
        else:
            shares = weights
        order = np.argsort(end, kind="stable")
        offsets = np.zeros(nodes + 1, dtype=np.uint64)
        np.cumsum(np.bincount(end, minlength=nodes), out=offsets[1:])
        return cls(
            nodes, offsets, start[order].astype(np.uint32), shares[order].astype(np.float32), degrees, fan
        )


def edges_of(
    graph: Graph,
    fan: str = "degree",
    strength: float = 2.0,
    direction: str = "out",
    relations: Mapping[str, float] | Iterable[str] | None = None,
    trusted_only: bool = False,
) -> tuple[Edges, Sequence[NodeId]]:
    """Return the edges of a graph, and its nodes by their places.

    Raises
    ------
    InvalidArgument
        If an argument is out of its domain (also a ``ValueError``).
    """
    one_of(direction, DIRECTIONS, "direction")
    factors: Mapping[str, float] | None = None
    if relations is not None:
        factors = relations if isinstance(relations, Mapping) else dict.fromkeys(relations, 1.0)
    nodes = graph.nodes()
    place = {node: at for at, node in enumerate(nodes)}
    src: list[int] = []
    dst: list[int] = []
    weight: list[float] = []
    for at, node in enumerate(nodes):
        for edge in graph.edges(node):
            if trusted_only and not edge.trusted:
                continue
            factor = 1.0 if factors is None else factors.get(edge.relation, 0.0)
            if factor > 0:
                src.append(at)
                dst.append(place[edge.dst])
                weight.append(float(np.float32(edge.weight) * np.float32(factor)))
    first, second = np.array(src, dtype=np.int64), np.array(dst, dtype=np.int64)
    weights = np.array(weight)
    if direction == "in":
        first, second = second, first
    elif direction == "both":
        first, second = np.concatenate([first, second]), np.concatenate([second, first])
        weights = np.concatenate([weights, weights])
    return Edges.of(first, second, weights, nodes=len(nodes), fan=fan, strength=strength), nodes
