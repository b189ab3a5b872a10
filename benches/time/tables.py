"""Tables of the rows: one for each kind of work and size, the fastest first, and what should be reached."""

from collections.abc import Sequence

from benches.readme import table
from benches.time.row import SegmentRow, TimeRow
from benches.time.trial import APPEND, AS_OF, RANGE

_AIMS = {APPEND: 2.0, RANGE: 10.0, AS_OF: 2.0}


def markdown(rows: Sequence[TimeRow], segments: Sequence[SegmentRow]) -> str:
    """Return the aims, a table for each kind of work, and one of segmentation."""
    groups: dict[tuple[str, int], list[TimeRow]] = {}
    for row in rows:
        groups.setdefault((row.work, row.items), []).append(row)
    parts = [_aims(rows)] if rows else []
    for (work, items), group in groups.items():
        group.sort(key=lambda row: row.p50_us)
        head = ["engine", "p50 us", "p95 us", "agreement", "build s", "bytes/item"]
        lines = [
            [
                row.engine,
                f"{row.p50_us:,.2f}",
                f"{row.p95_us:,.2f}",
                _cell(row.agreement, "{:.3f}"),
                _cell(row.build_s, "{:,.2f}"),
                _cell(row.bytes_per_item, "{:.0f}"),
            ]
            for row in group
        ]
        parts.append(f"**{work}, {items:,}**\n\n{table(head, lines)}")
    if segments:
        head = ["method", "precision", "recall", "F1", "F1, one turn off", "us a turn"]
        lines = [
            [
                row.method,
                f"{row.precision:.3f}",
                f"{row.recall:.3f}",
                f"{row.f1:.3f}",
                f"{row.near_f1:.3f}",
                f"{row.us_per_item:.1f}",
            ]
            for row in segments
        ]
        parts.append(f"**Ends of sessions in LoCoMo, MiniLM vectors, no times**\n\n{table(head, lines)}")
    return "\n\n".join(parts)


def _aims(rows: Sequence[TimeRow]) -> str:
    lines = []
    for row in rows:
        if row.engine == "recollect" and row.work in _AIMS:
            most = _AIMS[row.work]
            verdict = "reached" if row.p50_us <= most else "missed"
            lines.append([f"{row.work}, {row.items:,}", f"at most {most:g}", f"{row.p50_us:.2f}", verdict])
    return f"**Aims, p50 us**\n\n{table(['aim', 'wanted', 'measured', ''], lines)}"


def _cell(value: float | None, form: str) -> str:
    return "" if value is None else form.format(value)
