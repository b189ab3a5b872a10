"""All libraries on one graph, asked in turns."""

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from benches.graph.edge_set import EdgeSet, Ids
from benches.graph.peers import Igraph, Networkx, ScipyPower, ScipyPowerSingle
from benches.graph.ranker import K, Ranker, Scores, best_of
from benches.graph.recollect_graph import EPSILONS, Recollect
from benches.graph.row import GraphRow
from benches.latency.interleaved import Contestant, interleaved, took

_SEEDS = 10
_RANKERS: Sequence[type[Ranker]] = (Recollect, Igraph, ScipyPower, ScipyPowerSingle, Networkx)
_INSERTS, _INSERT_SECONDS = 100_000, 3.0
_NEAR = 1e-3


@dataclass(frozen=True, slots=True)
class Truth:
    """The scores of all nodes for each set of seeds, by power iteration in float64 to the last digits."""

    seeds: list[list[int]]
    scores: list[Scores]

    def agreement(self, ask: Callable[[Sequence[int]], Ids]) -> tuple[float, float]:
        """Return the share of the best that is found, and with scores within a thousandth as good."""
        same, tied = [], []
        for seeds, scores in zip(self.seeds, self.scores, strict=True):
            best, found = best_of(scores), ask(seeds)
            same.append(len(set(best.tolist()) & set(found.tolist())) / K)
            tied.append((scores[found] >= scores[best].min() * (1 - _NEAR)).sum() / K)
        return float(np.mean(same)), float(np.mean(tied))


def truth_of(edges: EdgeSet, queries: int) -> Truth:
    """Return so many sets of ten seeds with their truth."""
    random = np.random.default_rng(5)
    connected = np.unique(edges.src)
    seeds = [random.choice(connected, _SEEDS, replace=False).tolist() for _ in range(queries)]
    oracle = ScipyPower(edges)
    return Truth(seeds, [oracle.scores(one, 1e-15) for one in seeds])


def measured(edges: EdgeSet, queries: int, rounds: int) -> list[GraphRow]:
    """Return the rows of a graph."""
    print(f"{edges.name}: {edges.nodes:,} nodes, {len(edges.src):,} edges", file=sys.stderr, flush=True)
    truth = truth_of(edges, queries)
    able = [one for one in _RANKERS if one.most_edges is None or len(edges.src) <= one.most_edges]
    built: dict[str, tuple[Ranker, float]] = {}
    for kind in able:
        start = time.perf_counter()
        built[kind.name] = (kind(edges), time.perf_counter() - start)
    asks: dict[str, tuple[str, Callable[[Sequence[int]], Ids]]] = {}
    for name, (ranker, _) in built.items():
        if isinstance(ranker, Recollect):
            for epsilon in EPSILONS:
                asks[f"recollect, epsilon {epsilon:.0e}"] = (name, _at(ranker, epsilon))
        else:
            asks[name] = (name, ranker.best)
    contestants = [
        Contestant(engine, lambda number, ask=ask: ask(truth.seeds[number]))
        for engine, (_, ask) in asks.items()
    ]
    times = interleaved(contestants, queries, rounds)
    agreements = {engine: truth.agreement(ask) for engine, (_, ask) in asks.items()}
    memory = {name: ranker.bytes_per_edge() for name, (ranker, _) in built.items()}
    inserts = {name: _inserted(ranker, edges) for name, (ranker, _) in built.items()}
    return [
        GraphRow(
            graph=edges.name,
            nodes=edges.nodes,
            edges=len(edges.src),
            engine=engine,
            p50_ms=times[engine].p50_us / 1e3,
            p95_ms=times[engine].p95_us / 1e3,
            agreement=agreements[engine][0],
            tied=agreements[engine][1],
            build_s=built[name][1],
            bytes_per_edge=memory[name],
            insert_us=inserts[name][0],
            insert_p99_us=inserts[name][1],
        )
        for engine, (name, _) in asks.items()
    ]


def _at(ranker: Recollect, epsilon: float) -> Callable[[Sequence[int]], Ids]:
    return lambda seeds: ranker.at(epsilon, seeds)


def _inserted(ranker: Ranker, edges: EdgeSet) -> tuple[float | None, float | None]:
    """Return the median and 99th per cent of single inserts in microseconds, some seconds of them."""
    random = np.random.default_rng(9)
    ends = edges.dst[random.integers(0, len(edges.dst), (_INSERTS, 2))].tolist()
    times: list[float] = []
    end = time.perf_counter() + _INSERT_SECONDS
    for src, dst in ends:
        try:
            times.append(took(ranker.insert, src, dst))
        except NotImplementedError:
            return None, None
        if time.perf_counter() > end and len(times) >= 3:
            break
    return float(np.median(times)), float(np.percentile(times, 99))
