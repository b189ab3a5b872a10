"""The rows that codes stand for, made on a device."""

import numpy as np

from recollect.gpu.device import Array, Device, Kernel
from recollect.kvcache.cuda.coded import Coded

__all__ = ["decoded", "turning_fits"]

_THREADS, _WARP = 256, 32
_LEAST, _MOST, _HELD, _TURNING_THREADS = 64, 512, 32, 128
"""Widths of turned rows that a few threads hold in registers, numbers of each, and threads of a block."""


def turning_fits(device: Device, coded: Coded) -> bool:
    """Return whether a turned row of f64 fits into the shared memory of a block."""
    return not coded.rotated or coded.width * 8 <= device.shared_bytes


def decoded(device: Device, coded: Coded) -> Array:
    """Return the rows that codes stand for, float32 ``[heads, n, d]``: the bits of the reference."""
    n, d, heads = coded.n, coded.d, coded.heads
    out = device.xp.empty((heads, n, d), dtype=np.float32)
    if not out.size:
        return out
    if coded.rotated and _LEAST <= coded.width <= _MOST:
        kernel = Kernel("decode_turned", "decode_turned")
        kernel = kernel.defining("BITS", str(coded.bits)).defining("WIDTH", str(coded.width))
        aligned = d % 8 == 0
        more = [out, np.uint32(d), np.uint64(coded.seed), np.float64(coded.width**-0.5), np.uint32(aligned)]
        grid = -(-n * (coded.width // _HELD) // _TURNING_THREADS), heads
        device.launch(kernel, grid, _TURNING_THREADS, [*coded.arguments, *more])
    elif coded.rotated:
        kernel = Kernel("decode_rotated", "decode_rotated").defining("BITS", str(coded.bits))
        more = [out, np.uint32(d), np.uint64(coded.seed), np.float64(coded.width**-0.5)]
        device.launch(kernel, (n, heads), _WARP, [*coded.arguments, *more], coded.width * 8)
    elif coded.by_channel:
        sizes = map(np.uint32, (n, d, coded.codes.shape[2], coded.group))
        # A warp takes 64 tokens of 32 channels.
        warps = -(-n // 64) * -(-d // 32)
        grid = -(-warps * _WARP // _THREADS), heads
        arguments = [*coded.channel_arguments, out, *sizes]
        device.launch(coded.read_by("decode_channel", "decode_channels"), grid, _THREADS, arguments)
    else:
        grid = -(-n * -(-d // 8) // _THREADS), heads
        device.launch(coded.read_by("decode", "decode_rows"), grid, _THREADS, [*coded.arguments, out])
    return out
