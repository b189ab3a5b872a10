"""Walks over a graph: neighbourhoods, paths, orders of dependence, communities."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from recollect.checks import count_of, number_of, one_of, seed_of, text_of
from recollect.errors import WrongType
from recollect.graph_arguments import Follow, Nodes, follow_of, node_of, nodes_of, seeds_of
from recollect.graph_results import NodeId, Requirement

if TYPE_CHECKING:
    from recollect._native import Graph as Native

__all__ = ["Walks"]

DIRECTIONS = ("out", "in", "both")


def _follow(relations: Iterable[str] | str | None, direction: str, trusted_only: bool) -> Follow:
    return follow_of(relations, one_of(direction, DIRECTIONS, "direction"), trusted_only)


class Walks:
    """What follows edges without passing anything on.

    Every call takes `relations` (names of those followed, all if not given), most take `direction`
    (``"out"``, ``"in"`` or ``"both"``) and `trusted_only` (only trusted edges between trusted nodes).
    """

    __slots__ = ("__weakref__", "_native")
    _native: "Native"

    def neighbours(
        self,
        nodes: Nodes,
        hops: int = 1,
        *,
        relations: Iterable[str] | str | None = None,
        direction: str = "out",
        trusted_only: bool = False,
    ) -> list[tuple[NodeId, int]]:
        """Return the nodes within some hops with their distance, nearest first; the nodes themselves at 0."""
        how = _follow(relations, direction, trusted_only)
        most = min(count_of(hops, "hops"), (1 << 32) - 1)
        return self._native.neighbours(nodes_of(nodes), most, how)

    def closure(
        self,
        node: NodeId,
        *,
        relations: Iterable[str] | str | None = None,
        direction: str = "out",
        trusted_only: bool = False,
    ) -> list[NodeId]:
        """Return everything that can be reached from a node."""
        return self._native.closure(node_of(node), _follow(relations, direction, trusted_only))

    def shortest_path(
        self,
        src: NodeId,
        dst: NodeId,
        *,
        length: str = "hops",
        relations: Iterable[str] | str | None = None,
        direction: str = "out",
        trusted_only: bool = False,
    ) -> tuple[list[NodeId], float] | None:
        """Return the shortest path with both ends and its length, or None if there is none.

        `length` says how long an edge is: ``"hops"`` is 1 each, ``"inverse"`` is one over its weight.
        """
        how = _follow(relations, direction, trusted_only)
        return self._native.shortest_path(
            node_of(src, "src"), node_of(dst, "dst"), one_of(length, ("hops", "inverse"), "length"), how
        )

    def toposort(
        self,
        *,
        relations: Iterable[str] | str | None = None,
        direction: str = "out",
        trusted_only: bool = False,
    ) -> list[NodeId]:
        """Return every node before those that its edges lead to.

        Raises
        ------
        CycleFound
            If there is no such order; the message names a cycle (also a ``ValueError``).
        """
        return self._native.toposort(_follow(relations, direction, trusted_only))

    def propagate(
        self,
        node: NodeId,
        *,
        relations: Iterable[str] | str | None = None,
        direction: str = "out",
        trusted_only: bool = False,
    ) -> list[NodeId]:
        """Mark everything that a change of a node reaches as dirty, and return it in topological order.

        Raises
        ------
        CycleFound
            As :meth:`toposort`; nothing is marked then.
        """
        return self._native.propagate(node_of(node), _follow(relations, direction, trusted_only))

    def dirty(self) -> list[NodeId]:
        """Return the nodes that are marked."""
        return self._native.dirty()

    def clean(self, nodes: Nodes) -> int:
        """Take the mark off nodes, and return how many had one."""
        return self._native.clean(nodes_of(nodes))

    def requirements(
        self, item: NodeId, amount: float = 1, *, relation: str, yields: Mapping[NodeId, float] | None = None
    ) -> list[Requirement]:
        """Return what an amount of an item takes, the item first and raw materials last.

        Edges under `relation` lead from an item to its ingredients, with what one making takes as weight;
        `yields` says how much one making gives where that is not 1. Makings are rounded up.

        Raises
        ------
        CycleFound
            If something needs itself.
        """
        if yields is not None and not isinstance(yields, Mapping):
            raise WrongType(f"yields: expected a mapping, found {type(yields).__name__}")
        found = self._native.requirements(
            node_of(item, "item"),
            number_of(amount, "amount"),
            text_of(relation, "relation"),
            [] if yields is None else seeds_of(yields, "yields"),
        )
        return [Requirement(*row) for row in found]

    def communities(
        self,
        method: str = "labels",
        *,
        seed: int = 0,
        resolution: float = 1.0,
        relations: Iterable[str] | str | None = None,
        trusted_only: bool = False,
    ) -> list[list[NodeId]]:
        """Return groups of nodes that hang together, every node in one, the largest group first.

        ``"labels"`` is label propagation over weights times the overlap of neighbourhoods, ``"modularity"``
        is local moving, with smaller groups for a greater `resolution`. Directions do not count. Nodes are
        visited in an order that `seed` gives.
        """
        word = one_of(method, ("labels", "modularity"), "method")
        how = _follow(relations, "both", trusted_only)
        return self._native.communities(word, number_of(resolution, "resolution"), seed_of(seed), how)
