"""The graph against a plain dict, over sequences of calls that Hypothesis invents."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from recollect import Graph
from recollect.errors import UnknownMemory
from recollect.graph_results import NodeId

NODES = st.integers(0, 5) | st.sampled_from(["a", "b", "0"])
RELATIONS = st.sampled_from(["r", "s"])
WEIGHTS = st.integers(1, 9).map(float)
Key = tuple[NodeId, NodeId, str]


class Machine(RuleBasedStateMachine):
    """One graph and its model."""

    def __init__(self) -> None:
        super().__init__()
        self.graph = Graph()
        self.nodes: set[NodeId] = set()
        self.edges: dict[Key, float] = {}

    @rule(src=NODES, dst=NODES, relation=RELATIONS, weight=WEIGHTS)
    def link(self, src: NodeId, dst: NodeId, relation: str, weight: float) -> None:
        outcome = self.graph.link(src, dst, relation, weight=weight).outcome
        assert outcome == ("replaced" if (src, dst, relation) in self.edges else "new")
        self.edges[src, dst, relation] = weight
        self.nodes |= {src, dst}

    @rule(edges=st.lists(st.tuples(NODES, NODES, RELATIONS, WEIGHTS), max_size=90))
    def link_many(self, edges: list[tuple[NodeId, NodeId, str, float]]) -> None:
        new = {(src, dst, relation) for src, dst, relation, _ in edges} - set(self.edges)
        columns = [list(column) for column in zip(*edges, strict=True)] or [[], [], [], []]
        done = self.graph.link_many(columns[0], columns[1], columns[2], weight=columns[3] or 1.0)
        assert (done.new, done.replaced, done.dropped) == (len(new), len(edges) - len(new), ())
        for src, dst, relation, weight in edges:
            self.edges[src, dst, relation] = weight
            self.nodes |= {src, dst}

    @rule(src=NODES, dst=NODES, relation=RELATIONS)
    def unlink(self, src: NodeId, dst: NodeId, relation: str) -> None:
        known = self.edges.pop((src, dst, relation), None) is not None
        assert self.graph.unlink(src, dst, relation) == known

    @rule(src=NODES, dst=NODES, relation=RELATIONS)
    def strengthen(self, src: NodeId, dst: NodeId, relation: str) -> None:
        if (src, dst, relation) in self.edges:
            self.edges[src, dst, relation] += 1
            assert self.graph.strengthen(src, dst, relation) == self.edges[src, dst, relation]
        else:
            with pytest.raises(UnknownMemory):
                self.graph.strengthen(src, dst, relation)

    @rule(node=NODES)
    def remove(self, node: NodeId) -> None:
        gone = [key for key in self.edges if node in key[:2]]
        if node in self.nodes:
            assert self.graph.remove([node]) == len(gone)
            self.nodes.remove(node)
            for key in gone:
                del self.edges[key]
        else:
            with pytest.raises(UnknownMemory):
                self.graph.remove([node])

    @rule(into=NODES, node=NODES)
    def merge(self, into: NodeId, node: NodeId) -> None:
        if into == node or not {into, node} <= self.nodes:
            return
        self.graph.merge(into, node)
        self.nodes.remove(node)
        for (src, dst, relation), weight in list(self.edges.items()):
            if node in (src, dst):
                del self.edges[src, dst, relation]
                if not {src, dst} <= {into, node}:
                    key = (into if src == node else src, into if dst == node else dst, relation)
                    self.edges[key] = self.edges.get(key, 0) + weight

    @rule()
    def reload(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "graph"
            self.graph.save(path)
            self.graph = Graph.load(path)

    @invariant()
    def they_hold_the_same(self) -> None:
        assert set(self.graph.nodes()) == self.nodes
        assert len(self.graph) == len(self.nodes)
        for direction in ("out", "in"):
            found = [edge for node in self.nodes for edge in self.graph.edges(node, direction)]
            assert {(x.src, x.dst, x.relation): x.weight for x in found} == self.edges
            assert len(found) == len(self.edges)


Machine.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestGraph = Machine.TestCase
