"""Codes of one bit a dimension: the nearest by the number of bits that differ, and exact scores of those."""

from typing import Any

import numpy as np

from recollect.checks import count_of
from recollect.errors import DimensionMismatch, InvalidArgument, LimitExceeded, WrongType
from recollect.gpu.device import Array, Cuda, Device
from recollect.gpu.frames import arrived, backend_for, on_host, working_on
from recollect.gpu.scanning import DENSE, Work, query_bytes, scanned
from recollect.gpu.search import packed_mask
from recollect.gpu.selection import MOST, best_of_lists, unpacked

__all__ = ["hamming", "hamming_keys", "nearest_codes"]

_GROUP, _BATCH = 32, 4096
_UNIT = 16


def hamming(
    queries: Any, codes: Any, k: int = 10, *, mask: Any = None, backend: str | None = None
) -> tuple[Any, Any]:
    """Return the codes from which each query differs in the fewest bits.

    Parameters
    ----------
    queries, codes
        uint8 ``[q, b]`` and ``[n, b]``: bits in any order, the same in both.
    k
        Codes wanted, at least 1; at most 2048 on a GPU.
    mask
        bool ``[n]`` or ``[q, n]``: the codes that may be found.
    backend
        ``"numpy"`` or ``"cuda"``; by default where the arrays are.

    Returns
    -------
    ids, distances
        int64 and int32 ``[q, k]``, nearest first and ties to the lower row, in the framework of the queries;
        where fewer are found, -1 and ``8 * b + 1`` follow.

    Raises
    ------
    InvalidArgument, WrongType
        If shapes or types are others.
    GpuUnavailable
        If the GPU is asked for and there is none, or no CuPy.
    """
    asked, frame, _ = arrived(queries, "queries")
    given, place, _ = arrived(codes, "codes")
    frames, allowed = [frame, place], None
    if mask is not None:
        allowed, where, _ = arrived(mask, "mask")
        frames.append(where)
    chosen, number = backend_for(backend, *frames)
    for array, argument in ((asked, "queries"), (given, "codes")):
        if array.dtype != np.uint8:
            raise WrongType(f"{argument}: expected uint8, found {array.dtype}")
        if array.ndim != 2 or array.shape[1] == 0:
            raise InvalidArgument(f"{argument}: expected the shape (n, bytes), found {array.shape}")
    if asked.shape[1] != given.shape[1]:
        raise DimensionMismatch(f"queries: expected {given.shape[1]} bytes, found {asked.shape[1]}")
    if allowed is not None and allowed.shape not in ((len(given),), (len(asked), len(given))):
        raise InvalidArgument(
            f"mask: expected ({len(given)},) or a row for each query, found {allowed.shape}"
        )
    k = count_of(k, "k", 1)
    if chosen == "numpy":
        ids, apart = nearest_codes(on_host(asked), on_host(given), k, on_host(allowed))
        return frame.back(ids), frame.back(apart)
    if k > MOST:
        raise LimitExceeded(f"k: {k} is over the limit of {MOST} on a GPU")
    with working_on(number, frame.framework):
        device = Cuda.current()
        xp = device.xp
        moved = None if allowed is None else xp.asarray(allowed)
        keys = hamming_keys(device, xp.asarray(asked), xp.asarray(given), k, moved)
        ids, scores = unpacked(device, keys)
        apart = xp.where(ids < 0, 8 * given.shape[1] + 1, -scores).astype(np.int32)
        return frame.back(ids), frame.back(apart)


