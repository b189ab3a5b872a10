"""The works on a KV cache in one table: recollect beside PyTorch, and beside the copy of the same run."""

from collections.abc import Sequence

from benches.gpu.row import KV, GpuRow
from benches.readme import table

__all__ = ["kv_aims", "kv_table"]

_STREAMING, _QUANTIZING, _MOVING, _ATTENDING, _CHOOSING, _COMPILED = 0.85, 8.0, 2.0, 2.2, 3.0, 1.3
_TIMES = {
    "keep a quarter": _MOVING,
    "decode attention, int4": _ATTENDING,
    "select a quarter": _CHOOSING,
} | {f"quantize {kind}": _QUANTIZING for kind in ("int8", "fp8", "int4", "int2")}


def kv_table(rows: Sequence[GpuRow]) -> str:
    """Return a line for each work; empty without one."""
    lines = []
    for name, own, peer, fused in _pairs(rows):
        copied = _of_copy(own, rows)
        lines.append([
            name, f"{own.queued_ms:,.3f}", "" if peer is None else f"{peer.queued_ms:,.3f}",
            "" if fused is None else f"{fused.queued_ms:,.3f}", _times(own, peer),
            "" if copied is None else f"{copied:.2f}",
            f"{own.ms:,.3f}", "" if peer is None else f"{peer.ms:,.3f}",
            f"{own.agreement:.4f}", own.remark or "",
        ])  # fmt: skip
    heads = ["work", "ms", "torch: ms", "torch.compile: ms", "times as fast", "of the copy", "alone: ms",
             "torch, alone: ms", "agreement", ""]  # fmt: skip
    size = next((f"{row.n:,} x {row.dim}" for row in rows if row.work.startswith(KV)), "")
    return f"**KV cache of {size}, bf16**\n\n{table(heads, lines)}" if lines else ""


def kv_aims(rows: Sequence[GpuRow]) -> list[list[str]]:
    """Return what was wanted of the works, and what was measured of queued calls."""
    lines = []
    for name, own, peer, fused in _pairs(rows):
        copied = _of_copy(own, rows)
        if copied is not None:
            verdict = "reached" if copied >= _STREAMING else "missed"
            lines.append([f"{name}: of the copy", f"at least {_STREAMING}", f"{copied:.2f}", verdict])
        if peer is not None and name in _TIMES:
            verdict = "reached" if _ratio(own, peer) >= _TIMES[name] else "missed"
            what = f"{name}: times as fast as PyTorch"
            lines.append([what, f"at least {_TIMES[name]:g}", _times(own, peer), verdict])
        if fused is not None:
            verdict = "reached" if _ratio(own, fused) >= _COMPILED else "missed"
            what = f"{name}: times as fast as torch.compile"
            lines.append([what, f"at least {_COMPILED}", _times(own, fused), verdict])
    return lines


def _pairs(rows: Sequence[GpuRow]) -> list[tuple[str, GpuRow, GpuRow | None, GpuRow | None]]:
    """Return each work with its row, that of PyTorch, and that of PyTorch compiled."""
    works = [row for row in rows if row.work.startswith(KV)]
    peers = {(row.work, row.engine): row for row in works}
    return [
        (
            row.work.removeprefix(KV),
            row,
            peers.get((row.work, "torch")),
            peers.get((row.work, "torch.compile")),
        )
        for row in works
        if row.engine == "recollect"
    ]


def _of_copy(row: GpuRow, rows: Sequence[GpuRow]) -> float | None:
    copy = next((one.gb_per_s for one in rows if one.work == "copy"), None)
    return None if copy is None or row.gb_per_s is None else row.gb_per_s / copy


def _ratio(own: GpuRow, peer: GpuRow) -> float:
    return (peer.queued_ms or peer.ms) / (own.queued_ms or own.ms)


def _times(own: GpuRow, peer: GpuRow | None) -> str:
    return "" if peer is None else f"{_ratio(own, peer):.1f}"
