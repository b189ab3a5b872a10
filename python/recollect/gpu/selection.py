"""The best of many scores: a row of them at a time, read once."""

from typing import Any

import numpy as np

from recollect.gpu.device import Array, Device, Kernel

__all__ = ["MOST", "best_keys", "best_of_lists", "unpacked"]

MOST = 2048
"""Keys that a block can keep."""

_THREADS = 256
_SPAN = 1 << 14
"""Scores of a row below which it is not worth a second block."""


def best_keys(device: Device, scores: Array, keep: int) -> Array:
    """Return the best keys of each row of float32 ``[m, n]``, uint64 ``[m, keep]``, the best first.

    Numbers of a row lie side by side; rows may lie apart.
    """
    xp = device.xp
    count, length = scores.shape
    blocks = 4 * device.processors
    parts = max(1, min(blocks // max(count, 1), length // _SPAN, (1 << 20) // keep))
    keys = xp.empty((count, parts, keep), dtype=np.uint64)
    arguments = [scores, np.uint64(scores.strides[0] // 4), np.uint32(length), keys, np.int32(keep)]
    device.launch(Kernel("selection", "select_scores"), (count, parts), _THREADS, arguments)
    return (
        keys.reshape(count, keep)
        if parts == 1
        else best_of_lists(device, keys.reshape(count, -1), None, keep)
    )


def best_of_lists(device: Device, lists: Array, counts: Array | None, keep: int) -> Array:
    """Return the best keys of each list ``[m, room]``, of which the first `counts` hold."""
    keys = device.xp.empty((len(lists), keep), dtype=np.uint64)
    arguments = [lists, counts, np.uint32(lists.shape[1]), keys, np.int32(keep)]
    device.launch(Kernel("selection", "select_keys"), (len(lists),), _THREADS, arguments)
    return keys


def floors_of(device: Device, keys: Array) -> Array:
    """Return the score of the last key of each row, or minus infinity where there are fewer."""
    floors = device.xp.empty(len(keys), dtype=np.float32)
    arguments = [keys, np.int32(keys.shape[1]), floors, np.uint32(len(keys))]
    device.launch(Kernel("selection", "floors_of"), (-(-len(keys) // _THREADS),), _THREADS, arguments)
    return floors


def unpacked(device: Device, keys: Array) -> tuple[Any, Any]:
    """Return rows, int64, and scores, float32, of keys; -1 and minus infinity for nobody."""
    xp = device.xp
    rows, scores = xp.empty(keys.shape, dtype=np.int64), xp.empty(keys.shape, dtype=np.float32)
    if keys.size:
        grid = (-(-keys.size // _THREADS),)
        device.launch(
            Kernel("selection", "unpack"), grid, _THREADS, [keys, rows, scores, np.uint64(keys.size)]
        )
    return rows, scores
