"""The fastest setting of an engine that reaches a recall, found on some queries and confirmed on others."""

import time
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from benches.latency.interleaved import took
from benches.vectors.data.vector_set import Asked, VectorSet
from benches.vectors.engine import Engine, Point
from benches.vectors.exact import K, overlap

_LEAST = 200
_SECONDS = 0.1
_CONFIRMING_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Measured:
    """A setting with the recall and the median time that it showed."""

    point: Point
    recall: float
    p50_us: float


@dataclass(frozen=True, slots=True)
class Choice:
    """The setting for an aim: reached, or the one that came nearest to it."""

    aim: float
    found: Measured
    reached: bool


def choices(engine: Engine, vectors: VectorSet, aims: Iterable[float]) -> list[Choice]:
    """Return for each aim the fastest setting that reaches it on both halves of the queries.

    Times come from the first half, the recall that is reported from the second.
    """
    swept = sorted(_swept(engine, vectors.choosing), key=lambda one: one.p50_us)
    confirmed: dict[int, Measured] = {}

    def confirm(at: int) -> Measured:
        if at not in confirmed:
            confirmed[at] = measured(engine, swept[at].point, vectors.asked, _CONFIRMING_SECONDS)
        return confirmed[at]

    made = []
    for aim in aims:
        able = (at for at, one in enumerate(swept) if one.recall >= aim and confirm(at).recall >= aim)
        at = next(able, None)
        if at is not None:
            made.append(Choice(aim, confirm(at), True))
        elif swept:
            best = max(range(len(swept)), key=lambda one: swept[one].recall)
            made.append(Choice(aim, confirm(best), False))
    return made


def _swept(engine: Engine, asked: Asked) -> list[Measured]:
    """Return every setting, its time the better of two passes, as something else may run during one."""
    passes = [[measured(engine, point, asked, _SECONDS) for point in engine.points] for _ in range(2)]
    return [min(pair, key=lambda one: one.p50_us) for pair in zip(*passes, strict=True)]


def measured(engine: Engine, point: Point, asked: Asked, seconds: float, least: int = _LEAST) -> Measured:
    """Return the recall and the median time of a setting, over as many queries as there is time for."""
    engine.use(point)
    engine.search(asked.queries[0], K)
    times, recalls = [], []
    end = time.perf_counter() + seconds
    for query, truth in zip(asked.queries, asked.truth, strict=True):
        times.append(took(lambda row=query: recalls.append(engine.search(row, K))))
        recalls[-1] = overlap(truth, recalls[-1])
        if len(times) >= least and time.perf_counter() > end:
            break
    return Measured(point, float(np.mean(recalls)), float(np.median(times)))
