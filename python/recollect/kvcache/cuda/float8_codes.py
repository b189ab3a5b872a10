"""Codes of eight-bit floats, made on a device."""

import numpy as np

from recollect.gpu.device import Array, Device, Kernel
from recollect.kvcache.cuda.handing import Handed
from recollect.kvcache.cuda.verdict import Verdict

__all__ = ["float8_codes"]

_THREADS, _WARP, _SIXTEEN, _PASSES = 256, 32, 16, 4


def float8_codes(
    device: Device, rows: Handed, lengths: Array | None, scale: str, block: int, verdict: Verdict
) -> tuple[Array, Array]:
    """Return codes and scales, which are good unless the verdict is that a number is broken.

    Parameters
    ----------
    device
        Where the rows lie.
    rows
        ``[batch, heads, n, d]``.
    lengths
        uint32 ``[batch]``; what lies behind them repeats the last row that counts.
    scale
        What shares one: ``"token"``, ``"channel"`` or ``"head"``.
    block
        Tokens of a block.
    verdict
        Where kernels write that a number is not finite, or beyond what 16 bits can scale.

    Returns
    -------
    codes
        uint8 ``[heads, n, d]`` of all sequences.
    scale
        float16 ``[heads, blocks, d or 1]``.
    """
    xp = device.xp
    batch, heads, n, d = rows.array.shape
    every, blocks = batch * heads, -(-n // block)
    codes = xp.empty((every, n, d), dtype=np.uint8)
    steps = xp.empty((every, blocks, d if scale == "channel" else 1), dtype=np.uint16)
    if codes.size:
        # Threads of a row: as many as have sixteen of its channels each, up to a warp.
        lanes = min(1 << (-(-d // _SIXTEEN) - 1).bit_length(), _WARP)
        width, last = {
            "token": (-(-n // (_THREADS // lanes * _PASSES)), lanes),
            "channel": (-(-blocks * d // _THREADS), block),
            "head": (blocks, block),
        }[scale]
        kernel = rows.read_by(Kernel("quantize_float8", f"float8_by_{scale}"))
        arguments = [*rows.rows(lengths), codes, steps, verdict.word, np.uint32(last)]
        device.launch(kernel, (width, every), _THREADS, arguments)
    return codes, steps.view(np.float16)
