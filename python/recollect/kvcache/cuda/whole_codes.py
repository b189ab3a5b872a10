"""Codes of whole numbers between the least and the greatest of a group, made on a device."""

import math

import numpy as np

from recollect.gpu.device import Array, Device, Kernel
from recollect.kvcache.cuda.handing import Handed
from recollect.kvcache.cuda.verdict import Verdict

__all__ = ["whole_codes"]

_TOKEN_THREADS, _CHANNEL_THREADS, _WARP, _EIGHT, _SPAN = 256, 128, 32, 8, 64
_SIXTEEN, _PASSES = 16, 4
_GROUP, _GROUPS, _CHANNELS = 32, 8, 64
"""Tokens of a group that a kernel of its own takes, and the groups and channels of a block."""


def whole_codes(
    device: Device,
    rows: Handed,
    lengths: Array | None,
    bits: int,
    by_token: bool,
    group: int,
    verdict: Verdict,
) -> tuple[Array, Array, Array]:
    """Return codes, scales and zeros, which are good unless the verdict is that a number is broken.

    Parameters
    ----------
    device
        Where the rows lie.
    rows
        ``[batch, heads, n, d]``.
    lengths
        uint32 ``[batch]``; what lies behind them repeats the last row that counts.
    bits
        Of a code: 2, 4 or 8.
    by_token
        Whether a group is of channels of one token, and not of tokens of one channel.
    group
        Elements that share scale and zero.
    verdict
        Where kernels write that a number is not finite, or beyond 16 bits.

    Returns
    -------
    codes
        uint32 ``[heads, n, words]`` by token and ``[heads, d, words]`` by channel, of all sequences.
    scale, zero
        float16 ``[heads, n, groups]`` or ``[heads, groups, d]``.
    """
    xp = device.xp
    batch, heads, n, d = rows.array.shape
    every, along, across = batch * heads, (d if by_token else n), (n if by_token else d)
    words, groups = -(-along * bits // 32), -(-along // group)
    codes = xp.empty((every, across, words), dtype=np.uint32)
    shape = (every, n, groups) if by_token else (every, groups, d)
    scale, zero = (xp.empty(shape, dtype=np.uint16) for _ in range(2))
    if codes.size:
        launch = _by_token if by_token else _by_channel
        launch(device, rows, lengths, bits, group, words, (codes, scale, zero, verdict.word))
    return codes, scale.view(np.float16), zero.view(np.float16)


Parts = tuple[Array, Array, Array, Array]


def _kernel(rows: Handed, source: str, name: str, bits: int) -> Kernel:
    return rows.read_by(Kernel(source, name)).defining("BITS", str(bits))


def _by_token(
    device: Device, rows: Handed, lengths: Array | None, bits: int, group: int, words: int, parts: Parts
) -> None:
    batch, heads, n, d = rows.array.shape
    groups = -(-d // group)
    # Threads of a group: as many as have sixteen of its channels each, up to a warp.
    lanes = min(1 << (-(-min(group, d) // _SIXTEEN) - 1).bit_length(), _WARP)
    whole = groups == 1 or group * bits % 32 == 0
    arguments = [*rows.rows(lengths), *parts, *map(np.uint32, (group, lanes, words if whole else 0))]
    items = groups * lanes
    columns, slots = -(-items // _TOKEN_THREADS), max(1, _TOKEN_THREADS // items)
    grid = -(-n // (slots * _PASSES)) * columns, batch * heads
    device.launch(_kernel(rows, "quantize_token", "token_codes", bits), grid, _TOKEN_THREADS, arguments)
    if not whole:
        arguments = [*rows.rows(lengths), *parts[:3], np.uint32(group), np.uint32(words)]
        grid = -(-n * words // _TOKEN_THREADS), batch * heads
        device.launch(_kernel(rows, "quantize_token", "token_words", bits), grid, _TOKEN_THREADS, arguments)


def _by_channel(
    device: Device, rows: Handed, lengths: Array | None, bits: int, group: int, words: int, parts: Parts
) -> None:
    batch, heads, n, d = rows.array.shape
    arguments = [*rows.rows(lengths), *parts, np.uint32(words)]
    if group == _GROUP and d % _EIGHT == 0:
        groups = -(-n // _GROUP)
        grid = -(-groups // _GROUPS) * -(-d // _CHANNELS), batch * heads
        kernel, threads = _kernel(rows, "quantize_channel", "channel_codes", bits), _GROUPS * _WARP
    else:
        # What one thread takes begins with a group and with a word.
        aligned = math.lcm(group, 32 // bits)
        span = min(-(-_SPAN // aligned) * aligned, -(-n // aligned) * aligned)
        arguments += [np.uint32(min(group, n)), np.uint32(span)]
        spans = -(-n // span)
        grid = -(-spans * d // _CHANNEL_THREADS), batch * heads
        kernel, threads = (
            _kernel(rows, "quantize_channel", "channel_codes_of_any_group", bits),
            _CHANNEL_THREADS,
        )
    device.launch(kernel, grid, threads, arguments)
