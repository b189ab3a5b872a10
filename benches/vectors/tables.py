"""Tables of the rows: one for each work, size, dimension and aim, the fastest first."""

from collections.abc import Callable, Sequence

from benches.readme import table
from benches.vectors import agent_mix, one_at_a_time, pauses
from benches.vectors.row import VectorRow

_WHOLE: Callable[[float], str] = "{:,.0f}".format
_COLUMNS: dict[str, tuple[str, Callable[[float], str]]] = {
    "setting": ("setting", str),
    "recall": ("recall@10", "{:.3f}".format),
    "ops_per_s": ("operations/s", _WHOLE),
    "p50_us": ("p50 us", _WHOLE),
    "p95_us": ("p95 us", _WHOLE),
    "p99_us": ("p99 us", _WHOLE),
    "p999_us": ("p99.9 us", _WHOLE),
    "longest_ms": ("longest ms", "{:.1f}".format),
    "second_ms": ("second ms", "{:.1f}".format),
    "over_5_ms": ("over 5 ms", _WHOLE),
    "pauses_at": ("at rows", str),
    "insert_p50_us": ("insert p50", _WHOLE),
    "insert_p99_us": ("insert p99", _WHOLE),
    "delete_p50_us": ("delete p50", _WHOLE),
    "delete_p99_us": ("delete p99", _WHOLE),
    "deleted_returned": ("deleted returned", _WHOLE),
    "build_s": ("build s", "{:.2f}".format),
    "bytes_per_item": ("bytes/vector", _WHOLE),
    "batch_per_s": ("batch queries/s", _WHOLE),
    "remark": ("", str),
}
_HIDDEN = {
    agent_mix.WORK: {"bytes_per_item", "p95_us", "batch_per_s"},
    one_at_a_time.WORK: {"bytes_per_item", "batch_per_s", "recall"},
}


def markdown(rows: Sequence[VectorRow]) -> str:
    """Return all tables, each with what did not come about under it."""
    works: dict[tuple[str, int | None, str], list[VectorRow]] = {}
    for row in rows:
        size = "" if row.work in (one_at_a_time.WORK, pauses.WORK) or not row.n else f" of {row.n:,}"
        works.setdefault((row.work + size, row.dim, row.data or ""), []).append(row)
    return "\n\n".join(_work(name, dim, data, group) for (name, dim, data), group in works.items())


def _work(name: str, dim: int | None, data: str, rows: Sequence[VectorRow]) -> str:
    good = [row for row in rows if row.failed is None]
    parts = []
    for aim in sorted({row.aim for row in good}, key=lambda one: one or 0):
        group = sorted((row for row in good if row.aim == aim), key=_speed)
        shown = "" if aim is None else ", exact" if aim == 1 else f", recall {aim:g}"
        title = ", ".join(part for part in (name, dim and f"{dim} dimensions", data) if part)
        parts.append(f"**{title}{shown}**\n\n{_table(group)}")
    failed = [f"{row.engine}{_aim(row)}: {row.failed}{_best(row)}" for row in rows if row.failed is not None]
    if failed:
        parts.append(f"Not in the tables of {name}: " + "; ".join(failed) + ".")
    return "\n\n".join(parts)


def _table(rows: Sequence[VectorRow]) -> str:
    hidden = _HIDDEN.get(rows[0].work, set())
    used = [
        name
        for name in _COLUMNS
        if name not in hidden and any(getattr(row, name) not in (None, "") for row in rows)
    ]
    head = ["engine", "n", *(_COLUMNS[name][0] for name in used)]
    return table(head, [[row.engine, f"{row.n:,}", *(_cell(row, name) for name in used)] for row in rows])


def _cell(row: VectorRow, name: str) -> str:
    value = getattr(row, name)
    return "" if value is None else _COLUMNS[name][1](value)


def _speed(row: VectorRow) -> float:
    return 1e6 / row.ops_per_s if row.ops_per_s else row.p50_us or 0


def _aim(row: VectorRow) -> str:
    return "" if row.aim is None else f" at {row.aim:g}"


def _best(row: VectorRow) -> str:
    return "" if row.recall is None else f" ({row.recall:.3f} at {row.setting})"
