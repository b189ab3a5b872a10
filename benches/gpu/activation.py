"""Activation of many sets of seeds on one graph, against products of sparse matrices."""

from collections.abc import Iterator

import numpy as np
import torch

from benches.gpu.row import GpuRow
from benches.gpu.timing import Call, milliseconds
from benches.graph.edge_set import power_law
from recollect.gpu.device import Cuda
from recollect.gpu.edges import Edges
from recollect.gpu.spreading import Steps, activation_in_numpy, activation_on, rounds_of

__all__ = ["rows_of"]

_SEEDS, _RESTART = 10, 0.5


def rows_of(nodes: int, edges: int, queries: int, rounds: int) -> Iterator[GpuRow]:
    """Yield the rows of a graph by a power law."""
    graph = power_law(nodes, edges)
    random = np.random.default_rng(5)
    spread = Edges.of(graph.src, graph.dst, nodes=graph.nodes)
    steps = Steps(Cuda.current(), spread)
    connected = np.unique(graph.src)
    seeded = [
        (random.choice(connected, _SEEDS, replace=False), np.full(_SEEDS, 1 / _SEEDS)) for _ in range(queries)
    ]
    found = activation_on(steps, seeded, _RESTART, 0)
    truth = activation_in_numpy(spread, seeded[:1], _RESTART, 0)
    off = float(np.abs(found[:1].get() - truth).max())
    assert off < 1e-6, f"activation is off by {off}"
    offsets, places, shares = (torch.from_numpy(x.astype(y)).cuda() for x, y in (
        (spread.offsets, np.int64), (spread.sources, np.int64), (spread.shares, np.float32)
    ))  # fmt: skip
    matrix = torch.sparse_csr_tensor(offsets, places, shares, (nodes, nodes))
    start = torch.zeros(nodes, queries, device="cuda")
    for at, (who, weights) in enumerate(seeded):
        start[torch.from_numpy(who).cuda(), at] = torch.from_numpy(weights.astype(np.float32)).cuda()

    def sparse(_: int) -> object:
        state = start
        for _ in range(rounds_of(_RESTART)):
            state = _RESTART * start + (1 - _RESTART) * (matrix @ state)
        return state

    near = float((sparse(0)[:, :1].T.cpu() - torch.from_numpy(truth)).abs().max())
    calls: dict[str, Call] = {
        "recollect": lambda _: activation_on(steps, seeded, _RESTART, 0),
        "sparse products (torch)": sparse,
    }
    for engine, took in milliseconds(calls, max(3, rounds // 3), 1).items():
        yield GpuRow(
            work="activation", engine=engine, form="f32", n=nodes, queries=queries, ms=took,
            remark=f"{len(graph.src):,} edges; off by {off if engine == 'recollect' else near:.1e} at most",
        )  # fmt: skip
