"""A graph as a file, in threads, and under Ctrl-C."""

import copy
import pickle
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from recollect import Graph, VectorIndex
from recollect.errors import CorruptStore, FormatTooNew, NotAStore, StoreMissing, WrongType


def some(edges: int = 400) -> Graph:
    random = np.random.default_rng(7)
    graph = Graph(max_degree=50)
    names = [f"n{number}" for number in range(90)] + list(range(10))
    ends = random.integers(0, 100, (2, edges))
    relations = [f"r{x}" for x in random.integers(0, 4, edges)]
    graph.link_many(
        [names[x] for x in ends[0]],
        [names[x] for x in ends[1]],
        relations,
        weight=random.random(edges) + 0.1,
        time=random.integers(-(10**15), 10**15, edges),
        source="chat 1",
    )
    graph.link("n1", "n2", "r1", trusted=False, source="a secret")
    graph.trust(["n5"], False)
    graph.hyperedge("h1", ["n1", 3], "together")
    graph.hyperedge("h2", ["n2", 3], "apart")
    graph.merge_hyperedges(["h1", "h2"], "h3")
    graph.remove(["n7", 4])
    return graph


def everything(graph: Graph) -> list[object]:
    edges = [graph.edges(node) for node in graph.nodes()]
    return [
        graph.nodes(),
        edges,
        graph.get_hyperedge("h1"),
        graph.get_hyperedge("h3"),
        graph.stats()["dropped"],
    ]


def test_a_file_gives_the_same_graph(tmp_path: Path) -> None:
    graph = some()
    graph.unlink("n1", "n2", "r1")
    path = tmp_path / "graph"
    graph.save(path)
    assert b"a secret" not in path.read_bytes()
    again = Graph.load(str(path))
    assert everything(again) == everything(graph)
    for options in ({}, {"trusted_only": True}, {"direction": "both"}, {"fan": "none"}):
        one, two = graph.activate(["n1", 3], 50, **options), again.activate(["n1", 3], 50, **options)
        assert one.nodes == two.nodes
        assert one.scores.tobytes() == two.scores.tobytes()
    graph.link("another", "n1", "r9")
    again.link("another", "n1", "r9")
    assert again.nodes() == graph.nodes()
    assert [file.name for file in tmp_path.iterdir()] == ["graph"]
    Graph().save(path)
    assert Graph.load(path).nodes() == []


def test_damage_is_an_error(tmp_path: Path) -> None:
    path, other = tmp_path / "whole", tmp_path / "damaged"
    some(150).save(path)
    whole = path.read_bytes()
    for at in [*range(100), *range(100, len(whole), len(whole) // 150)]:
        damaged = bytearray(whole)
        damaged[at] ^= 1 << at % 8
        other.write_bytes(damaged)
        with pytest.raises((CorruptStore, NotAStore, FormatTooNew)):
            Graph.load(other)
        other.write_bytes(whole[:at])
        with pytest.raises((CorruptStore, NotAStore)):
            Graph.load(other)
    VectorIndex(3).save(other)
    with pytest.raises(NotAStore, match="not a saved index"):
        Graph.load(other)
    with pytest.raises(StoreMissing):
        Graph.load(tmp_path / "nowhere")


@pytest.mark.parametrize("send", [pickle.dumps, copy.copy, copy.deepcopy], ids=lambda send: send.__name__)
def test_a_graph_says_how_to_send_it(send) -> None:
    with pytest.raises(WrongType, match="save it to a file"):
        send(Graph())


def test_readers_beside_a_writer_see_whole_calls() -> None:
    graph = Graph()
    graph.add_nodes(np.arange(1_000))
    graph.link_many(np.arange(1_000), np.roll(np.arange(1_000), 1), "ring")
    failures: list[BaseException] = []
    done = threading.Event()

    def read() -> None:
        try:
            while not done.is_set():
                assert graph.stats()["edges"] % 100 == 0
                found = graph.activate([3, 500], 10)
                assert len(found.nodes) == 10
                assert (np.diff(found.scores) <= 0).all()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    random = np.random.default_rng(5)
    for at in range(50):
        graph.link_many(np.arange(100), np.arange(100) + 10 * at + 1, f"r{at}", weight=random.random(100) + 1)
    done.set()
    for thread in threads:
        thread.join()
    assert not failures
    assert graph.stats()["edges"] == 6_000


def test_a_long_call_is_interrupted_and_changes_nothing(interrupted: Callable[[float], None]) -> None:
    random = np.random.default_rng(6)
    nodes = 200_000
    graph = Graph()
    graph.add_nodes(np.arange(nodes))
    ends = random.integers(0, nodes, (2, 1_000_000))
    graph.link_many(ends[0], ends[1], "r")
    queries = [[int(x)] for x in ends[0, :50_000]]
    for call in (
        lambda: graph.activate_many(queries, epsilon=1e-7),
        lambda: graph.communities("modularity"),
    ):
        start = time.monotonic()
        interrupted(0.3)
        with pytest.raises(KeyboardInterrupt):
            call()
        assert time.monotonic() - start < 5
    assert graph.activate([1], 5).complete
