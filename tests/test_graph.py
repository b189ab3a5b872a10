"""The memory graph: edges, nodes, hyperedges, walks and orders."""

import numpy as np
import pytest

import recollect
from recollect import Graph
from recollect.errors import CycleFound, InvalidArgument, UnknownMemory
from recollect.graph_results import Edge, LinkedMany, LinkedOne, Requirement


@pytest.fixture
def town() -> Graph:
    graph = Graph()
    graph.link("Ilse", "office", "works at", weight=2.0, time="2026-03-06", source="chat 1")
    graph.link_many(["office", "Tom", "Tom"], ["harbour", "Ilse", "office"], ["in", "knows", "passes"])
    return graph


def test_edges_are_linked_replaced_strengthened_and_taken_away(town: Graph) -> None:
    assert len(town) == 4
    assert town.nodes() == ["Ilse", "office", "harbour", "Tom"]
    first = town.edge("Ilse", "office", "works at")
    assert first == Edge("Ilse", "office", "works at", 2.0, 1_772_755_200_000_000, "chat 1", True)
    assert town.link("Ilse", "office", "works at", trusted=False) == LinkedOne("replaced", first)
    assert town.link("Ilse", "office", "owns") == LinkedOne("new")
    assert town.strengthen("Ilse", "office", "owns", 0.5, time=7) == 1.5
    assert [(x.relation, x.weight, x.trusted) for x in town.edges("Ilse")] == [
        ("works at", 1.0, False),
        ("owns", 1.5, True),
    ]
    assert {(x.src, x.relation) for x in town.edges("office", "in")} == {
        ("Ilse", "works at"),
        ("Ilse", "owns"),
        ("Tom", "passes"),
    }
    assert len(town.edges("office", "both")) == 4
    assert town.unlink("Ilse", "office", "owns")
    assert not town.unlink("Ilse", "office", "owns")
    assert not town.unlink("nobody", "office", "owns")
    with pytest.raises(UnknownMemory, match='from "Ilse" to "office"'):
        town.strengthen("Ilse", "office", "owns")


def test_removing_and_merging_nodes_leaves_no_edge_behind(town: Graph) -> None:
    assert town.remove(["office"]) == 3
    assert "office" not in town
    assert town.stats()["edges"] == 1
    town.link("Tommy", "Ilse", "knows", weight=2, time=5)
    assert town.merge("Tom", "Tommy") == ()
    assert town.edges("Tom") == [Edge("Tom", "Ilse", "knows", 3.0, 5, None, True)]
    with pytest.raises(KeyError, match='into: no node "Tommy"'):
        town.merge("Tommy", "Tom")
    assert town.add_nodes(["new", "Tom"]) == 1
    assert town.nodes()[1] == "new", "the place of a removed node is taken again"


def test_numbers_are_ids_and_no_texts() -> None:
    graph = Graph()
    assert graph.add_nodes(np.arange(1_000)) == 1_000
    linked = graph.link_many(np.arange(999), np.arange(1, 1_000), "next", weight=np.linspace(1, 2, 999))
    assert linked == LinkedMany(999, 0)
    assert graph.link_many(np.array([0, 0]), np.array([1, 1]), ["next", "other"]).replaced == 1
    graph.link("5", 5, "is")
    assert 5 in graph
    assert "5" in graph
    assert "6" not in graph
    assert True not in graph
    assert [x.dst for x in graph.edges("5")] == [5]
    assert graph.shortest_path(0, 4) == ([0, 1, 2, 3, 4], 4.0)
    assert graph.link(-7, 10**18, "far").outcome == "new"
    assert graph.nodes()[-2:] == [-7, 10**18]


def test_a_cap_is_reported() -> None:
    graph = Graph(max_degree=2)
    weights = {"a": 3.0, "b": 1.0, "c": 2.0}
    for node, weight in weights.items():
        last = graph.link("hub", node, "r", weight=weight)
    assert last.outcome == "dropped"
    assert last.other is not None
    assert last.other.dst == "b"
    many = graph.link_many(["hub"] * 100, [f"x{n}" for n in range(100)], "r", weight=np.arange(1, 101))
    assert len(many.dropped) == 100
    assert [x.dst for x in graph.edges("hub")] == ["x98", "x99"]
    assert graph.stats()["dropped"] == 101


