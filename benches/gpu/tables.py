"""Tables of the rows: one for each work and size, the fastest first, and what should be reached."""

from collections.abc import Callable, Sequence

from benches.gpu.kv_table import kv_aims, kv_table
from benches.gpu.row import KV, GpuRow
from benches.readme import table

__all__ = ["markdown"]

_COLUMNS: dict[str, tuple[str, Callable[[float], str]]] = {
    "form": ("rows", str),
    "k": ("k", str),
    "ms": ("ms", "{:,.3f}".format),
    "product_share": ("of the product", "{:.2f}".format),
    "agreement": ("agreement", "{:.4f}".format),
    "gb_per_s": ("GB/s", "{:,.0f}".format),
    "remark": ("", str),
}
_PRODUCT, _SELECTION = 0.85, 3.0


def markdown(rows: Sequence[GpuRow]) -> str:
    """Return the aims and a table for each work and size."""
    works: dict[str, list[GpuRow]] = {}
    for row in rows:
        if row.work.startswith(KV):
            continue
        size = f" of {row.n:,}" + (f" x {row.dim}" if row.dim else "")
        asked = f", {row.queries:,} queries" if row.queries else ""
        works.setdefault(row.work + size + asked, []).append(row)
    parts = [_aims(rows)]
    for name, group in works.items():
        used = [column for column in _COLUMNS if any(getattr(row, column) is not None for row in group)]
        group.sort(key=lambda row: (row.form, row.k or 0, row.ms))
        lines = [[row.engine, *(_cell(row, column) for column in used)] for row in group]
        parts.append(f"**{name}**\n\n{table(['engine', *(_COLUMNS[column][0] for column in used)], lines)}")
    parts.append(kv_table(rows))
    return "\n\n".join(part for part in parts if part)


def _aims(rows: Sequence[GpuRow]) -> str:
    lines = []
    for row in rows:
        if row.work == "similarity" and row.engine == "recollect" and row.product_share is not None:
            verdict = "reached" if row.product_share >= _PRODUCT else "missed"
            what = f"{row.form}, {row.n:,} rows: of the product alone"
            lines.append([what, f"at least {_PRODUCT}", f"{row.product_share:.2f}", verdict])
    chosen = [row for row in rows if row.work == "selection alone"]
    for row in chosen:
        if row.engine == "recollect":
            peer = next(x for x in chosen if (x.n, x.k) == (row.n, row.k) and x.engine != "recollect")
            verdict = "reached" if peer.ms >= _SELECTION * row.ms else "missed"
            what = f"the best {row.k} of {row.n:,}: times as fast as torch.topk"
            lines.append([what, f"at least {_SELECTION:g}", f"{peer.ms / row.ms:.1f}", verdict])
    lines += kv_aims(rows)
    return f"**Aims**\n\n{table(['aim', 'wanted', 'measured', ''], lines)}" if lines else ""


def _cell(row: GpuRow, name: str) -> str:
    value = getattr(row, name)
    return "" if value is None else _COLUMNS[name][1](value)
