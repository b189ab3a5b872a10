"""An engine that is built and tuned, ready to be timed."""

import shutil
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benches.latency.building import built
from benches.vectors.catalogue import Entry
from benches.vectors.data.vector_set import VectorSet
from benches.vectors.engine import Engine, Ids, Place, Point
from benches.vectors.exact import K
from benches.vectors.operating_points import Choice, choices, measured

AIMS = (0.95, 0.99)
"""The recalls that operating points are chosen for."""

THREADS = 2
"""Of a building and of a call for many queries; a search has one."""

LESS = "no setting reaches it on both halves of the queries"

_EXACT_SECONDS, _EXACT_LEAST = 3.0, 20


@dataclass(slots=True)
class Contender:
    """An engine with what its building took and the settings chosen for it."""

    entry: Entry
    engine: Engine
    chosen: list[Choice]
    build_s: float
    bytes_per_item: float
    set_to: Point | None = None

    def use(self, point: Point) -> None:
        """Set the operating point, if it is not set already."""
        if self.set_to is not point:
            self.engine.use(point)
            self.set_to = point

    def asking(self, point: Point, vectors: VectorSet) -> Callable[[int], Ids]:
        """Return what answers the query of a number at an operating point."""
        queries, search, use = list(vectors.asked.queries), self.engine.search, self.use

        def ask(at: int) -> Ids:
            use(point)
            return search(queries[at], K)

        return ask

    def close(self) -> None:
        """Free what it takes, files included."""
        self.engine.close()
        if self.engine.path is not None:
            shutil.rmtree(self.engine.path, ignore_errors=True)


def contender(entry: Entry, vectors: VectorSet, place: Place, aims: Sequence[float] = AIMS) -> Contender:
    """Return the engine with all vectors in it, tuned for each aim."""
    print(f"  {entry.name}", file=sys.stderr, flush=True)
    engine = entry.make(place)
    count = len(vectors.base)
    _, seconds, size = built(lambda: engine.build(vectors.base, THREADS), count, engine.path)
    chosen = choices(engine, vectors, aims)
    for point in engine.exact_points:
        found = measured(engine, point, vectors.asked, _EXACT_SECONDS, _EXACT_LEAST)
        chosen.append(Choice(1.0, found, True))
    return Contender(entry, engine, chosen, seconds, size)


def place_of(entry: Entry, dim: int, capacity: int, folder: Path, ef_construction: int = 200) -> Place:
    """Return a place with a folder of its own."""
    own = folder / f"{entry.name.replace(' ', '-').replace(',', '')}-{time.monotonic_ns()}"
    own.mkdir()
    return Place(dim, capacity, own, ef_construction)


def reason(error: Exception) -> str:
    """Return an error as one short line."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:160]
