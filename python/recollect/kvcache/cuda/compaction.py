"""What stays of a cache, moved together on a device."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from recollect.gpu.device import Array, Device, Kernel, address
from recollect.kvcache.cuda.handing import Handed

__all__ = [
    "Staying",
    "cell_of",
    "gathered",
    "gathered_and_turned",
    "is_side_by_side",
    "moved_to_front",
]

_THREADS, _EIGHT = 256, 8


@dataclass(frozen=True, slots=True, eq=False)
class Staying:
    """Tokens that stay, head by head, on a device.

    Attributes
    ----------
    indices
        Where they are in the cache, int32 ``[kept]``, ascending within a head.
    cu_len
        Where each head begins and the last one ends, int32 ``[batch * heads + 1]``.
    most
        Tokens of the head that keeps most.
    ends
        Where each head ends, in the memory of the CPU.
    """

    indices: Array
    cu_len: Array
    most: int
    ends: list[int]

    @classmethod
    def on(cls, device: Device, indices: Array, cu_len: npt.NDArray[np.int32]) -> "Staying":
        """Return them on a device; the bounds are in the memory of the CPU too."""
        most = int(np.diff(cu_len).max(initial=0))
        return cls(device.xp.asarray(indices), device.xp.asarray(cu_len), most, cu_len[1:].tolist())


def gathered(device: Device, part: Array, staying: Staying) -> Array:
    """Return the rows of ``[batch, heads, n, d]`` that stay, ``[kept, d]``; their bits are copied."""
    batch, heads, _, d = part.shape
    out = device.xp.empty((len(staying.indices), d), dtype=part.dtype)
    if not out.size:
        return out
    source = _side_by_side(device, part)
    row_bytes, cell = d * part.itemsize, cell_of(source)
    arguments = [source, *map(np.uint64, source.strides[:3]), staying.indices, staying.cu_len, out]
    arguments += map(np.uint32, (heads, row_bytes, cell))
    grid = -(-staying.most * (row_bytes // cell) // _THREADS), batch * heads
    device.launch(Kernel("compaction", "gather_rows"), grid, _THREADS, arguments)
    return out


def moved_to_front(device: Device, part: Array, staying: Staying) -> None:
    """Move the rows of ``[batch, heads, n, d]`` that stay to the front of their head, where they lie."""
    batch, heads, _, d = part.shape
    if not part.size or not staying.most:
        return
    if not is_side_by_side(part):
        moved, start = gathered(device, part, staying), 0
        for at, end in enumerate(staying.ends):
            part[at // heads, at % heads, : end - start] = moved[start:end]
            start = end
        return
    cell = cell_of(part)
    cells = d * part.itemsize // cell
    arguments = [part, *map(np.uint64, part.strides[:3]), staying.indices, staying.cu_len]
    arguments += map(np.uint32, (heads, cells, cell))
    grid = -(-cells // 2), batch * heads
    device.launch(Kernel("compaction", "move_rows_to_front"), grid, _THREADS, arguments)


def gathered_and_turned(
    device: Device,
    keys: Handed,
    staying: Staying,
    positions: Array,
    frequencies: npt.NDArray[np.float64],
    interleaved: bool,
) -> Array:
    """Return the keys that stay, ``[kept, d]``, turned from their positions to 0, 1, 2 ... of each head.

    Parameters
    ----------
    device
        Where all lies.
    keys
        ``[batch, heads, n, d]``.
    staying
        The tokens.
    positions
        Those that their keys were turned to, int32 ``[kept]``.
    frequencies
        Radians a token of each pair.
    interleaved
        Whether pairs are neighbours and not halves apart.
    """
    xp, (batch, heads, _, d) = device.xp, keys.array.shape
    out, pairs = xp.empty((len(staying.indices), d), dtype=keys.array.dtype), len(frequencies)
    if not out.size:
        return out
    kernel = keys.read_by(Kernel("compaction_rotary", "gather_turned"))
    arguments = [*keys.rows(None), staying.indices, staying.cu_len, xp.asarray(positions)]
    arguments += [xp.asarray(frequencies), np.uint32(pairs), np.int32(interleaved), out]
    chunks = -(-pairs // _EIGHT) + -(-(d - 2 * pairs) // _EIGHT)
    device.launch(kernel, (-(-staying.most * chunks // _THREADS), batch * heads), _THREADS, arguments)
    return out


def _side_by_side(device: Device, part: Array) -> Array:
    return part if is_side_by_side(part) else device.xp.ascontiguousarray(part)


def is_side_by_side(part: Array) -> bool:
    """Return whether the elements of a row lie so, and rows forwards."""
    return bool((part.strides[3] == part.itemsize or part.shape[3] == 1) and min(part.strides[:3]) >= 0)


def cell_of(part: Array) -> int:
    """Return the bytes that can be copied at a time: 16 where addresses, steps and rows allow it."""
    sizes = (address(part), *part.strides[:3], part.shape[3] * part.itemsize)
    return next(cell for cell in (16, 8, 4, 2, 1) if all(size % cell == 0 for size in sizes))
