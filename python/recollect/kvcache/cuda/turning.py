"""Rows turned as rotated codes are, and the means of such codes."""

from collections.abc import Sequence
from weakref import WeakKeyDictionary

import numpy as np

from recollect.gpu.device import Array, Device, Kernel
from recollect.kvcache.cuda.coded import Coded

__all__ = ["rotating", "scale_of", "turned", "turned_means"]

_WARP = 32
_TURNED: WeakKeyDictionary[Coded, Array] = WeakKeyDictionary()
"""Means of rotated rows turned as rows are, which stay what they are."""


def rotating(coded: Coded, name: str) -> Kernel:
    """Return a kernel of those that turn."""
    return Kernel("decode_rotated", name).defining("BITS", str(coded.bits))


def scale_of(coded: Coded) -> np.float32:
    """Return what a rotation multiplies by, so that lengths stay."""
    return np.float32(coded.width**-0.5)


def turned(device: Device, coded: Coded, rows: Array) -> Array:
    """Return float32 rows ``[m, d]`` turned as those of codes were, ``[m, width]``."""
    out = device.xp.empty((len(rows), coded.width), dtype=np.float32)
    sizes = np.uint32(coded.d), np.uint32(coded.width), np.uint64(coded.seed)
    if len(rows):
        arguments = [device.xp.ascontiguousarray(rows), out, *sizes, scale_of(coded)]
        device.launch(rotating(coded, "turn_queries"), (len(rows),), _WARP, arguments, coded.width * 4)
    return out


def turned_means(device: Device, parts: Sequence[Coded]) -> list[Array | None]:
    """Return the means of parts of one kind, turned as rows are, ``[heads * blocks, width]``."""
    if not parts[0].rotated:
        return [None] * len(parts)
    new = [part for part in parts if part not in _TURNED]
    means = [part.zero.view(np.float16).reshape(-1, part.d) for part in new if part.zero is not None]
    if means:
        rows = turned(device, new[0], device.xp.concatenate(means).astype(np.float32))
        ends = np.cumsum([len(one) for one in means])
        for part, one, end in zip(new, means, ends.tolist(), strict=True):
            _TURNED[part] = rows[end - len(one) : end]
    return [_TURNED.get(part) for part in parts]
