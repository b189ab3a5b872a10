"""Engines asked in turns, so that a change of the machine's load falls on all of them."""

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

_BLOCK_SECONDS = 1.0
_LEAST, _MOST = 5, 100


@dataclass(frozen=True, slots=True)
class Contestant:
    """An engine that is ready to be asked.

    Parameters
    ----------
    engine
        Its name in the tables.
    ask
        Answers the query of a number.
    build_s
        How long the building took.
    bytes_per_item
        What it takes in memory or in its files.
    recall
        Of its answers, where they are compared.
    """

    engine: str
    ask: Callable[[int], Any]
    build_s: float | None = None
    bytes_per_item: float | None = None
    recall: float | None = None


@dataclass(frozen=True, slots=True)
class Times:
    """Microseconds: medians over the rounds of the median and of the 95th per cent of a round."""

    p50_us: float
    p95_us: float


def interleaved(contestants: Sequence[Contestant], queries: int, rounds: int) -> dict[str, Times]:
    """Return the times of each engine.

    Each has a block of queries a round, after two that only warm it up; who begins moves on with the rounds.
    An engine that is slow has fewer queries in its block, at least five.
    """
    blocks = {one.engine: _block(one, queries) for one in contestants}
    found: dict[str, list[tuple[float, float]]] = {one.engine: [] for one in contestants}
    for turn in range(rounds):
        print(f"  round {turn + 1} of {rounds}", file=sys.stderr, flush=True)
        for at in range(len(contestants)):
            one = contestants[(at + turn) % len(contestants)]
            for warm in range(2):
                one.ask((turn + warm) % queries)
            size = blocks[one.engine]
            times = [took(one.ask, (turn * size + ask) % queries) for ask in range(size)]
            p50, p95 = np.percentile(times, [50, 95])
            found[one.engine].append((float(p50), float(p95)))
    return {
        engine: Times(*(float(value) for value in np.median(times, axis=0)))
        for engine, times in found.items()
    }


def took(ask: Callable[..., Any], *arguments: object) -> float:
    """Return the microseconds of a call."""
    start = time.perf_counter_ns()
    ask(*arguments)
    return (time.perf_counter_ns() - start) / 1e3


def _block(one: Contestant, queries: int) -> int:
    one.ask(0)
    seconds = min(took(one.ask, at % queries) for at in range(3)) / 1e6
    return max(_LEAST, min(_MOST, int(_BLOCK_SECONDS / max(seconds, 1e-9))))
