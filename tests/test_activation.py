"""Activation over a graph, and what uses leave."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from recollect import Graph
from recollect.activation import (
    BaseLevel,
    Ebbinghaus,
    Exponential,
    History,
    PowerLaw,
    ScoreDecay,
    association,
    latency,
    lowest,
    rehearse,
    retrieval_probability,
    sampled_below,
)
from recollect.errors import InvalidArgument, UnknownMemory, WrongType


def path() -> Graph:
    graph = Graph()
    graph.link_many(["A", "B", "B", "C"], ["B", "A", "C", "B"], "r")
    return graph


def test_a_path_has_its_known_ranks() -> None:
    found = path().activate("A", epsilon=1e-7)
    assert found.nodes == ["A", "B", "C"]
    assert found.scores.dtype == np.float32
    assert found.scores.tolist() == pytest.approx([7 / 12, 1 / 3, 1 / 12], abs=1e-6)
    assert found.complete
    assert found.certain == 3
    assert found.bound is not None
    assert found.bound < 1e-5
    nodes, exact = path().activate_exactly({"A": 3.0})
    assert dict(zip(nodes, exact.tolist(), strict=True)) == pytest.approx(
        {"A": 7 / 12, "B": 1 / 3, "C": 1 / 12}
    )


def test_two_hops_beat_the_dense_score() -> None:
    graph = Graph()
    pairs = ["A B", "B C", "P1 A", "P1 B", "P2 B", "P2 C", "P3 D"]
    ends = [pair.split() for pair in pairs]
    graph.link_many([a for a, _ in ends], [b for _, b in ends], "r")
    graph.link_many([b for _, b in ends], [a for a, _ in ends], "r")
    seeds = {"A": 1.0, "P1": 0.05, "P2": 0.0, "P3": 0.01}
    wanted = {"A": 0.5425, "B": 0.1981, "P1": 0.1840, "C": 0.0330, "P2": 0.0330, "P3": 0.0063}
    found = dict(graph.activate(seeds, epsilon=1e-7).items())
    assert {node: found[node] for node in wanted} == pytest.approx(wanted, abs=1e-4)
    one_way = Graph()
    one_way.link_many([a for a, _ in ends], [b for _, b in ends], "r")
    both = dict(one_way.activate(seeds, direction="both", epsilon=1e-7).items())
    assert both == pytest.approx(found, abs=1e-6)


def random_graph(nodes: int, edges: int, seed: int) -> Graph:
    random = np.random.default_rng(seed)
    graph = Graph()
    graph.add_nodes(np.arange(nodes))
    src = random.integers(0, nodes, edges)
    dst = (nodes * random.random(edges) ** 2).astype(np.int64)
    weight = random.random(edges) + 0.1
    graph.link_many(src, dst, "r", weight=weight, time=random.integers(0, 100, edges))
    graph.link_many(dst, src, "back", weight=weight)
    return graph


@pytest.mark.parametrize("fan", ["degree", "specificity", "log", "none"])
def test_the_best_are_those_of_dense_iteration(fan: str) -> None:
    graph = random_graph(500, 3_000, 1)
    options = {"fan": fan, "restart": 0.8, "strength": 5.0, "relations": {"r": 1.0, "back": 0.5}}
    for seed in range(10):
        seeds = {seed: 1.0, 3 * seed + 7: 2.0}
        nodes, exact = graph.activate_exactly(seeds, **options)
        found = graph.activate(seeds, 20, epsilon=1e-7, **options)
        truth = dict(zip(nodes, exact.tolist(), strict=True))
        assert found.scores.tolist() == pytest.approx(sorted(truth.values(), reverse=True)[:20], abs=1e-4)
        assert found.scores.tolist() == pytest.approx([truth[node] for node in found.nodes], abs=1e-4)


def test_strangers_change_nothing() -> None:
    graph = random_graph(300, 1_500, 2)
    seeds = [1, 2, 3]
    before = graph.activate(seeds, 50, trusted_only=True)
    open_before = graph.activate(seeds, 50)
    graph.link_many(["evil"] * 300, range(300), "r", weight=1e6, trusted=False)
    graph.link_many(range(300), ["evil"] * 300, "r", weight=1e6, trusted=False)
    graph.link_many(range(0, 300, 2), range(1, 300, 2), "other", weight=50, trusted=False)
    after = graph.activate(seeds, 50, trusted_only=True)
    assert after.nodes == before.nodes
    assert after.scores.tobytes() == before.scores.tobytes()
    assert (after.missing, after.edges) == (before.missing, before.edges)
    assert graph.activate(seeds, 50).nodes != open_before.nodes
    graph.trust("evil")
    assert graph.activate(seeds, 50, trusted_only=True).nodes == before.nodes, "its edges are still not"


def test_budgets_and_windows_and_inhibition() -> None:
    graph = random_graph(2_000, 20_000, 3)
    whole = graph.activate([5], epsilon=1e-6)
    short = graph.activate([5], epsilon=1e-6, max_edges=50)
    late = graph.activate([5], epsilon=1e-9, max_microseconds=0)
    assert whole.complete
    assert not short.complete
    assert not late.complete
    assert short.missing > whole.missing
    assert graph.activate([5], relations=["nothing"]).nodes == [5]
    old = graph.activate([5], 50, relations=["r"], until=10)
    assert set(old.nodes) < {x.dst for x in graph.edges(5)} | set(graph.closure(5)) | {5}
    inhibited = graph.activate([5], 10, inhibition=0.15)
    assert inhibited.nodes == graph.activate([5], 10).nodes[: len(inhibited.nodes)]
    without = graph.activate([5], 9, include_seeds=False)
    assert without.nodes == graph.activate([5], 10).nodes[1:]


def test_many_queries_give_what_each_gives_alone() -> None:
    graph = random_graph(1_000, 5_000, 4)
    queries = [{n: 1.0, n + 1: 0.5} for n in range(100)]
    for threads in (None, 1, 3):
        many = graph.activate_many(queries, 5, threads=threads)
        for query, found in zip(queries, many, strict=True):
            alone = graph.activate(query, 5)
            assert found.nodes == alone.nodes
            assert found.scores.tobytes() == alone.scores.tobytes()
    with pytest.raises(UnknownMemory, match=r"queries\[1\]\[0\]: no node 5000"):
        graph.activate_many([[1], [5000]])


def test_hops_evoke_the_strongest() -> None:
    graph = Graph()
    for number in range(2, 9):
        graph.link("scene", number, "contains", weight=number / 10)
    graph.link("other scene", 8, "contains")
    found = graph.evoke(["scene"], [{"contains": 5}, [("contains", "in", 3)]])
    assert [x.node for x in found] == ["scene", 8, 7, "other scene", 6, 5, 4]
    assert found[1].activation == pytest.approx(0.8 * 0.85)
    assert (found[3].via, found[3].hops) == (8, 2)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"restart": 0}, "restart"),
        ({"restart": 1.0}, "restart"),
        ({"epsilon": 0}, "epsilon"),
        ({"fan": "all"}, "fan"),
        ({"k": 0}, "k"),
        ({"direction": "up"}, "direction"),
        ({"inhibition": -1}, "inhibition"),
        ({"relations": {"r": -1}}, "relations"),
        ({"seeds": {"A": 0}}, "seeds"),
        ({"seeds": {"A": -1}}, r"seeds\[0\]"),
        ({"seeds": []}, "seeds"),
    ],
)
def test_what_is_wrong_is_named(options: dict[str, object], words: str) -> None:
    with pytest.raises(InvalidArgument, match=words):
        path().activate(**({"seeds": "A"} | options))


def test_types_are_checked() -> None:
    with pytest.raises(WrongType, match=r"seeds\[0\]"):
        path().activate([1.5])
    with pytest.raises(WrongType, match="relations"):
        path().activate("A", relations="r")
    with pytest.raises(UnknownMemory, match=r'seeds\[1\]: no node "Z"'):
        path().activate(["A", "Z"])


START = datetime(2026, 3, 1, tzinfo=UTC)


def test_uses_fade_as_published() -> None:
    history = History(START)
    history.touch(START + timedelta(seconds=3))
    assert BaseLevel().of(history, START + timedelta(seconds=4)) == pytest.approx(0.405465, abs=1e-6)
    assert BaseLevel().of_ages([1, 4]) == pytest.approx(0.405465, abs=1e-6)
    assert (history.count, history.strength, len(history.recent)) == (2, 2.0, 2)
    once, day = History(START), START + timedelta(days=1)
    assert Ebbinghaus().of(once, day) == pytest.approx(0.3679, abs=1e-4)
    assert Ebbinghaus().of(history, day + timedelta(seconds=3)) == pytest.approx(0.6065, abs=1e-4)
    assert PowerLaw().of(once, START + timedelta(days=4)) == pytest.approx(0.25)
    weights = [Exponential().of(once, turn) for turn in (0, 100, 1000)]
    assert weights == pytest.approx([1, 0.8187, 0.1353], abs=1e-4)
    once.touch(day, 950)
    assert Exponential().of(once, 1000) == pytest.approx(0.6353, abs=1e-4)
    assert ScoreDecay(0.7).of(10, 3) == pytest.approx(3.43)
    assert retrieval_probability(1) == pytest.approx(0.982, abs=1e-3)
    assert retrieval_probability(-1e9) == 0
    assert latency(1) == pytest.approx(0.3679, abs=1e-4)
    assert [association(fan) for fan in (1, 2, 4, 8)] == pytest.approx([2, 1.307, 0.614, -0.079], abs=1e-3)


def test_rehearsal_and_forgetting() -> None:
    draws = np.array([rehearse(range(1, 11), 1, seed=seed)[0] for seed in range(20_000)])
    assert (draws == 0).mean() == pytest.approx(0.3414, abs=0.015)
    assert (draws == 9).mean() == pytest.approx(0.0341, abs=0.006)
    assert sorted(rehearse(range(1, 6), 9, seed=3)) == [0, 1, 2, 3, 4]
    assert lowest([3, 1, 2], 0.7) == [1, 2]
    assert abs(len(sampled_below([0.5] * 10_000)) - 5_000) <= 150
    with pytest.raises(InvalidArgument, match="decay"):
        BaseLevel(decay=1).of(History(0), 5)
    with pytest.raises(InvalidArgument, match="share"):
        lowest([1], 2)
