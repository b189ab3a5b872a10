"""Targets beside the ratios that were measured; printed, never asserted."""

from collections.abc import Iterable
from dataclasses import dataclass

from benches.latency import batch_add, durable_add, hybrid_recall, opening, rust_examples, vector_search
from benches.latency.row import Row
from benches.readme import table

_LARGE, _MEDIUM, _MILLION = 100_000, 10_000, 1_000_000


@dataclass(frozen=True, slots=True)
class Target:
    """A figure and what it should reach."""

    name: str
    wanted: float
    at_least: bool
    found: float | None

    @property
    def verdict(self) -> str:
        """Whether it is reached."""
        if self.found is None:
            return "not measured"
        reached = self.found >= self.wanted if self.at_least else self.found <= self.wanted
        return "reached" if reached else "missed"


def targets(rows: Iterable[Row]) -> list[Target]:
    """Return every target with what the rows say about it."""
    found = {(row.work, row.engine, row.n): row for row in rows}

    def p50(work: str, engine: str, count: int) -> float | None:
        row = found.get((work, engine, count))
        return row and row.p50_us

    def rate(work: str, engine: str, count: int) -> float | None:
        row = found.get((work, engine, count))
        return row and row.ops_per_s

    read, f32, int8 = (
        p50(rust_examples.SCAN, engine, _LARGE)
        for engine in (rust_examples.READ, rust_examples.F32, rust_examples.INT8)
    )
    flat = p50(vector_search.WORK, "faiss flat", _LARGE)
    hybrid = p50(hybrid_recall.WORK, "recollect, memory", _MEDIUM)
    hybrid_flat = p50(hybrid_recall.WORK, "faiss flat, vectors alone", _MEDIUM)
    natural = p50(rust_examples.WORDS, "recollect, natural queries", _MILLION)
    add = p50(durable_add.WORK, "recollect", 1)
    payload, written = (
        p50(durable_add.WORK, f"pwrite + fdatasync of {what}", 1)
        for what in ("text and vector", "as many bytes as recollect writes")
    )
    listed = [
        Target("f32 scan of 100,000: share of one thread's read bandwidth", 0.8, True, _ratio(read, f32)),
        Target("f32 scan of 100,000: times faster than faiss flat", 1.3, True, _ratio(flat, f32)),
        Target("int8 scan of 100,000 with recall 1.000: times faster than f32", 3, True, _ratio(f32, int8)),
        Target("hybrid recall of 10,000: share of faiss's time", 0.5, False, _ratio(hybrid, hybrid_flat)),
        Target("words of 1,000,000 texts, natural queries, p50 in ms", 0.5, False, _ratio(natural, 1000)),
        Target(
            "batch add in memory, records a second",
            100_000,
            True,
            rate(batch_add.WORDS, "recollect, memory", _LARGE),
        ),
        Target("durable add: times fdatasync of text and vector", 1.5, False, _ratio(add, payload)),
        Target("durable add: times fdatasync of as many bytes", 1.5, False, _ratio(add, written)),
    ]
    for what in ("without vectors", "with vectors"):
        work = f"{opening.WORK}, {what}"
        ratio = _ratio(p50(work, opening.REBUILDING, _LARGE), p50(work, opening.SEGMENTS, _LARGE))
        listed.append(Target(f"opening 100,000 {what}: times faster than building anew", 5, True, ratio))
    return listed


def target_table(rows: Iterable[Row]) -> str:
    """Return the targets as a table."""
    lines = [
        [
            one.name,
            f"{'at least' if one.at_least else 'at most'} {one.wanted:,g}",
            "-" if one.found is None else f"{one.found:,.2f}" if one.found < 1000 else f"{one.found:,.0f}",
            one.verdict,
        ]
        for one in targets(rows)
    ]
    return table(["target", "wanted", "measured", ""], lines)


def _ratio(above: float | None, below: float | None) -> float | None:
    return above / below if above and below else None
