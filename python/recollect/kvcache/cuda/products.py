"""Products of attention with codes, on a device: queries by keys, and weights by values."""

import numpy as np

from recollect.gpu.device import Array, Device, Kernel
from recollect.kvcache.cuda.coded import Coded
from recollect.kvcache.cuda.product_units import (
    LOGITS_STAGE,
    STAGE_THREADS,
    SUMS_STAGE,
    logits_units,
    sums_units,
)
from recollect.kvcache.cuda.turning import rotating, scale_of, turned, turned_means

__all__ = ["logits", "weighted"]

_TILE, _WARP, _WARPS = 128, 32, 8
_SHARED = 1 << 15
"""Bytes of queries that are shared at most."""
_PARTS = 1 << 26
"""Numbers of split sums that are there at a time, at most."""


def logits(device: Device, coded: Coded, queries: Array) -> Array:
    """Return products of queries, float32 ``[heads, w, d]``, with rows, float32 ``[heads, w, n]``.

    They are added up in float32, by matrix units where these know the codes, or else channel by channel.
    """
    heads, rows, _ = queries.shape
    n = coded.n
    out = device.xp.empty((heads, rows, n), dtype=np.float32)
    if not out.size:
        return out
    if coded.rotated:
        asked = turned(device, coded, queries.reshape(heads * rows, -1)).reshape(heads, rows, -1)
    else:
        asked = device.xp.ascontiguousarray(queries)
    if (units := logits_units(device, coded)) is not None:
        kernel, shared = units
        zero = turned_means(device, [coded])[0] if coded.rotated else coded.zero
        block = coded.block if coded.rotated else coded.group
        sizes = map(np.uint32, (n, coded.row_bytes, block, rows))
        arguments = [coded.codes, coded.scale, zero, asked, out, *sizes]
        grid, threads = (-(-n // LOGITS_STAGE), heads), LOGITS_STAGE // STAGE_THREADS
        device.launch(kernel, grid, threads, arguments, shared)
        return out
    grid, count = (-(-n // _TILE), heads), np.uint32(rows)
    if coded.by_channel:
        sizes = map(np.uint32, (n, coded.d, coded.codes.shape[2], coded.group, rows))
        many = _at_a_time(rows)
        straight = coded.word_shares_step and coded.d * many * 4 <= _SHARED
        name = "logits_by_columns" if straight else "logits_by_channel"
        kernel = coded.read_by("decode_channel", name, ROWS=many)
        shared = coded.d * many * 4 if straight else 0
        device.launch(kernel, grid, _TILE, [*coded.channel_arguments, asked, out, *sizes], shared)
        return out
    base = _mean_products(device, coded, queries) if coded.rotated else None
    kernel = coded.read_by("decode_logits", "logits_by_token", ROWS=_at_a_time(rows))
    device.launch(kernel, grid, _TILE, [*coded.arguments, asked, base, out, count])
    return out


def weighted(device: Device, coded: Coded, weights: Array) -> Array:
    """Return sums of rows by weights, float32 ``[heads, w, n]``, float32 ``[heads, w, d]``.

    They are added up in float32, by splits of 512 tokens whose sums are added in order.
    """
    heads, rows, n = weights.shape
    if not heads * rows * coded.d or not n:
        return device.xp.zeros((heads, rows, coded.d), dtype=np.float32)
    splits = -(-n // SUMS_STAGE)
    few = max(8, _PARTS // (heads * splits * coded.width) // 8 * 8)
    if rows <= few:
        return _sums(device, coded, device.xp.ascontiguousarray(weights), splits)
    out = device.xp.empty((heads, rows, coded.d), dtype=np.float32)
    for start in range(0, rows, few):
        part = device.xp.ascontiguousarray(weights[:, start : start + few])
        out[:, start : start + few] = _sums(device, coded, part, splits)
    return out


def _sums(device: Device, coded: Coded, weights: Array, splits: int) -> Array:
    xp, (heads, rows, n) = device.xp, weights.shape
    parts = xp.empty((heads, splits, rows, coded.width), dtype=np.float32)
    if (units := sums_units(device, coded)) is not None:
        kernel, shared = units
        sizes = map(np.uint32, (n, coded.row_bytes, rows))
        arguments = [coded.codes, coded.scale, coded.zero, weights, parts, *sizes]
        device.launch(kernel, (splits, heads), SUMS_STAGE // STAGE_THREADS, arguments, shared)
    elif coded.by_channel:
        sizes = map(np.uint32, (n, coded.d, coded.codes.shape[2], coded.group, rows, splits))
        kernel = coded.read_by("decode_channel", "sums_by_channel", ROWS=_at_a_time(rows))
        grid = splits * -(-coded.d // _TILE), heads
        device.launch(kernel, grid, _TILE, [*coded.channel_arguments, weights, parts, *sizes])
    else:
        lanes = min(1 << (-(-coded.width // 8) - 1).bit_length(), 16)
        straight = {"STRAIGHT_VALUES": 1} if coded.eight_share_step else {}
        kernel = coded.read_by("decode_sums", "sums_by_token", ROWS=_at_a_time(rows), **straight)
        arguments = [*coded.arguments, weights, parts, *map(np.uint32, (rows, splits, lanes))]
        grid = splits * -(-coded.width // (8 * lanes)), heads
        device.launch(kernel, grid, _TILE, arguments)
    out = xp.empty((heads, rows, coded.d), dtype=np.float32)
    if coded.rotated:
        return _turned_back(device, coded, weights, parts, out)
    count = rows * coded.d
    arguments = [parts, out, np.uint32(splits), np.uint64(count)]
    device.launch(Kernel("decode_sums", "add_splits"), (-(-count // _TILE), heads), _TILE, arguments)
    return out


def _at_a_time(rows: int) -> int:
    return min(1 << max(rows - 1, 0).bit_length(), 8)


def _mean_products(device: Device, coded: Coded, queries: Array) -> Array:
    heads, rows, d = queries.shape
    blocks = -(-coded.n // coded.block)
    out = device.xp.empty((heads, rows, blocks), dtype=np.float32)
    arguments = [queries, coded.zero, out, *map(np.uint32, (rows, blocks, d))]
    grid = -(-rows * blocks // _WARPS), heads
    device.launch(rotating(coded, "mean_products"), grid, _WARP * _WARPS, arguments)
    return out


def _turned_back(device: Device, coded: Coded, weights: Array, parts: Array, out: Array) -> Array:
    heads, splits, rows, width = parts.shape
    n, blocks = coded.n, -(-coded.n // coded.block)
    of_blocks = device.xp.empty((heads, rows, blocks), dtype=np.float32)
    grid = -(-rows * blocks // _WARPS), heads
    arguments = [weights, of_blocks, *map(np.uint32, (rows, n, coded.block))]
    device.launch(rotating(coded, "block_weights"), grid, _WARP * _WARPS, arguments)
    sizes = map(np.uint32, (rows, splits, blocks, coded.d, width))
    arguments = [parts, of_blocks, coded.zero, out, *sizes, np.uint64(coded.seed), scale_of(coded)]
    device.launch(rotating(coded, "turn_sums_back"), (rows, heads), _WARP, arguments, width * 4)
    return out
