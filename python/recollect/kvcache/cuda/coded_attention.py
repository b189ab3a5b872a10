"""Attention of few queries over segments of codes, part by part, a kernel for each kind of segment."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from recollect.gpu.device import Array, Device, Kernel
from recollect.kvcache.cuda.coded_tables import CodedSegment, Laid, brought_together, laid_out
from recollect.kvcache.cuda.segment_attention import PART, join, nothing_seen
from recollect.kvcache.cuda.sharing import LOG2E
from recollect.kvcache.cuda.turning import turned
from recollect.kvcache.splitmix import signs

__all__ = ["CodedSegment", "attended_to_codes"]

_THREADS = 128
_WIDEST = 8 * _THREADS


def attended_to_codes(
    device: Device,
    queries: Array,
    until: npt.NDArray[np.int32],
    segments: Sequence[CodedSegment],
    value_dim: int,
    scale: float,
) -> tuple[Array, Array] | None:
    """Return attention over segments, and the logarithm of what each query weighs.

    None where kernels do not know them: values that are rotated and over 1024 wide, or two forms of plain
    elements in one segment.

    Parameters
    ----------
    device
        Where all of it lies.
    queries
        float32 ``[batch, heads, rows, d]``: the queries of each head of keys.
    until
        The last position that each row sees, ``[batch, rows]``.
    segments
        What is attended to; heads may have several, each kept in its own way.
    value_dim
        Dimensions of a value.
    scale
        What products are multiplied by.

    Returns
    -------
    output, lse
        float32 ``[batch, heads, rows, d_v]``, zeros where nothing is seen, and ``[batch, heads, rows]``.
    """
    xp, (batch, heads, rows, _) = device.xp, queries.shape
    there = [one for one in segments if one.keys.n]
    if not all(map(_is_known, there)):
        return None
    if not there or not batch * heads * rows * value_dim:
        return nothing_seen(device, (batch, heads, rows), value_dim)
    out, lse = (
        xp.empty((batch, heads, rows, value_dim), np.float32),
        xp.empty((batch, heads, rows), np.float32),
    )
    kinds: dict[tuple[Any, ...], list[CodedSegment]] = {}
    for one in there:
        kinds.setdefault(one.kind, []).append(one)
    laid = [laid_out(device, alike, rows) for alike in kinds.values()]
    asked = queries * np.float32(scale * LOG2E)
    begins, places, ordered, (last,) = brought_together(device, laid, batch * heads, until)
    parts = [
        _parts(device, asked, last, alike[0], one, value_dim)
        for alike, one in zip(kinds.values(), laid, strict=True)
    ]
    sums, stats = parts[0] if len(parts) == 1 else map(xp.concatenate, zip(*parts, strict=True))
    if not ordered:
        sums, stats = sums[places], stats[places]
    join(device, sums, stats, begins, out, lse)
    return out, lse


def _is_known(one: CodedSegment) -> bool:
    plain = {part.form for part in (one.keys, one.values) if part.codec == "PLAIN"}
    return len(plain) < 2 and (not one.values.rotated or one.values.width <= _WIDEST)


def _parts(
    device: Device, queries: Array, until: Array, segment: CodedSegment, laid: Laid, value_dim: int
) -> tuple[Array, Array]:
    """Return sums of the parts of segments of one kind, and their greatest logits and weights."""
    xp, (batch, heads, rows, dim) = device.xp, queries.shape
    keys, values, how, tables = segment.keys, segment.values, laid.how, laid.tables
    flat, works = queries.reshape(batch * heads * rows, dim), laid.works
    asked = turned(device, keys, flat) if keys.rotated else flat
    sums = xp.empty((len(works), rows, value_dim), np.float32)
    stats = xp.empty((len(works), rows, 2), np.float32)
    if how is not None:
        arguments = [asked, until, np.uint32(rows), *tables, *map(np.uint32, (heads, how.part)), sums, stats]
        device.launch(how.kernel, (len(works),), how.threads, arguments, how.shared)
        return sums, stats
    together = min(1 << (rows - 1).bit_length(), 8)
    lanes = min(1 << (-(-values.width // 8) - 1).bit_length(), _THREADS)
    kernel = Kernel("decode_attention", "attend_to_codes").defining("ROWS", str(together))
    for name, part in (("KEY", keys), ("VALUE", values)):
        kernel = kernel.defining(f"{name}_CODEC", part.codec).defining(f"{name}_BITS", str(part.bits))
        if part.codec == "PLAIN":
            kernel = kernel.defining("FORM", part.form)
    if keys.word_shares_step or keys.tile_shares_means:
        kernel = kernel.defining("STRAIGHT_KEYS", "1")
    if values.eight_share_step:
        kernel = kernel.defining("STRAIGHT_VALUES", "1")
    arguments = [
        asked, until, np.uint32(rows), *tables, *map(np.uint32, (heads, PART, lanes)),
        xp.asarray(signs(values.d, values.seed).astype(np.float32)) if values.rotated else None,
        np.float32(values.width**-0.5), sums, stats,
    ]  # fmt: skip
    shared = 4 * (keys.width * together + 8 * _THREADS + (max(values.width, 8) if values.rotated else 0))
    grid = len(works), -(-rows // together)
    device.launch(kernel, grid, _THREADS, arguments, shared)
    return sums, stats
