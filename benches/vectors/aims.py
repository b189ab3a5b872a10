"""What recollect should reach, beside what the rows show; printed, never asserted."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benches.readme import table
from benches.vectors import agent_mix, one_at_a_time, pauses
from benches.vectors.catalogue import OURS
from benches.vectors.row import VectorRow
from benches.vectors.static_search import LSH, SEARCH

_DIM = 384
_SHARES = {10_000: (0.55, 0.40), 100_000: (0.65, 0.55), 1_000_000: (0.80, 0.80)}
_RECALLS = (0.95, 0.99)
_NOISE = 0.002
"""Recalls this close count as equal."""


@dataclass(frozen=True, slots=True)
class Aim:
    """A figure, what it should be, what it is, and what that was found from."""

    name: str
    wanted: float
    at_least: bool
    found: float | None
    source: str = ""

    @property
    def verdict(self) -> str:
        """Whether it is reached."""
        if self.found is None:
            return "not measured"
        reached = self.found >= self.wanted if self.at_least else self.found <= self.wanted
        return "reached" if reached else "missed"


def aims(rows: Iterable[VectorRow]) -> list[Aim]:
    """Return every aim with what the rows say about it."""
    good = [row for row in rows if row.failed is None and row.dim == _DIM]
    return [*_searches(good), *_buildings(good), *_pauses(good), *_mixes(good), *_lsh(good)]


def aims_table(rows: Iterable[VectorRow]) -> str:
    """Return the aims as a table."""
    lines = [
        [
            one.name,
            f"{'at least' if one.at_least else 'at most'} {one.wanted:,g}",
            "-" if one.found is None else f"{one.found:,.2f}",
            one.verdict,
            one.source,
        ]
        for one in aims(rows)
    ]
    return table(["aim", "wanted", "measured", "", "from"], lines)


def _searches(rows: Sequence[VectorRow]) -> list[Aim]:
    made = []
    for size, shares in _SHARES.items():
        for recall, share in zip(_RECALLS, shares, strict=True):
            at = [row for row in rows if row.work == SEARCH and _near(row.n, size) and row.aim == recall]
            ours = _fastest(row for row in at if row.engine.startswith(OURS))
            peer = _fastest(row for row in at if row.hnsw)
            found, source = _ratio(ours, peer)
            name = f"search of {size:,}, recall {recall:g}: share of the fastest HNSW's p50"
            made.append(Aim(name, share, False, found, source))
    return made


def _buildings(rows: Sequence[VectorRow]) -> list[Aim]:
    singly = _named(row for row in rows if row.work == one_at_a_time.WORK and _near(row.n, 100_000))
    million = _named(row for row in rows if row.work == SEARCH and _near(row.n, 1_000_000))
    return [
        Aim("building 100,000, one a call: seconds", 2, False, singly and singly.build_s),
        Aim("building 1,000,000 at once: seconds", 15, False, million and million.build_s),
    ]


def _pauses(rows: Sequence[VectorRow]) -> list[Aim]:
    million = _named(row for row in rows if row.work == pauses.WORK and _near(row.n, 1_000_000))
    return [Aim("longest of 1,000,000 inserts, one a call: ms", 5, False, million and million.longest_ms)]


def _mixes(rows: Sequence[VectorRow]) -> list[Aim]:
    mixed = [row for row in rows if row.work == agent_mix.WORK]
    ours = [row for row in mixed if row.engine.startswith(OURS)]
    made = []
    for recall in _RECALLS:
        peers = [row for row in mixed if row.aim == recall and not row.engine.startswith(OURS)]
        best = max(peers, key=lambda row: row.ops_per_s or 0, default=None)
        equal = [row for row in ours if best and (row.recall or 0) >= (best.recall or 0) - _NOISE]
        mine = max(equal, key=lambda row: row.ops_per_s or 0, default=None)
        found = source = None
        if best and mine and best.ops_per_s and mine.ops_per_s:
            found = mine.ops_per_s / best.ops_per_s
            source = f"{mine.engine} ({mine.recall:.3f}), {best.engine} ({best.recall:.3f})"
        name = f"agent mix, recall {recall:g}: times the operations a second of the best peer"
        made.append(Aim(name, 4, True, found, source or ""))
    slowest = [
        value
        for row in ours
        if row.engine == OURS and row.aim in _RECALLS
        for value in (row.p99_us, row.insert_p99_us, row.delete_p99_us)
        if value is not None
    ]
    returned = [row.deleted_returned for row in ours if row.deleted_returned is not None]
    made.append(
        Aim(
            "agent mix: slowest p99 of a kind of call, ms",
            0.5,
            False,
            max(slowest) / 1e3 if slowest else None,
        )
    )
    made.append(
        Aim("agent mix: deleted vectors returned", 0, False, float(sum(returned)) if returned else None)
    )
    return made


def _lsh(rows: Sequence[VectorRow]) -> list[Aim]:
    made = []
    for recall in _RECALLS:
        at = [row for row in rows if row.work == LSH and row.aim == recall]
        ours = _fastest(row for row in at if row.engine.startswith(OURS))
        peer = _fastest(row for row in at if not row.engine.startswith(OURS))
        found, source = _ratio(peer, ours)
        name = f"LSH on 100,000, recall {recall:g}: times faster than the best of faiss"
        made.append(Aim(name, 2, True, found, source))
    return made


def _near(count: int, size: int) -> bool:
    """Whether a size stands for a round one, as the sets hold a little less than 100,000 texts."""
    return 0.9 * size <= count <= 1.1 * size


def _fastest(rows: Iterable[VectorRow]) -> VectorRow | None:
    return min((row for row in rows if row.p50_us is not None), key=lambda row: row.p50_us or 0, default=None)


def _named(rows: Iterable[VectorRow]) -> VectorRow | None:
    return next((row for row in rows if row.engine == OURS), None)


def _ratio(above: VectorRow | None, below: VectorRow | None) -> tuple[float | None, str]:
    if above is None or below is None or not above.p50_us or not below.p50_us:
        return None, ""
    shown = (f"{row.engine} {row.p50_us:,.0f} us ({row.recall:.3f})" for row in (above, below))
    return above.p50_us / below.p50_us, ", ".join(shown)
