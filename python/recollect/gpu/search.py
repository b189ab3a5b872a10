"""The best rows of many queries on a device: scan, exact scores, proof, and what is left over once more.

A scan multiplies rounded numbers, so its best `keep` are candidates. They are scored exactly, in the lane
order of the CPU; the answer of a query stands if its worst result is above what any row outside the
candidates can reach. Where that cannot be said, more candidates are taken, and in the end all rows are
scored exactly. So ids, order and bits of the scores are those of :func:`recollect.gpu.oracle.best_rows`.
"""

from typing import Any

import numpy as np

from recollect.gpu.device import Array, Device, Kernel
from recollect.gpu.rows import FORMS, Rows
from recollect.gpu.scanning import Work, query_bytes, scanned
from recollect.gpu.selection import MOST, best_of_lists, unpacked

__all__ = ["MASK_BITS", "best_rows", "packed_mask"]

_WARPS = 8
_BATCH = 4096
_AS = {"Half": 0, "Brain": 1, "Byte": 2}
_SELECTIVE = 8
"""With less than one in so many rows allowed, those are gathered first."""
MASK_BITS = 32


def packed_mask(device: Device, mask: Array) -> tuple[Array, int]:
    """Return bool ``[n]`` or ``[q, n]`` as words of 32 bits, and the words of a query, 0 for one mask."""
    xp = device.xp
    rows = mask.reshape(-1, mask.shape[-1])
    words = -(-rows.shape[1] // MASK_BITS)
    padded = xp.zeros((rows.shape[0], words * MASK_BITS), dtype=bool)
    padded[:, : rows.shape[1]] = rows
    bits = xp.packbits(padded.reshape(-1), bitorder="little").view(np.uint32)
    return bits, words if mask.ndim == 2 else 0


def best_rows(rows: Rows, queries: Array, k: int, mask: Array | None = None) -> tuple[Any, Any]:
    """Return the best `k` rows of each query, int64 and float32 ``[q, k]``, ties to the lower row.

    Parameters
    ----------
    rows
        What is searched.
    queries
        float32 ``[q, d]`` on the device, contiguous, of length one where the metric is the cosine.
    k
        Results; where there are fewer, -1 and minus infinity follow.
    mask
        bool ``[n]`` or ``[q, n]`` on the device: the rows that may be found.
    """
    xp = rows.device.xp
    if mask is not None and mask.ndim == 1:
        allowed = int(xp.count_nonzero(mask))
        if allowed * _SELECTIVE <= rows.count:
            who = xp.flatnonzero(mask)
            places, scores = best_rows(rows.take(who), queries, k)
            if allowed == 0:
                return places, scores
            return xp.where(places < 0, -1, who[xp.maximum(places, 0)]), scores
    if len(queries) <= _BATCH and 0 < k <= rows.count and len(queries):
        return _batch(rows, queries, k, mask)
    found = xp.full((len(queries), k), -1, dtype=np.int64)
    scores = xp.full((len(queries), k), -np.inf, dtype=np.float32)
    if rows.count == 0:
        return found, scores
    for start in range(0, len(queries), _BATCH):
        part = slice(start, min(start + _BATCH, len(queries)))
        narrowed = mask[part] if mask is not None and mask.ndim == 2 else mask
        most = min(k, rows.count)
        found[part, :most], scores[part, :most] = _batch(rows, queries[part], most, narrowed)
    return found, scores


def _batch(rows: Rows, queries: Array, k: int, mask: Array | None) -> tuple[Any, Any]:
    keep = _power_of_two(max(128, 8 * k) if rows.kind == "Byte" else max(32, 2 * k))
    if keep > MOST:
        return exact_rows(rows, queries, k, mask)
    found, scores, proven, open_ones = _candidates(rows, queries, k, keep, mask)
    if not int(open_ones[0]):
        return found, scores
    which = rows.device.xp.flatnonzero(proven == 0)
    while len(which):
        asked, narrowed = _of(queries, mask, which)
        keep *= 4
        if keep > MOST:
            found[which], scores[which] = exact_rows(rows, asked, k, narrowed)
            break
        found[which], scores[which], proven, _ = _candidates(rows, asked, k, keep, narrowed)
        which = which[proven == 0]
    return found, scores


def _of(queries: Array, mask: Array | None, which: Array) -> tuple[Array, Array | None]:
    """Return the queries at positions with their masks."""
    return queries[which], mask if mask is None or mask.ndim == 1 else mask[which]


def _candidates(
    rows: Rows, queries: Array, k: int, keep: int, mask: Array | None
) -> tuple[Any, Any, Any, Any]:
    """Return rows, scores, whether each query is proven, and the number of those that are not."""
    device, xp, count = rows.device, rows.device.xp, len(queries)
    size = query_bytes(rows.row_bytes)
    prepared = xp.empty((-(-count // 128) * 128, size), dtype=np.uint8)
    units, errors = xp.empty((count, 2), dtype=np.float64), xp.empty(count, dtype=np.float64)
    gamma = xp.empty(count, dtype=np.float32)
    arguments: list[Any] = [
        queries, prepared, units, errors, gamma,
        np.int32(_AS[rows.kind]), np.uint32(rows.dim), np.uint32(size),
        np.uint32(count), np.float64(rows.norm), np.float64(rows.residual), np.int32(rows.exponent),
        np.int32(rows.euclidean),
    ]  # fmt: skip
    grid = (-(-count // _WARPS),)
    device.launch(Kernel("queries", "prepare_queries"), grid, 32 * _WARPS, arguments)
    bits, stride = (None, 0) if mask is None else packed_mask(device, mask)
    work = Work(device, rows.kind, prepared, rows.scanned, count, rows.count, rows.row_bytes,
                rows.factors, rows.bias, gamma, bits, stride)  # fmt: skip
    candidates = scanned(work, keep)
    return rescored(rows, queries, candidates.keys, k, (units, errors, candidates.floors),
                    candidates.counts, candidates.room, keep >= rows.count)  # fmt: skip


def rescored(
    rows: Rows,
    queries: Array,
    keys: Array,
    k: int,
    bounds: tuple[Array, Array, Array],
    counts: Array,
    room: int,
    whole: bool,
) -> tuple[Any, Any, Any, Any]:
    """Return the best `k` of candidates ``[q, keep]``: rows, exact scores, and as :func:`_candidates`."""
    xp, count = rows.device.xp, len(queries)
    found, scores = xp.empty((count, k), dtype=np.int64), xp.empty((count, k), dtype=np.float32)
    proven, open_ones = xp.empty(count, dtype=np.uint8), xp.zeros(1, dtype=np.uint32)
    units, errors, floors = bounds
    arguments = [
        queries, rows.data, rows.scales, keys, counts, units, errors, floors, found, scores, proven,
        open_ones, np.int32(FORMS.index(rows.form)), np.uint32(rows.dim), np.int32(rows.euclidean),
        np.int32(keys.shape[1]), np.int32(k), np.uint32(room), np.int32(whole),
    ]  # fmt: skip
    rows.device.launch(Kernel("rescore", "rescore"), (count,), 32 * _WARPS, arguments)
    return found, scores, proven, open_ones


def exact_rows(rows: Rows, queries: Array, k: int, mask: Array | None = None) -> tuple[Any, Any]:
    """Return the best `k` rows of each query with every row scored exactly: slow, and asks for no proof."""
    device, xp = rows.device, rows.device.xp
    bits, stride = (None, 0) if mask is None else packed_mask(device, mask)
    parts = max(1, min(4 * device.processors // max(len(queries), 1), rows.count // 4096, 256))
    wanted = min(k, MOST)
    keys = xp.empty((len(queries), parts, wanted), dtype=np.uint64)
    arguments: list[Any] = [
        queries, rows.data, rows.scales, bits, np.uint64(stride), keys, np.int32(FORMS.index(rows.form)),
        np.uint32(rows.dim), np.int32(rows.euclidean), np.uint32(rows.count), np.int32(wanted),
    ]  # fmt: skip
    device.launch(Kernel("rescore", "exact"), (len(queries), parts), 32 * _WARPS, arguments)
    if parts > 1:
        keys = best_of_lists(device, keys.reshape(len(queries), -1), None, wanted)
    return unpacked(device, keys.reshape(len(queries), wanted))


def normalised(device: Device, rows: Array) -> Array:
    """Return float32 rows of length one, in the bits of the CPU."""
    out = device.xp.empty_like(rows)
    if len(rows):
        arguments = [rows, out, np.uint32(rows.shape[0]), np.uint32(rows.shape[1])]
        device.launch(Kernel("rescore", "normalise"), (-(-len(rows) // _WARPS),), 32 * _WARPS, arguments)
    return out


def _power_of_two(count: int) -> int:
    return 1 << (count - 1).bit_length()
