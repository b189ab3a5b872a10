"""A scan of all rows: which kernel, over how many blocks, and what passes the floors of the queries.

The floor of a query is the score of one of the best in a sample of the rows, so that some times `keep` of
all rows reach it. Those are listed while they are multiplied; no matrix of scores is made.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from recollect.gpu.device import Array, Device, Kernel
from recollect.gpu.selection import best_keys, best_of_lists, floors_of

__all__ = ["DENSE", "Place", "Scanned", "Work", "query_bytes", "scanned", "shape_of"]

_PIECE, _QUERIES = 128, 128
_BESIDE = 1024 + 1280
"""Bytes that the kernel for 9.0 has beside its stages: alignment and a queue."""
DENSE = 1 << 25
"""Scores that are written out rather than listed."""
_SHARE = 32
"""One of so many rows is in the sample."""
_PLENTY, _LEAST = 4, 8
"""So many times `keep` rows should reach the floor, which is at least the score of the 8th of the sample:
with chances of less than one in 10,000 fewer than `keep` do, which costs a second scan and no result."""
_ROOM = 4
_FEW = 16
"""With fewer than so many times `keep` rows a sample tells little."""
_GROUP, _CODES = 32, 256


class Place(NamedTuple):
    """What a launch is planned for: a compute capability, and the shared memory that a block can have."""

    architecture: int
    shared_bytes: int


@dataclass(frozen=True)
class Work:
    """What is scanned: rows as bytes, queries as the kernel has them, and how products become scores."""

    device: Device
    kind: str
    queries: Array
    rows: Array
    query_count: int
    count: int
    row_bytes: int
    scale: Array | None = None
    bias: Array | None = None
    gamma: Array | None = None
    mask: Array | None = None
    mask_stride: int = 0


@dataclass(frozen=True)
class Scanned:
    """The best keys of each query, how many rows were listed, the room for them, and the floors."""

    keys: Array
    counts: Array
    room: int
    floors: Array


def scanned(work: Work, keep: int, share: int = _SHARE, dense: bool = False) -> Scanned:
    """Return the best `keep` of each query by the scores of the scan; `dense` writes all of them out."""
    device, xp = work.device, work.device.xp
    if dense or work.count < _FEW * keep or work.count * work.query_count <= DENSE:
        keys = best_keys(device, _dense(work, work.count, 1), keep)
        everything = xp.full(work.query_count, -np.inf, dtype=np.float32)
        return Scanned(keys, xp.zeros(work.query_count, dtype=np.uint32), 0, everything)
    step = max(1, min(share, work.count // (4 * keep)))
    rank = max(_LEAST, -(-_PLENTY * keep // step))
    floors = floors_of(device, best_keys(device, _dense(work, work.count // step, step), rank))
    room = _ROOM * step * rank
    lists = xp.empty((work.query_count, room), dtype=np.uint64)
    counts = xp.zeros(work.query_count, dtype=np.uint32)
    _launch(work, work.count, 1, floors, lists, counts, None)
    return Scanned(best_of_lists(device, lists, counts, keep), counts, room, floors)


def _dense(work: Work, count: int, step: int) -> Array:
    pitch = -(-count // 4) * 4
    scores = work.device.xp.empty((work.query_count, pitch), dtype=np.float32)
    _launch(work, count, step, None, None, None, scores)
    return scores[:, :count]


def _launch(
    work: Work,
    count: int,
    step: int,
    floors: Array | None,
    lists: Array | None,
    counts: Array | None,
    dense: Array | None,
) -> None:
    device = work.device
    place = Place(device.architecture, device.shared_bytes)
    kernel, tile, queries, shared = _plan(
        place, work.kind, work.row_bytes, dense is not None, work.bias is not None
    )
    blocks = (4 if work.kind == "bits" else 1) * device.processors
    query_tiles = -(-work.query_count // queries)
    tiles = -(-count // tile)
    segments = max(1, min(blocks // query_tiles, tiles))
    room = 0 if lists is None else lists.shape[1]
    arguments: list[Any] = [
        work.queries, work.rows, work.scale, work.bias, work.gamma, floors, work.mask,
        np.uint64(work.mask_stride), lists, counts, dense, np.uint32(0 if dense is None else dense.shape[1]),
        *(np.uint32(one) for one in (room, work.row_bytes, count, step, work.query_count, query_tiles,
        segments)),
    ]  # fmt: skip
    block = _CODES if work.kind == "bits" else 256
    device.launch(kernel, (query_tiles * segments,), block, arguments, shared)


@lru_cache(maxsize=256)
def _plan(place: Place, kind: str, row_bytes: int, dense: bool, biased: bool) -> tuple[Kernel, int, int, int]:
    """Return the kernel, its rows and queries at a time, and the bytes of shared memory."""
    if kind == "bits":
        kernel, tile, queries = Kernel("hamming", "scan_bits"), _CODES, _GROUP
        shared = row_bytes // 4 * _GROUP * 4 + 4 * _GROUP
    else:
        kernel, tile, shared = shape_of(place, kind, row_bytes)
        queries = _QUERIES
    if dense:
        kernel = kernel.defining("DENSE", "1")
    if biased:
        kernel = kernel.defining("BIASED", "1")
    return kernel, tile, queries, shared


def shape_of(place: Place, kind: str, row_bytes: int) -> tuple[Kernel, int, int]:
    """Return the kernel for matrix units, the rows of a tile, and the bytes of shared memory."""
    pieces = -(-row_bytes // _PIECE)
    queries = pieces * _QUERIES * _PIECE
    if place.architecture == 90 and kind != "Bit":
        stages = min(8, (place.shared_bytes - _BESIDE - queries) // (128 * _PIECE))
        if stages >= 4:
            kernel = Kernel("hopper", "scan_rows", (("TYPE", kind), ("STAGES", str(stages))))
            return kernel, 128, queries + stages * 128 * _PIECE + 1024
    for stages in (5, 4, 3):
        wide = queries + stages * 256 * _PIECE
        if wide <= place.shared_bytes:
            return _kernel(kind, 256, stages, True), 256, wide
    for tile, stages in ((256, 4), (256, 3), (128, 3), (128, 2)):
        streaming = stages * (tile + _QUERIES) * _PIECE
        if streaming <= place.shared_bytes:
            break
    return _kernel(kind, tile, stages, False), tile, streaming


def _kernel(kind: str, tile: int, stages: int, resident: bool) -> Kernel:
    defines = (
        ("TYPE", kind),
        ("TILE", str(tile)),
        ("STAGES", str(stages)),
        ("RESIDENT", str(resident).lower()),
    )
    return Kernel("scan", "scan_rows", defines)


def query_bytes(row_bytes: int) -> int:
    """Return the bytes of a query as the matrix units have it."""
    return -(-row_bytes // _PIECE) * _PIECE
