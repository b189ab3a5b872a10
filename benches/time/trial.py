"""All engines on the same events or facts, asked in turns."""

import gc
import itertools
import sys
import time
from collections.abc import Callable

import numpy as np

from benches.latency.interleaved import Contestant, interleaved
from benches.time.engine import STEP, Engine, Ids
from benches.time.engines import ENGINES
from benches.time.fact_engines import FACT_ENGINES, Claims, FactEngine
from benches.time.row import TimeRow

ANSWERS = 100
_APPENDS = 100
APPEND, RANGE, AS_OF = "append, in order", f"range of {ANSWERS} events", "as-of lookup of a fact"


def events(count: int, queries: int, rounds: int) -> list[TimeRow]:
    """Return the rows of so many events."""
    print(f"{count:,} events", file=sys.stderr, flush=True)
    base = 1_700_000_000_000_000
    times = base + np.arange(count) * STEP
    random = np.random.default_rng(5)
    starts = base + random.integers(0, count - ANSWERS, queries) * STEP
    engines: dict[str, tuple[Engine, float]] = {}
    for kind in ENGINES:
        if kind.most is None or count <= kind.most:
            begin = time.perf_counter()
            engines[kind.name] = (kind(times), time.perf_counter() - begin)
    gc.collect()
    bounds = [(int(start), int(start) + ANSWERS * STEP) for start in starts]
    truth = [np.arange((start - base) // STEP, (end - base) // STEP) for start, end in bounds]
    asks = [Contestant(name, _range(engine, bounds)) for name, (engine, _) in engines.items()]
    found = interleaved(asks, queries, rounds)
    right = {
        name: float(
            np.mean([_same(engine.between(*bound), true) for bound, true in zip(bounds, truth, strict=True)])
        )
        for name, (engine, _) in engines.items()
    }
    memory = {name: engine.bytes_per_event() for name, (engine, _) in engines.items()}
    growing = [name for name, (engine, _) in engines.items() if type(engine).append is not Engine.append]
    appends = [Contestant(name, _append(engines[name][0], count, base)) for name in growing]
    took = interleaved(appends, _APPENDS, rounds)
    rows = []
    for work, times_of in ((APPEND, took), (RANGE, found)):
        for name, one in times_of.items():
            rows.append(
                TimeRow(
                    work=work,
                    items=count,
                    engine=name,
                    p50_us=one.p50_us,
                    p95_us=one.p95_us,
                    agreement=right[name],
                    build_s=engines[name][1],
                    bytes_per_item=memory[name],
                )
            )
    return rows


def facts(count: int, queries: int, rounds: int) -> list[TimeRow]:
    """Return the rows of so many claims."""
    print(f"{count:,} facts", file=sys.stderr, flush=True)
    claims = Claims.made(count)
    random = np.random.default_rng(7)
    engines: dict[str, tuple[FactEngine, float]] = {}
    for kind in FACT_ENGINES:
        begin = time.perf_counter()
        engines[kind.name] = (kind(claims), time.perf_counter() - begin)
    gc.collect()
    moments = random.integers(0, count, (queries, 2)) * STEP
    asked = [
        (f"subject {claims.subjects[int(at)]}", int(valid), int(known))
        for at, (valid, known) in zip(random.integers(0, count, queries), moments, strict=True)
    ]
    truth = [_believed(claims, *question) for question in asked]
    asks = [Contestant(name, _value(engine, asked)) for name, (engine, _) in engines.items()]
    found = interleaved(asks, queries, rounds)
    return [
        TimeRow(
            work=AS_OF,
            items=count,
            engine=name,
            p50_us=found[name].p50_us,
            p95_us=found[name].p95_us,
            agreement=float(
                np.mean([engine.value(*one) == true for one, true in zip(asked, truth, strict=True)])
            ),
            build_s=built,
        )
        for name, (engine, built) in engines.items()
    ]


def _believed(claims: Claims, subject: str, valid: int, known: int) -> str | None:
    """Return the last claim that was known then and held then."""
    number = int(subject.removeprefix("subject "))
    mine = np.flatnonzero((claims.subjects == number) & (claims.times <= min(valid, known)))
    return f"object {mine[-1] % 1000}" if len(mine) else None


def _same(found: Ids | list[int], true: Ids) -> bool:
    return np.array_equal(np.asarray(found), true)


def _range(engine: Engine, bounds: list[tuple[int, int]]) -> Callable[[int], object]:
    return lambda number: engine.between(*bounds[number])


def _append(engine: Engine, count: int, base: int) -> Callable[[int], object]:
    following = itertools.count(count)

    def append(number: int) -> None:
        at = next(following)
        engine.append(base + at * STEP, at)

    return append


def _value(engine: FactEngine, asked: list[tuple[str, int, int]]) -> Callable[[int], object]:
    return lambda number: engine.value(*asked[number])
