"""Tables of the rows: one for each graph, the fastest first, and what should be reached."""

from collections.abc import Callable, Sequence

from benches.graph.row import GraphRow
from benches.readme import table

_COLUMNS: dict[str, tuple[str, Callable[[float], str]]] = {
    "p50_ms": ("p50 ms", "{:,.3f}".format),
    "p95_ms": ("p95 ms", "{:,.3f}".format),
    "agreement": ("top-20 agreement", "{:.3f}".format),
    "tied": ("with ties", "{:.3f}".format),
    "build_s": ("build s", "{:.2f}".format),
    "bytes_per_edge": ("bytes/edge", "{:.1f}".format),
    "insert_us": ("insert p50 us", "{:,.2f}".format),
    "insert_p99_us": ("insert p99 us", "{:,.2f}".format),
}
_AIMS = ((0.95, 0.4), (0.97, 2.0), (1.0, 12.0))
_EDGES = 5_000_000
_NOISE = 0.0005
"""An agreement this close to what is wanted counts as that."""


def markdown(rows: Sequence[GraphRow]) -> str:
    """Return the aims and a table for each graph."""
    graphs: dict[str, list[GraphRow]] = {}
    for row in rows:
        graphs.setdefault(f"{row.graph}, {row.edges:,} edges", []).append(row)
    parts = [_aims(rows)]
    for name, group in graphs.items():
        group.sort(key=lambda row: row.p50_ms)
        lines = [[row.engine, *(_cell(row, column) for column in _COLUMNS)] for row in group]
        parts.append(f"**{name}**\n\n{table(['engine', *(head for head, _ in _COLUMNS.values())], lines)}")
    return "\n\n".join(part for part in parts if part)


def _aims(rows: Sequence[GraphRow]) -> str:
    ours = [row for row in rows if row.engine.startswith("recollect") and row.edges >= _EDGES]
    if not ours:
        return ""
    lines = []
    for agreement, most in _AIMS:
        able = [row for row in ours if row.tied >= agreement - _NOISE]
        best = min(able, key=lambda row: row.p50_ms, default=None)
        found = "-" if best is None else f"{best.p50_ms:.3f}"
        verdict = "reached" if best is not None and best.p50_ms <= most else "missed"
        lines.append([f"agreement {agreement:g}: ms of a query", f"at most {most:g}", found, verdict])
    for what, most, value in (
        ("bytes an edge", 24, ours[0].bytes_per_edge),
        ("insert through Python: p50 us", 2, ours[0].insert_us),
    ):
        if value is not None:
            verdict = "reached" if value <= most else "missed"
            lines.append([what, f"at most {most}", f"{value:.2f}", verdict])
    return f"**Aims on the largest graph, ties counted**\n\n{table(['aim', 'wanted', 'measured', ''], lines)}"


def _cell(row: GraphRow, name: str) -> str:
    value = getattr(row, name)
    return "" if value is None else _COLUMNS[name][1](value)
