"""Which works are measured on which sizes, and in which order."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benches.vectors.agent_mix import WORK as MIX
from benches.vectors.agent_mix import agent_mix, spare_for
from benches.vectors.catalogue import ENTRIES, HUNDRED_THOUSAND, Entry
from benches.vectors.contender import reason
from benches.vectors.data.source import Source
from benches.vectors.one_at_a_time import WORK as SINGLY
from benches.vectors.one_at_a_time import one_at_a_time
from benches.vectors.pauses import WORK as PAUSES
from benches.vectors.pauses import pauses
from benches.vectors.row import VectorRow
from benches.vectors.static_search import LSH, SEARCH, static_search
from benches.vectors.trial import why_not

WORKS = ("search", "lsh", "build", "mix", "pauses")
MAIN_DIM = 384
_WRITING_GRAPHS = 100
"""`ef_construction` where writes are timed; graphs that are only searched are built with more care."""

Work = Callable[[], list[VectorRow]]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured.

    Parameters
    ----------
    only
        Names of works.
    sizes, dims
        Of the static search; the other works take the largest size up to 100,000 at the main dimension,
        the pauses the largest of all.
    engines
        Parts of names; none for all engines.
    rounds
        Of which the median counts.
    seconds
        The most that an engine's inserts may take in all; ten times as long for the pauses, and a tenth for a
        block of the mix.
    budget
        Seconds after which no further work begins.
    """

    only: Sequence[str]
    sizes: Sequence[int]
    dims: Sequence[int]
    engines: Sequence[str]
    rounds: int
    seconds: float
    budget: float

    def measured(self, source: Source, folder: Path) -> list[VectorRow]:
        """Return the rows of all works; what there was no time for is among them, with the reason."""
        end = time.perf_counter() + self.budget
        rows: list[VectorRow] = []
        able: list[Entry] = []
        for entry in self._named():
            if (why := why_not(entry)) is None:
                able.append(entry)
            else:
                rows.append(VectorRow("all works", entry.name, 0, failed=why))
        for name, size, dim, work in self._works(able, source, folder):
            if time.perf_counter() > end:
                rows.append(VectorRow(name, "all engines", size, dim, failed="no time was left"))
                continue
            start = time.perf_counter()
            try:
                rows += work()
            except ValueError as error:  # the data does not do for it
                rows.append(VectorRow(name, "all engines", size, dim, failed=reason(error)))
            print(f"  took {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)
        return rows

    def _named(self) -> list[Entry]:
        return [
            entry
            for entry in ENTRIES
            if not self.engines or any(part.lower() in entry.name.lower() for part in self.engines)
        ]

    def _works(
        self, able: Sequence[Entry], source: Source, folder: Path
    ) -> Iterator[tuple[str, int, int, Work]]:
        small = [size for size in self.sizes if size <= HUNDRED_THOUSAND]
        main = [MAIN_DIM] if MAIN_DIM in self.dims else []
        cells = [(size, dim) for dim in main for size in small]
        yield from self._searches(able, source, folder, cells)
        if small:
            yield from self._others(able, source, folder, max(small))
        cells = [(size, dim) for dim in main for size in self.sizes if size not in small]
        cells += [(size, dim) for size in small for dim in self.dims if dim != MAIN_DIM]
        yield from self._searches(able, source, folder, cells)
        if main and "pauses" in self.only:
            part, size = [entry for entry in able if entry.pauses], max(self.sizes)

            def work() -> list[VectorRow]:
                return pauses(
                    part, source.vectors(size, MAIN_DIM), folder, 10 * self.seconds, _WRITING_GRAPHS
                )

            yield PAUSES, size, MAIN_DIM, work

    def _searches(
        self, able: Sequence[Entry], source: Source, folder: Path, cells: Sequence[tuple[int, int]]
    ) -> Iterator[tuple[str, int, int, Work]]:
        for size, dim in cells if "search" in self.only else ():
            part = [
                entry
                for entry in able
                if entry.search and size <= entry.most and (dim == MAIN_DIM or entry.every_dim)
            ]

            def work(part: Sequence[Entry] = part, size: int = size, dim: int = dim) -> list[VectorRow]:
                return static_search(SEARCH, part, source.vectors(size, dim), self.rounds, folder)

            yield SEARCH, size, dim, work

    def _others(
        self, able: Sequence[Entry], source: Source, folder: Path, size: int
    ) -> Iterator[tuple[str, int, int, Work]]:
        mixed = [entry for entry in able if entry.mix]
        works: dict[str, tuple[str, Work]] = {
            "lsh": (
                LSH,
                lambda: static_search(
                    LSH,
                    [entry for entry in able if entry.lsh],
                    source.vectors(size, MAIN_DIM),
                    self.rounds,
                    folder,
                ),
            ),
            "build": (
                SINGLY,
                lambda: one_at_a_time(
                    mixed, source.vectors(size, MAIN_DIM), folder, self.seconds, _WRITING_GRAPHS
                ),
            ),
            "mix": (
                MIX,
                lambda: agent_mix(
                    mixed,
                    source.vectors(size + spare_for(self.rounds), MAIN_DIM),
                    self.rounds,
                    folder,
                    self.seconds / 10,
                    _WRITING_GRAPHS,
                ),
            ),
        }
        for key, (name, work) in works.items():
            if key in self.only:
                yield name, size, MAIN_DIM, work
