"""A memory graph: nodes under ids, typed, weighted and timed edges, hyperedges, and what they call to mind.

>>> import recollect
>>> graph = recollect.Graph()
>>> graph.link("Ilse", "harbour office", "works at").outcome
'new'
>>> graph.link_many(["harbour office", "Tom"], ["harbour", "Ilse"], ["located in", "knows"]).new
2
>>> found = graph.activate(["Tom"], k=3)
>>> found.nodes
['Tom', 'Ilse', 'harbour office']
>>> graph.shortest_path("Tom", "harbour")
(['Tom', 'Ilse', 'harbour office', 'harbour'], 3.0)
>>> graph.hyperedge("h1", ["Ilse", "Tom"], "They met at the harbour.").members
('Ilse', 'Tom')
>>> graph.incident("Tom")
[('h1', 1)]

Activation is personalised PageRank by forward push, spread over ``restart`` and a ``fan``:

=================  ==========================================================================
``fan``            what an edge passes on
=================  ==========================================================================
``"degree"``       a share of what its node has, by weight: PageRank
``"specificity"``  the same; and seeds count one over their edges
``"log"``          its weight times ``strength - ln(edges of the node)``, as in ACT-R
``"none"``         its weight
=================  ==========================================================================

The last two keep no mass: they go as far as ``hops``. Sources: Andersen, Chung and Lang, "Local graph
partitioning using PageRank vectors" (2006); Anderson, "A spreading activation theory of memory" (1983).
"""

import os
from collections.abc import Mapping, Sequence
from typing import NoReturn

import numpy as np
import numpy.typing as npt

from recollect._native import Graph as _Native
from recollect._native import graph_standing_out as _standing_out
from recollect.checks import column_of, count_of, number_of, one_of, relation_of, text_of
from recollect.errors import InvalidArgument, UnknownMemory, WrongType
from recollect.graph_arguments import Nodes, codes_of, node_of, nodes_of, seeds_of, times_of
from recollect.graph_results import (
    Edge,
    GraphStats,
    Hyperedge,
    LinkedMany,
    LinkedOne,
    NodeId,
)
from recollect.graph_spreading import Spreading
from recollect.times import MAX_MICROS, MIN_MICROS, Time, to_micros

__all__ = ["Graph"]

DIRECTIONS = ("out", "in", "both")

_NEW = LinkedOne("new")
_END = 1 << 63