def nearest_codes(queries: Array, codes: Array, k: int, mask: Array | None) -> tuple[Array, Array]:
    """Return what :func:`hamming` does, in NumPy."""
    none = 8 * codes.shape[1] + 1
    ids = np.full((len(queries), k), -1, dtype=np.int64)
    apart = np.full((len(queries), k), none, dtype=np.int32)
    for at, query in enumerate(queries):
        counts = (
            np.bitwise_count(codes ^ query).sum(axis=1, dtype=np.int32)
            if len(codes)
            else np.zeros(0, np.int32)
        )
        allowed = None if mask is None else mask if mask.ndim == 1 else mask[at]
        who = np.arange(len(codes)) if allowed is None else np.flatnonzero(allowed)
        order = np.argsort(counts[who], kind="stable")[:k]
        ids[at, : len(order)], apart[at, : len(order)] = who[order], counts[who][order]
    return ids, apart


def hamming_keys(
    device: Device,
    queries: Array,
    codes: Array,
    keep: int,
    mask: Array | None = None,
    units: bool | None = None,
) -> Array:
    """Return the best keys of each query, uint64 ``[q, keep]``, the score being minus the bits that differ.

    `units` says whether matrix units count, where they know bits; by default they do.
    """
    xp, count = device.xp, len(queries)
    keys = xp.zeros((count, keep), dtype=np.uint64)
    if len(codes) == 0 or count == 0:
        return keys
    units = knows_bits(device) if units is None else units
    queries, codes = _padded(xp, queries), _padded(xp, codes)
    for start in range(0, count, _BATCH):
        part = slice(start, start + _BATCH)
        allowed = mask if mask is None or mask.ndim == 1 else mask[part]
        found = scanned(_work(device, queries[part], codes, allowed, units), keep)
        keys[part] = found.keys
        over = xp.flatnonzero(found.counts > found.room)
        if len(over):
            # Many codes tie with the worst of the best: no floor tells them apart.
            tied = allowed if allowed is None or allowed.ndim == 1 else allowed[over]
            keys[start + over] = _by_parts(device, queries[part][over], codes, keep, tied, units)
    return keys


def _work(device: Device, queries: Array, codes: Array, mask: Array | None, units: bool) -> Work:
    xp, count, size = device.xp, len(queries), codes.shape[1]
    bits, stride = (None, 0) if mask is None else packed_mask(device, mask)
    if units:
        ready = xp.zeros((-(-count // 128) * 128, query_bytes(size)), dtype=np.uint8)
        ready[:count, :size] = queries
    else:
        words = xp.zeros((-(-count // _GROUP) * _GROUP, size // 4), dtype=np.uint32)
        words[:count] = queries.view(np.uint32)
        ready = xp.ascontiguousarray(words.reshape(-1, _GROUP, size // 4).transpose(0, 2, 1))
    kind = "Bit" if units else "bits"
    return Work(device, kind, ready, codes, count, len(codes), size, mask=bits, mask_stride=stride)


def knows_bits(device: Device) -> bool:
    """Return whether the matrix units of a device count bits."""
    return 80 <= device.architecture < 100


def _by_parts(
    device: Device, queries: Array, codes: Array, keep: int, mask: Array | None, units: bool
) -> Array:
    """Return the best keys with every distance written out, some rows at a time."""
    xp = device.xp
    best = xp.zeros((len(queries), keep), dtype=np.uint64)
    size = max(DENSE // len(queries), 1 << 12)
    for start in range(0, len(codes), size):
        part = codes[start : start + size]
        allowed = None if mask is None else mask[..., start : start + size]
        keys = scanned(_work(device, queries, part, allowed, units), keep, dense=True).keys
        # The lower half of a key is the row turned round: a row further on is that much less.
        keys = xp.where(keys != 0, keys - np.uint64(start), keys)
        best = best_of_lists(device, xp.concatenate([best, keys], axis=1), None, keep)
    return best


def _padded(xp: Any, codes: Array) -> Array:
    size = -(-codes.shape[1] // _UNIT) * _UNIT
    if size == codes.shape[1]:
        return xp.ascontiguousarray(codes)
    padded = xp.zeros((len(codes), size), dtype=np.uint8)
    padded[:, : codes.shape[1]] = codes
    return padded
