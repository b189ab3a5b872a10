"""Codes of centred and rotated rows, made on a device."""

import numpy as np

from recollect.gpu.device import Array, Device, Kernel
from recollect.kvcache.cuda.handing import Handed
from recollect.kvcache.cuda.verdict import Verdict

__all__ = ["turned_codes"]

_THREADS, _TILE = 256, 128
_LEAST, _MOST = 64, 512
"""Widths of rows that a few threads can hold."""
_FUSED = 512
"""Tokens of a mean that one block of threads makes before it turns them."""
_ALWAYS = 22 << 10
"""Bytes that a block shares at most for rows in doubt, sums and levels."""


def turned_codes(
    device: Device,
    rows: Handed,
    lengths: Array | None,
    bits: int,
    block: int,
    seed: int,
    verdict: Verdict,
) -> tuple[Array, Array, Array] | None:
    """Return codes, factors and means, which are good unless the verdict is that a number is broken.

    None stands for rows that are longer than a block of the device can share.

    Parameters
    ----------
    device
        Where the rows lie.
    rows
        ``[batch, heads, n, d]``, `d` at least 2.
    lengths
        uint32 ``[batch]``; what lies behind them counts for no mean, and repeats the last row that counts.
    bits
        Of a code: 1 to 4.
    block
        Tokens that share a mean.
    seed
        Where the signs come from.
    verdict
        Where kernels write that a number is not finite, or beyond 16 bits.

    Returns
    -------
    codes
        uint32 ``[heads, n, words]`` of all sequences.
    factor
        float16 ``[heads, n]``.
    mean
        float16 ``[heads, blocks, d]``.
    """
    xp = device.xp
    batch, heads, n, d = rows.array.shape
    every, blocks, width = batch * heads, -(-n // block), 1 << (d - 1).bit_length()
    codes = xp.empty((every, n, -(-width * bits // 32)), dtype=np.uint32)
    factor, mean = xp.empty((every, n), dtype=np.uint16), xp.empty((every, blocks, d), dtype=np.uint16)
    broken = verdict.word
    held, size, start = rows.rows(lengths), np.uint32(block), np.uint64(seed)
    scale = np.float32(width**-0.5)
    fits = _LEAST <= width <= _MOST
    fused = fits and _LEAST // 2 <= block <= _FUSED
    if every and n:
        if not fused:
            kernel = rows.read_by(Kernel("quantize_rotated", "block_means"))
            arguments = [*held, mean, broken, size]
            device.launch(kernel, (-(-blocks * d // _THREADS), every), _THREADS, arguments)
        if fits:
            tile = block if fused else _TILE
            kernel = rows.read_by(Kernel("quantize_rotated", "rotated_codes"))
            kernel = kernel.defining("BITS", str(bits)).defining("WIDTH", str(width))
            stage = tile * width * rows.array.itemsize
            # Where there are lengths, a sequence may have no row to bring.
            staged = fused and rows.in_eights and lengths is None and stage <= _most_shared(device)
            kernel = kernel.defining("STAGED", str(int(staged)))
            settings = size, np.uint32(tile), np.int32(fused), start, scale
            arguments = [*held, codes, factor, mean, broken, *settings]
            grid = -(-n // tile), every
            device.launch(kernel, grid, _THREADS, arguments, stage if staged else 0)
        else:
            shared = -(-width // 128) * 8 + width * 5
            if shared > device.shared_bytes:
                return None
            kernel = rows.read_by(Kernel("quantize_wide", "rotated_codes_of_any_width"))
            arguments = [*held, codes, factor, mean, broken, size, np.uint32(width), start, scale]
            device.launch(kernel.defining("BITS", str(bits)), (n, every), 32, arguments, shared)
    return codes, factor.view(np.float16), mean.view(np.float16)


def _most_shared(device: Device) -> int:
    """Return what a block may have, so that two of them fit, beside what it has anyway."""
    return min(device.shared_bytes, 100 << 10) - _ALWAYS