class Graph(Spreading):
    """Nodes, each under a text or a whole number, with typed, weighted, timed edges between them.

    Linking two nodes takes them in. Calls may come from several threads: those that read run side by side, a
    call that changes something runs alone, and the interpreter is free meanwhile. Each call changes all that
    it was asked to, or nothing.

    Parameters
    ----------
    max_degree
        Edges that a node keeps at most, the strongest; what it drops is in the answer of the call that made
        it do so, and counted in :meth:`stats`. Memberships of hyperedges do not count.
    """

    __slots__ = ()

    def __init__(self, *, max_degree: int | None = None) -> None:
        most = None if max_degree is None else count_of(max_degree, "max_degree", 1)
        if most is not None and most >= 1 << 32:
            raise InvalidArgument("max_degree: expected at most 2**32 - 1")
        self._native = _Native(most)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Graph":
        """Return the graph that was saved in a file; its answers are the same, bit for bit.

        Raises
        ------
        StoreMissing
            If there is no file (also a ``FileNotFoundError``).
        NotAStore, CorruptStore, FormatTooNew
            If it is no saved graph, is damaged, or comes from a later version.
        """
        graph = cls.__new__(cls)
        graph._native = _Native.load(_path(path))
        return graph

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the graph to a file, in the place of one that is there, and make it durable."""
        self._native.save(_path(path))

    def __len__(self) -> int:
        """Return the number of nodes, hyperedges among them."""
        return len(self._native)

    def __contains__(self, node: object) -> bool:
        """Return whether a node is there."""
        if isinstance(node, bool) or not isinstance(node, (str, int, np.integer)):
            return False
        try:
            return self._native.contains(node_of(node))
        except InvalidArgument:
            return False

    def __repr__(self) -> str:
        """Return how large it is."""
        nodes, edges, *_ = self._native.stats()
        return f"<Graph of {nodes} nodes and {edges} edges>"

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled or copied."""
        raise WrongType("a Graph cannot be pickled or copied: save it to a file, and load that there")

    def nodes(self) -> list[NodeId]:
        """Return all nodes in the order in which they came; places of removed ones are taken again."""
        return self._native.nodes()

    def add_nodes(self, nodes: Nodes, *, trusted: bool = True) -> int:
        """Take nodes in and return how many are new.

        Whole numbers counting from 0 need no table: ``graph.add_nodes(np.arange(n))`` before edges between
        them saves memory.
        """
        return self._native.add_nodes(nodes_of(nodes), trusted)

    def trust(self, nodes: Nodes, trusted: bool = True) -> None:
        """Say whether nodes are believed; ``trusted_only`` passes over those that are not.

        Raises
        ------
        UnknownMemory
            If a node is not there (also a ``KeyError``); so for all calls that take nodes.
        """
        self._native.set_trusted(nodes_of(nodes), trusted)

    def link(
        self,
        src: NodeId,
        dst: NodeId,
        relation: str,
        *,
        weight: float = 1.0,
        time: Time = 0,
        source: str | None = None,
        trusted: bool = True,
    ) -> LinkedOne:
        """Take an edge in, with its nodes; one with the same ends and relation gets the new values.

        Parameters
        ----------
        src, dst, relation
            From where, to where, and its kind.
        weight
            How strong it is, finite and above 0.
        time
            When it was made or last confirmed.
        source
            Where it comes from.
        trusted
            Whether that is believed; nodes that are new are believed as much.
        """
        # What is most common is checked without a call.
        if not (type(src) is type(dst) is int and -_END <= src < _END and -_END <= dst < _END):
            src, dst = node_of(src, "src"), node_of(dst, "dst")
        if type(weight) is not float:
            weight = number_of(weight, "weight")
        if not (type(time) is int and MIN_MICROS <= time <= MAX_MICROS):
            time = to_micros(time, "time")
        if not (type(relation) is str and relation.isascii() and relation):
            relation = relation_of(relation)
        source = None if source is None else relation_of(source, "source")
        outcome, other = self._native.link(src, dst, relation, weight, time, source, trusted)
        return _NEW if outcome == "new" else LinkedOne(outcome, None if other is None else Edge(*other))

    def link_many(
        self,
        src: Nodes,
        dst: Nodes,
        relation: str | Sequence[str] | npt.NDArray[np.str_],
        *,
        weight: npt.ArrayLike = 1.0,
        time: Time | Sequence[Time] | npt.NDArray[np.int64] = 0,
        source: str | None = None,
        trusted: bool = True,
    ) -> LinkedMany:
        """Take many edges in, all or none, with their nodes; of equal ones the last counts.

        Parameters
        ----------
        src, dst
            ``[n]`` ids each; arrays of whole numbers are fastest.
        relation, weight, time
            One for all edges, or one for each, ``[n]``. An array of times is int64 microseconds.
        source, trusted
            As of :meth:`link`, for all edges.
        """
        begins, ends = nodes_of(src, "src"), nodes_of(dst, "dst")
        if len(begins) != len(ends):
            raise InvalidArgument(f"dst: {len(ends)} ends for {len(begins)} begins")
        if len(begins) == 0:
            return LinkedMany(0, 0)
        names, codes = codes_of(relation, len(begins))
        new, replaced, dropped = self._native.link_many(
            begins,
            ends,
            names,
            codes,
            column_of(weight, "weight", len(begins)),
            times_of(time, len(begins)),
            None if source is None else relation_of(source, "source"),
            trusted,
        )
        return LinkedMany(new, replaced, tuple(Edge(*edge) for edge in dropped))

    def unlink(self, src: NodeId, dst: NodeId, relation: str) -> bool:
        """Take an edge away for good; return whether there was one."""
        return self._native.unlink(node_of(src, "src"), node_of(dst, "dst"), relation_of(relation))

    def strengthen(
        self, src: NodeId, dst: NodeId, relation: str, by: float = 1.0, *, time: Time = 0
    ) -> float:
        """Add to the weight of an edge, set its time, and return the new weight.

        Raises
        ------
        UnknownMemory
            If there is no such edge (also a ``KeyError``).
        InvalidArgument
            If the weight would not stay above 0.
        """
        return self._native.strengthen(
            node_of(src, "src"),
            node_of(dst, "dst"),
            relation_of(relation),
            number_of(by, "by"),
            to_micros(time, "time"),
        )

    def edge(self, src: NodeId, dst: NodeId, relation: str) -> Edge | None:
        """Return the edge from a node to another under a relation."""
        found = self._native.edge(node_of(src, "src"), node_of(dst, "dst"), relation_of(relation))
        return None if found is None else Edge(*found)

    def edges(self, node: NodeId, direction: str = "out") -> list[Edge]:
        """Return the edges out of a node, into it (``"in"``), or both."""
        one_of(direction, DIRECTIONS, "direction")
        found = [] if direction == "in" else self._native.edges(node_of(node), False)
        found += [] if direction == "out" else self._native.edges(node_of(node), True)
        return [Edge(*edge) for edge in found]

    def remove(self, nodes: Nodes) -> int:
        """Take nodes away with all of their edges, for good, and return how many edges went."""
        return self._native.remove(nodes_of(nodes))

    def merge(self, into: NodeId, node: NodeId) -> tuple[Edge, ...]:
        """Move all edges of a node to another and take it away; return what a ``max_degree`` dropped.

        Weights of edges that both have add up, and the later time counts; if only one of two is trusted, that
        one stays as it is. Edges between the two nodes go.
        """
        return tuple(Edge(*edge) for edge in self._native.merge(node_of(into, "into"), node_of(node)))

    def hyperedge(
        self, id: NodeId, members: Nodes, text: str = "", *, time: Time = 0, trusted: bool = True
    ) -> Hyperedge:
        """Make a hyperedge: a node of its own that holds members together. Two over the same members are two.

        Members that are new are taken in. Walks and activation go through it, under ``"member"``.
        """
        id = node_of(id, "id")
        self._native.insert_hyperedge(
            id, nodes_of(members, "members"), text_of(text, "text"), to_micros(time, "time"), trusted
        )
        return self.get_hyperedge(id)

    def get_hyperedge(self, id: NodeId) -> Hyperedge:
        """Return a hyperedge, also one that was merged into another."""
        found = self._native.hyperedge(node_of(id, "id"))
        if found is None:
            raise UnknownMemory(f"id: no hyperedge {id!r} in this graph")
        members, text, time, parents, archived, trusted = found
        return Hyperedge(id, tuple(members), text, time, tuple(parents), archived, trusted)

    def update_hyperedge(
        self, id: NodeId, *, text: str | None = None, add: Nodes = (), remove: Nodes = ()
    ) -> Hyperedge:
        """Change what a hyperedge says, add members or take some away; at least one stays."""
        words = None if text is None else text_of(text, "text")
        self._native.update_hyperedge(
            node_of(id, "id"), words, nodes_of(add, "add"), nodes_of(remove, "remove")
        )
        return self.get_hyperedge(id)

    def merge_hyperedges(self, hyperedges: Nodes, id: NodeId, text: str = "", *, time: Time = 0) -> Hyperedge:
        """Make a hyperedge over all members of two or more, which are archived as its parents."""
        id = node_of(id, "id")
        self._native.merge_hyperedges(
            nodes_of(hyperedges, "hyperedges"), id, text_of(text, "text"), to_micros(time, "time")
        )
        return self.get_hyperedge(id)

    def incident(self, nodes: Nodes) -> list[tuple[NodeId, int]]:
        """Return the hyperedges over any of some nodes with the number of nodes in each, the most first."""
        return self._native.incident(nodes_of(nodes))

    def associate(
        self, node: NodeId, scores: Mapping[NodeId, float], relation: str = "similar", *, time: Time = 0
    ) -> list[NodeId]:
        """Link a node to those of which the score stands out, with the score as weight, and return them.

        A mixture of two normal distributions is fitted to the scores; those of the higher one stand out.
        Scores that are not above 0 make no edge.
        """
        pairs = seeds_of(scores, "scores")
        chosen = [pairs[at] for at in _standing_out([score for _, score in pairs]) if pairs[at][1] > 0]
        if chosen:
            ends = [other for other, _ in chosen]
            weights = [score for _, score in chosen]
            self.link_many(
                [node_of(node)] * len(ends), ends, relation_of(relation), weight=weights, time=time
            )
        return [other for other, _ in chosen]

    def stats(self) -> GraphStats:
        """Return what it holds, and the bytes of memory it has reserved."""
        nodes, edges, hyperedges, dropped, size, relations = self._native.stats()
        return GraphStats(
            nodes=nodes,
            edges=edges,
            hyperedges=hyperedges,
            dropped=dropped,
            bytes=size,
            bytes_per_edge=size / max(edges, 1),
            relations=relations,
        )


def _path(path: str | os.PathLike[str]) -> str:
    if not isinstance(path, (str, os.PathLike)):
        raise WrongType(f"path: expected str or os.PathLike, found {type(path).__name__}")
    return os.fsdecode(path)
