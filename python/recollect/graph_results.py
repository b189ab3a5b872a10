"""What a graph answers: frozen dataclasses that compare and pickle."""

from dataclasses import dataclass
from typing import TypeAlias, TypedDict

import numpy as np
import numpy.typing as npt

__all__ = [
    "Activation",
    "Edge",
    "Evoked",
    "GraphStats",
    "Hyperedge",
    "LinkedMany",
    "LinkedOne",
    "NodeId",
    "Requirement",
]

NodeId: TypeAlias = str | int
"""Identity of a node: a text, or a whole number of 64 bits."""


@dataclass(frozen=True, slots=True)
class Edge:
    """A directed edge; there is one from a node to a node under a relation.

    Parameters
    ----------
    src, dst
        The nodes.
    relation
        Its kind.
    weight
        How strong it is, above 0; kept as float32.
    time
        When it was made or last confirmed, microseconds since 1970 in UTC.
    source
        Where it comes from.
    trusted
        Whether it comes from somebody who is believed.
    """

    src: NodeId
    dst: NodeId
    relation: str
    weight: float
    time: int
    source: str | None
    trusted: bool


@dataclass(frozen=True, slots=True)
class LinkedOne:
    """What became of an edge: ``"new"``, ``"replaced"`` or ``"dropped"``.

    `other` is the edge that was replaced; or the weakest of a node at its ``max_degree``, which was dropped
    and may be the new one itself.
    """

    outcome: str
    other: Edge | None = None


@dataclass(frozen=True, slots=True)
class LinkedMany:
    """What became of many edges: how many are new or replaced one, and what a ``max_degree`` dropped."""

    new: int
    replaced: int
    dropped: tuple[Edge, ...] = ()


@dataclass(frozen=True, slots=True)
class Hyperedge:
    """Nodes that belong together, under an id of its own.

    Parameters
    ----------
    id
        Its id, which is that of a node.
    members
        The nodes; of an archived one those it had.
    text
        What it says.
    time
        When it was made, microseconds since 1970 in UTC.
    parents
        The hyperedges it was merged from.
    archived
        Whether it was merged into another.
    trusted
        Whether it is believed.
    """

    id: NodeId
    members: tuple[NodeId, ...]
    text: str
    time: int
    parents: tuple[NodeId, ...]
    archived: bool
    trusted: bool


@dataclass(frozen=True, slots=True)
class Requirement:
    """How much of an item is needed, and how often it has to be made (0: it is a raw material)."""

    item: NodeId
    amount: float
    crafts: int


@dataclass(frozen=True, slots=True)
class Evoked:
    """A node that was evoked: how much, by which node, after how many hops."""

    node: NodeId
    activation: float
    via: NodeId
    hops: int


@dataclass(frozen=True, slots=True, eq=False)
class Activation:
    """What seeds activate, and what may be missing.

    Parameters
    ----------
    nodes
        The best nodes, best first; ties in the order in which they came into the graph.
    scores
        float32 ``[len(nodes)]``.
    certain
        How many of the first nodes certainly are among the true best ``len(nodes)``, in any order.
    edges, reached
        Edges followed and nodes reached.
    complete
        Whether it ended by itself and not by a budget.
    missing
        Activation that was not passed on, of 1 that the seeds had; the sum of it where the fan keeps no mass.
    bound
        By how much at most any score is below its true value; None where the fan keeps no mass.
    """

    nodes: list[NodeId]
    scores: npt.NDArray[np.float32]
    certain: int
    edges: int
    reached: int
    complete: bool
    missing: float
    bound: float | None

    def items(self) -> list[tuple[NodeId, float]]:
        """Return nodes with their scores."""
        return list(zip(self.nodes, self.scores.tolist(), strict=True))


class GraphStats(TypedDict):
    """What a graph holds, and the memory it takes."""

    nodes: int
    edges: int
    hyperedges: int
    dropped: int
    bytes: int
    bytes_per_edge: float
    relations: list[str]
