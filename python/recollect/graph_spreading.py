"""Activation that spreads over a graph."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from recollect.checks import count_of, number_of, one_of, text_of
from recollect.errors import InvalidArgument, WrongType
from recollect.graph_arguments import Seeds, seeds_of
from recollect.graph_results import Activation, Evoked, NodeId
from recollect.graph_walks import DIRECTIONS, Walks
from recollect.times import Time, to_micros

__all__ = ["FANS", "Spreading"]

FANS = ("degree", "specificity", "log", "none")
"""How the number of edges of a node weakens what it passes on."""

_Spread: TypeAlias = tuple[int, float, float, str, float, int, str]
_Which: TypeAlias = tuple[list[tuple[str, float]] | None, bool, int | None, int | None]
_Limits: TypeAlias = tuple[int | None, float, int, bool]


class Spreading(Walks):
    """What passes activation on along edges."""

    __slots__ = ()

    def activate(
        self,
        seeds: Seeds,
        k: int = 10,
        *,
        restart: float = 0.5,
        epsilon: float = 1e-5,
        fan: str = "degree",
        strength: float = 2.0,
        hops: int = 3,
        direction: str = "out",
        relations: Mapping[str, float] | Sequence[str] | None = None,
        trusted_only: bool = False,
        since: Time | None = None,
        until: Time | None = None,
        max_edges: int | None = None,
        max_microseconds: int | None = None,
        inhibition: float = 0.0,
        inhibitors: int = 7,
        include_seeds: bool = True,
    ) -> Activation:
        """Return the nodes that seeds activate most.

        Parameters
        ----------
        seeds
            Ids, or a mapping of ids to weights of at least 0; they are scaled to add up to 1.
        k
            Results at most.
        restart
            Probability of going back to the seeds at each step, above 0 and below 1; others call one minus
            this "damping".
        epsilon
            A node passes on what it holds once that is above `epsilon` times the number of its edges. Smaller
            is more exact and slower: 1e-4 is coarse, 1e-7 is exact for most purposes.
        fan, strength
            See the table of the module; `strength` is that of ``"log"``.
        hops
            How far ``"log"`` and ``"none"`` go.
        direction
            ``"out"``, ``"in"`` or ``"both"``. Other ways than out are slower.
        relations
            Names of the relations that are followed, or a mapping of them to factors of the weights.
        trusted_only
            Only trusted edges between trusted nodes count; others then change nothing, bit for bit.
        since, until
            Only edges of ``since <= time < until``.
        max_edges, max_microseconds
            Budgets. What is found until then is returned, with ``complete`` False; with a budget of time the
            answer depends on the machine.
        inhibition, inhibitors
            Lateral inhibition: each of so many strongest nodes takes from every weaker one this share of
            their difference. The order stays, and who is left with nothing is no result.
        include_seeds
            Whether seeds may be results.

        Returns
        -------
        Activation
            Nodes, scores, and a certificate of what may be missing.

        Raises
        ------
        UnknownMemory
            If a seed is not in the graph (also a ``KeyError``).
        InvalidArgument
            If an argument is out of its domain, or no seed counts.
        """
        time = None if max_microseconds is None else count_of(max_microseconds, "max_microseconds")
        row = self._native.activate(
            seeds_of(seeds),
            _spread(k, restart, epsilon, fan, strength, hops, direction),
            _which(relations, trusted_only, since, until),
            _limits(max_edges, inhibition, inhibitors, include_seeds),
            None if time is None else min(time, 1 << 62),
        )
        return Activation(*row)

    def activate_many(
        self,
        queries: Sequence[Seeds],
        k: int = 10,
        *,
        restart: float = 0.5,
        epsilon: float = 1e-5,
        fan: str = "degree",
        strength: float = 2.0,
        hops: int = 3,
        direction: str = "out",
        relations: Mapping[str, float] | Sequence[str] | None = None,
        trusted_only: bool = False,
        since: Time | None = None,
        until: Time | None = None,
        max_edges: int | None = None,
        inhibition: float = 0.0,
        inhibitors: int = 7,
        include_seeds: bool = True,
        threads: int | None = None,
    ) -> list[Activation]:
        """Return what :meth:`activate` does for each set of seeds, on several threads (a core each)."""
        rows = self._native.activate_many(
            [seeds_of(seeds, f"queries[{at}]") for at, seeds in enumerate(queries)],
            _spread(k, restart, epsilon, fan, strength, hops, direction),
            _which(relations, trusted_only, since, until),
            _limits(max_edges, inhibition, inhibitors, include_seeds),
            None if threads is None else count_of(threads, "threads", 1),
        )
        return [Activation(*row) for row in rows]

    def activate_exactly(
        self,
        seeds: Seeds,
        *,
        restart: float = 0.5,
        fan: str = "degree",
        strength: float = 2.0,
        hops: int = 3,
        direction: str = "out",
        relations: Mapping[str, float] | Sequence[str] | None = None,
        trusted_only: bool = False,
        since: Time | None = None,
        until: Time | None = None,
    ) -> tuple[list[NodeId], npt.NDArray[np.float64]]:
        """Return all nodes and their activation, by dense iteration in float64: slow, to compare with."""
        return self._native.activate_exactly(
            seeds_of(seeds),
            _spread(1, restart, 1e-5, fan, strength, hops, direction),
            _which(relations, trusted_only, since, until),
        )

    def evoke(
        self,
        seeds: Seeds,
        hops: Sequence[Mapping[str, int] | Sequence[tuple[str, str, int]]],
        *,
        hop_factor: float = 0.85,
        trusted_only: bool = False,
    ) -> list[Evoked]:
        """Return what seeds evoke by a table of typed hops, the strongest first, seeds included.

        Parameters
        ----------
        seeds
            Ids, which weigh 1, or a mapping of ids to activations; they are not scaled.
        hops
            For each hop the relations that are followed with how many of the strongest edges of a node:
            ``{"contains": 5}``, or ``[("contains", "in", 1)]`` with a direction.
        hop_factor
            A node gets the activation of the one before times the weight of the edge times this, by the best
            way that leads to it.
        trusted_only
            Only trusted edges between trusted nodes.
        """
        table = [_steps(steps, f"hops[{at}]") for at, steps in enumerate(hops)]
        found = self._native.evoke(seeds_of(seeds), table, number_of(hop_factor, "hop_factor"), trusted_only)
        return [Evoked(*row) for row in found]


def _steps(value: object, argument: str) -> list[tuple[str, str, int]]:
    if isinstance(value, Mapping):
        value = [(relation, "out", limit) for relation, limit in value.items()]
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise WrongType(
            f"{argument}: expected a mapping of relations to limits, found {type(value).__name__}"
        )
    steps = []
    for step in value:
        if not isinstance(step, Sequence) or isinstance(step, str) or len(step) != 3:
            raise InvalidArgument(f"{argument}: expected (relation, direction, limit)")
        relation, direction, limit = step
        steps.append(
            (
                text_of(relation, argument),
                one_of(direction, DIRECTIONS, argument),
                min(count_of(limit, argument, 1), 1 << 32),
            )
        )
    return steps


def _spread(
    k: object,
    restart: object,
    epsilon: object,
    fan: object,
    strength: object,
    hops: object,
    direction: object,
) -> _Spread:
    return (
        min(count_of(k, "k", 1), 1 << 31),
        number_of(restart, "restart"),
        number_of(epsilon, "epsilon"),
        one_of(fan, FANS, "fan"),
        number_of(strength, "strength"),
        min(count_of(hops, "hops"), (1 << 32) - 1),
        one_of(direction, DIRECTIONS, "direction"),
    )


def _which(relations: object, trusted_only: bool, since: Time | None, until: Time | None) -> _Which:
    factors = None
    if isinstance(relations, Mapping):
        factors = [(text_of(name, "relations"), number_of(x, "relations")) for name, x in relations.items()]
    elif relations is not None:
        if isinstance(relations, str) or not isinstance(relations, Sequence):
            raise WrongType(f"relations: expected names, found {type(relations).__name__}")
        factors = [(text_of(name, f"relations[{at}]"), 1.0) for at, name in enumerate(relations)]
    return (
        factors,
        bool(trusted_only),
        None if since is None else to_micros(since, "since"),
        None if until is None else to_micros(until, "until"),
    )


def _limits(max_edges: object, inhibition: object, inhibitors: object, include_seeds: bool) -> _Limits:
    return (
        None if max_edges is None else min(count_of(max_edges, "max_edges"), (1 << 64) - 1),
        number_of(inhibition, "inhibition"),
        min(count_of(inhibitors, "inhibitors"), 1 << 31),
        bool(include_seeds),
    )
