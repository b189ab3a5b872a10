"""Tables of rows: one for each work and size, the fastest first."""

from benches.latency.row import Row
from benches.readme import table

_COLUMNS = {
    "recall": ("recall@10", "{:.3f}"),
    "p50_us": ("p50 us", "{:,.0f}"),
    "p95_us": ("p95 us", "{:,.0f}"),
    "ops_per_s": ("records/s", "{:,.0f}"),
    "build_s": ("build s", "{:.2f}"),
    "bytes_per_item": ("bytes/item", "{:,.0f}"),
}


def markdown(rows: list[Row]) -> str:
    """Return a table for each work and dimension, in the order they were measured."""
    works: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        works.setdefault((row.work, "" if row.work.startswith("batch") else f", {row.n:,}"), []).append(row)
    parts = []
    for (work, size), group in works.items():
        used = [name for name in _COLUMNS if any(getattr(row, name) is not None for row in group)]
        group = sorted(group, key=lambda row: row.p50_us or 1e6 / (row.ops_per_s or 1))
        head = ["engine", "n", *(_COLUMNS[name][0] for name in used)]
        lines = [[row.engine, f"{row.n:,}", *(_cell(row, name) for name in used)] for row in group]
        parts.append(f"**{work}{size}**\n\n{table(head, lines)}")
    return "\n\n".join(parts)


def _cell(row: Row, name: str) -> str:
    value = getattr(row, name)
    return "" if value is None else _COLUMNS[name][1].format(value)