def test_hyperedges_keep_apart_and_keep_their_lineage() -> None:
    graph = Graph()
    graph.hyperedge("h1", ["a", "b"], "they met", time=1)
    graph.hyperedge("h2", ["a", "b"], "they quarrelled", time=2)
    graph.hyperedge("h3", ["b", "c"], "they left", time=3)
    assert [graph.get_hyperedge(x).text for x in ("h1", "h2")] == ["they met", "they quarrelled"]
    assert graph.incident(["a", "b", "c"]) == [("h1", 2), ("h2", 2), ("h3", 2)]
    merged = graph.merge_hyperedges(["h1", "h3"], "h4", "they met and left", time=4)
    assert set(merged.members) == {"a", "b", "c"}
    assert merged.parents == ("h1", "h3")
    old = graph.get_hyperedge("h1")
    assert old.archived
    assert set(old.members) == {"a", "b"}
    assert graph.incident("a") == [("h2", 1), ("h4", 1)]
    assert graph.update_hyperedge("h2", text="they made up", add=["d"], remove=["a"]).members == ("b", "d")
    assert dict(graph.neighbours("c", 2, relations="member"))["a"] == 2
    with pytest.raises(InvalidArgument, match="at least one member"):
        graph.update_hyperedge("h2", remove=["b", "d"])
    with pytest.raises(InvalidArgument, match="in the graph already"):
        graph.hyperedge("h2", ["a"])
    with pytest.raises(InvalidArgument, match="kept for hyperedges"):
        graph.link("a", "b", "member")
    with pytest.raises(UnknownMemory, match="no hyperedge 'a'"):
        graph.get_hyperedge("a")


def test_a_recipe_is_counted_back() -> None:
    graph = Graph()
    graph.link("tool", "plank", "needs", weight=3)
    graph.link("tool", "stick", "needs", weight=2)
    graph.link("stick", "plank", "needs", weight=2)
    graph.link("plank", "log", "needs")
    yields = {"stick": 4, "plank": 4}
    found = graph.requirements("tool", relation="needs", yields=yields)
    assert found == [
        Requirement("tool", 1, 1),
        Requirement("stick", 2, 1),
        Requirement("plank", 5, 2),
        Requirement("log", 2, 0),
    ]
    graph.link("log", "tool", "needs")
    with pytest.raises(CycleFound, match='"tool" -> "plank" -> "log" -> "tool"') as raised:
        graph.requirements("tool", relation="needs", yields=yields)
    assert isinstance(raised.value, (ValueError, recollect.RecollectError))
    with pytest.raises(CycleFound):
        graph.toposort()


def test_changes_propagate_in_order() -> None:
    graph = Graph()
    graph.link_many(["a", "a", "b", "c"], ["b", "c", "d", "d"], "feeds")
    graph.link("a", "e", "names")
    assert graph.toposort(relations=["feeds"]).index("a") < graph.toposort().index("d")
    assert graph.propagate("a", relations="feeds") == ["b", "c", "d"]
    assert graph.dirty() == ["b", "c", "d"]
    assert graph.clean(["b", "e"]) == 1
    assert graph.closure("a", relations=["feeds"]) == ["b", "c", "d"]
    assert graph.closure("d", direction="in") == ["a", "b", "c"]


@pytest.mark.parametrize("method", ["labels", "modularity"])
def test_cliques_are_communities(method: str) -> None:
    graph = Graph()
    for clique in range(4):
        names = [f"{clique}{member}" for member in range(5)]
        graph.link_many(
            [a for a in names for b in names if a < b], [b for a in names for b in names if a < b], "r"
        )
        if clique:
            graph.link(f"{clique - 1}4", f"{clique}0", "r")
    for seed in range(20):
        found = graph.communities(method, seed=seed)
        assert found == [[f"{clique}{member}" for member in range(5)] for clique in range(4)]


def test_what_stands_out_is_linked() -> None:
    random = np.random.default_rng(1)
    scores = {f"low {n}": float(x) for n, x in enumerate(random.normal(0.2, 0.05, 25))}
    scores |= {f"high {n}": float(x) for n, x in enumerate(random.normal(0.75, 0.04, 5))}
    graph = Graph()
    graph.add_nodes(["me"])
    chosen = graph.associate("me", scores)
    assert chosen == [f"high {n}" for n in range(5)]
    assert {x.dst: x.weight for x in graph.edges("me")} == pytest.approx({x: scores[x] for x in chosen})
