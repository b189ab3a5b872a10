"""Activation of many sets of seeds at once, by power iteration over the edges of a graph.

>>> import recollect
>>> from recollect import gpu
>>> graph = recollect.Graph()
>>> graph.link_many(["Tom", "Ilse", "harbour office"], ["Ilse", "harbour office", "harbour"], "leads to").new
3
>>> spread = gpu.Spreading(graph)
>>> [found.nodes for found in spread.activate_many([["Tom"], ["Ilse"]], k=2)]
[['Tom', 'Ilse'], ['Ilse', 'harbour office']]
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from recollect.checks import count_of, number_of
from recollect.errors import InvalidArgument, UnknownMemory
from recollect.gpu.device import Array, Cuda, Device, Kernel
from recollect.gpu.edges import Edges, edges_of
from recollect.gpu.frames import backend_for
from recollect.gpu.selection import MOST, best_keys, unpacked
from recollect.graph import Graph
from recollect.graph_arguments import Seeds, seeds_of
from recollect.graph_results import NodeId

__all__ = ["Found", "Spreading", "Steps", "activation_in_numpy", "activation_on", "rounds_of"]

_HUB, _HUB_WARPS, _WARPS, _PARTS, _LANES = 1024, 16, 8, 64, 32
_TOLERANCE = 1e-8
Seeded = list[tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]]


@dataclass(frozen=True, slots=True)
class Found:
    """The nodes that one set of seeds activates most, and their scores, float32 ``[m]``."""

    nodes: list[NodeId]
    scores: npt.NDArray[np.float32]


class Spreading:
    """The edges of a graph as they were, on a device, for many questions at once.

    Scores are those of :meth:`recollect.Graph.activate_exactly` to 1e-6 of the whole activation.

    Parameters
    ----------
    graph
        A graph; what changes in it later is not seen. Reading its edges takes a call for each node.
    fan, strength, direction, relations, trusted_only
        As of :meth:`recollect.Graph.activate`.
    backend
        ``"cuda"``, or ``"numpy"``, which is the default.

    Raises
    ------
    GpuUnavailable
        If the GPU is asked for and there is none, or no CuPy.
    """

    def __init__(
        self,
        graph: Graph,
        *,
        fan: str = "degree",
        strength: float = 2.0,
        direction: str = "out",
        relations: Mapping[str, float] | Iterable[str] | None = None,
        trusted_only: bool = False,
        backend: str | None = None,
    ) -> None:
        edges, nodes = edges_of(graph, fan, strength, direction, relations, trusted_only)
        self._nodes: Sequence[NodeId] = nodes
        self._places = {node: at for at, node in enumerate(nodes)}
        self._edges = edges
        chosen, _ = backend_for(backend)
        self._steps = Steps(Cuda.current(), edges) if chosen == "cuda" else None

    def activate_many(
        self, queries: Sequence[Seeds], k: int = 10, *, restart: float = 0.5, hops: int = 3
    ) -> list[Found]:
        """Return the nodes that each set of seeds activates most, the strongest first.

        Parameters
        ----------
        queries
            Sets of seeds: ids, or a mapping of ids to weights of at least 0; they are scaled to add up to 1.
        k
            Results at most; at most 2048 on a GPU.
        restart
            Probability of going back to the seeds at each step, above 0 and below 1.
        hops
            How far the fans ``"log"`` and ``"none"`` go.

        Raises
        ------
        UnknownMemory
            If a seed is not in the graph (also a ``KeyError``).
        InvalidArgument
            If an argument is out of its domain, or no seed of a set counts.
        """
        k, hops = count_of(k, "k", 1), count_of(hops, "hops")
        chance = number_of(restart, "restart")
        if not 0 < chance < 1:
            raise InvalidArgument(f"restart: expected a number above 0 and below 1, found {chance}")
        seeded = [self._seeded(seeds, f"queries[{at}]") for at, seeds in enumerate(queries)]
        if not seeded:
            return []
        if self._steps is None:
            state = activation_in_numpy(self._edges, seeded, chance, hops)
            places = np.argsort(-state, axis=1, kind="stable")[:, :k]
            scores = np.take_along_axis(state, places, axis=1)
        else:
            if k > MOST:
                raise InvalidArgument(f"k: expected at most {MOST} on a GPU, found {k}")
            device = self._steps.device
            state = activation_on(self._steps, seeded, chance, hops)
            keys = best_keys(device, state, min(k, self._edges.nodes))
            places, scores = (one.get() for one in unpacked(device, keys))
        return [self._found(*pair) for pair in zip(places, scores, strict=True)]

    def _found(self, places: Array, scores: Array) -> Found:
        some = scores > 0
        return Found([self._nodes[int(at)] for at in places[some]], scores[some])

    def _seeded(self, seeds: Seeds, argument: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        weights: dict[int, float] = {}
        for node, weight in seeds_of(seeds, argument):
            if node not in self._places:
                raise UnknownMemory(f"{argument}: {node!r} is not in the graph")
            if not (weight >= 0 and math.isfinite(weight)):
                raise InvalidArgument(f"{argument}: expected weights of at least 0")
            if weight > 0:
                place = self._places[node]
                weights[place] = weights.get(place, 0.0) + weight
        places = np.fromiter(weights, dtype=np.int64, count=len(weights))
        values = np.fromiter(weights.values(), dtype=np.float64, count=len(weights))
        if self._edges.fan == "specificity":
            values = values / np.maximum(self._edges.degrees[places], 1)
        if not len(places) or not values.sum() > 0:
            raise InvalidArgument(f"{argument}: expected at least one that counts, with a weight above 0")
        return places, values / values.sum()


class Steps:
    """Edges on a device, and the nodes that need a kernel of their own."""

    def __init__(self, device: Device, edges: Edges) -> None:
        xp = device.xp
        self.device, self.edges = device, edges
        self.offsets, self.sources, self.shares = map(
            xp.asarray, (edges.offsets, edges.sources, edges.shares)
        )
        self.hubs = xp.asarray(np.flatnonzero(_lengths(edges) > _HUB).astype(np.uint32))
        self.ends = xp.asarray(np.flatnonzero(edges.degrees == 0).astype(np.uint32))

    def step(self, state: Array, into: Array, everything: Array | None, factor: float) -> None:
        """Pass on what nodes have, times a factor."""
        nodes, width = state.shape
        rest = [self.offsets, self.sources, self.shares, state, into, everything, np.float32(factor)]
        wide = width % (4 * _LANES) == 0
        kernel = Kernel("activation", "spread_wide" if wide else "spread")
        grid = (-(-nodes // _WARPS), width // (4 * _LANES if wide else _LANES))
        self.device.launch(kernel, grid, 32 * _WARPS, [*rest, np.uint32(nodes), np.uint32(width)])
        if len(self.hubs):
            self.device.launch(
                Kernel("activation", "spread_hubs"), (len(self.hubs), width // _LANES), 32 * _HUB_WARPS,
                [self.hubs, *rest, np.uint32(width)],
            )  # fmt: skip


def activation_on(steps: Steps, seeded: Seeded, restart: float, hops: int) -> Array:
    """Return the activation of all nodes, float32 ``[q, nodes]`` on the device."""
    device, edges, xp = steps.device, steps.edges, steps.device.xp
    count, width = len(seeded), -(-len(seeded) // _LANES) * _LANES
    places = xp.asarray(np.concatenate([one for one, _ in seeded]).astype(np.uint32))
    weights = xp.asarray(np.concatenate([one for _, one in seeded]).astype(np.float32))
    owners = xp.asarray(np.repeat(np.arange(count), [len(one) for one, _ in seeded]).astype(np.uint32))
    state, other = (xp.zeros((edges.nodes, width), dtype=np.float32) for _ in range(2))
    state[places, owners] = weights
    if not edges.keeps_mass:
        everything = state.copy()
        for _ in range(hops):
            steps.step(state, other, everything, 1 - restart)
            state, other = other, state
        state = everything
    else:
        parts = xp.empty((_PARTS, width), dtype=np.float32) if len(steps.ends) else None
        for _ in range(rounds_of(restart)):
            if parts is not None:
                arguments = [steps.ends, np.uint32(len(steps.ends)), state, parts, np.uint32(width)]
                device.launch(Kernel("activation", "stranded"), (_PARTS, width // _LANES), _LANES, arguments)
            steps.step(state, other, None, 1 - restart)
            device.launch(
                Kernel("activation", "restart"), (-(-len(places) // 256),), 256,
                [places, owners, weights, np.uint32(len(places)), parts, other, np.float32(restart),
                 np.uint32(width)],
            )  # fmt: skip
            state, other = other, state
    return xp.ascontiguousarray(state[:, :count].T)


def activation_in_numpy(edges: Edges, seeded: Seeded, restart: float, hops: int) -> npt.NDArray[np.float32]:
    """Return what :func:`activation_on` does, a query at a time in float64."""
    into = np.repeat(np.arange(edges.nodes), _lengths(edges))
    shares, ends = edges.shares.astype(np.float64), edges.degrees == 0
    out = np.empty((len(seeded), edges.nodes), dtype=np.float32)
    for at, (places, weights) in enumerate(seeded):
        start: npt.NDArray[np.float64] = np.zeros(edges.nodes)
        start[places] = weights
        state: Any = start
        everything = start.copy()
        for _ in range(rounds_of(restart) if edges.keeps_mass else hops):
            coming = np.bincount(into, shares * state[edges.sources], minlength=edges.nodes)
            if edges.keeps_mass:
                state = restart * start + (1 - restart) * (coming + state[ends].sum() * start)
            else:
                state = (1 - restart) * coming
                everything += state
        out[at] = state if edges.keeps_mass else everything
    return out


def _lengths(edges: Edges) -> npt.NDArray[np.int64]:
    """Return how many edges come into each node."""
    found: npt.NDArray[np.int64] = np.diff(edges.offsets.astype(np.int64)).astype(np.int64)
    return found


def rounds_of(restart: float) -> int:
    """Return the steps after which what is still on its way is below the tolerance."""
    return max(1, math.ceil(math.log(_TOLERANCE) / math.log1p(-restart)))
