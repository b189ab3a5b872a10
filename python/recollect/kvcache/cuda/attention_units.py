"""Attention over codes on matrix units: what they can take, and how its kernel is asked for."""

from collections.abc import Sequence
from dataclasses import dataclass

from recollect.gpu.device import Device, Kernel, address
from recollect.kvcache.cuda.coded import Coded

__all__ = ["Units", "units_of"]

_UNIT, _QUERIES, _WIDEST, _BITS = 32, 4, 256, (2, 4, 8)
_THREADS, _STAGE, _TILE = 128, 256, 128
_AT_ONCE = 4
"""Blocks that run beside each other, where they share enough."""
_MOST = 8
"""Stages of a part: sums of matrix units lose some bits in longer ones."""


@dataclass(frozen=True, slots=True)
class Units:
    """How a kernel attends.

    Attributes
    ----------
    kernel
        With its settings.
    threads
        Of a block.
    part
        Tokens that it takes.
    shared
        Bytes that it shares.
    """

    kernel: Kernel
    threads: int
    part: int
    shared: int


def units_of(device: Device, segments: Sequence[tuple[Coded, Coded]], rows: int) -> Units | None:
    """Return how matrix units attend to keys and values of one kind; None if they do not.

    Keys are whole numbers channel by channel, or rotated rows of 128 channels of which 128 tokens are centred
    alike; values are whole numbers token by token. Whole numbers have 2, 4 or 8 bits, and 32 of them that lie
    beside each other share their step; rows have up to 256 channels.
    """
    keys, values = segments[0]
    if not (_knows_keys(keys) or keys.tile_shares_means) or not _knows_values(values):
        return None
    shared = _shared(keys, values)
    misplaced = any(address(part) % 16 for one, _ in segments for part in (one.codes, one.scale))
    if misplaced or shared + 2048 > device.shared_bytes:
        return None
    kernel = Kernel("attend_units", "attend_by_units")
    for name, value in (
        ("KEY_CODEC", keys.codec),
        ("KEY_BITS", keys.bits),
        ("VALUE_BITS", values.bits),
        ("WIDTH", keys.width),
        ("UNITS", values.width // _UNIT),
        ("GROUPS", _groups(values)),
    ):
        kernel = kernel.defining(name, str(value))
    all_stages = sum(one.heads * -(-one.n // _STAGE) for one, _ in segments)
    at_once = device.processors * min(_AT_ONCE, device.shared_bytes // shared)
    return Units(kernel, _THREADS, _STAGE * (_stages(all_stages, at_once) if rows <= _QUERIES else 1), shared)


def _knows_keys(keys: Coded) -> bool:
    return (
        keys.by_channel
        and keys.bits in _BITS
        and keys.group % _UNIT == 0
        and keys.width % 16 == 0
        and keys.width <= _WIDEST
    )


def _knows_values(values: Coded) -> bool:
    return (
        values.codec == "WHOLE"
        and values.bits in _BITS
        and values.width % _UNIT == 0
        and values.width <= _WIDEST
        and (values.group >= values.width or (values.group % _UNIT == 0 and values.width % values.group == 0))
    )


def _stages(all_stages: int, at_once: int) -> int:
    """Return how many stages a part has: parts keep all blocks busy that run at once."""
    stages = 1
    while stages < _MOST and all_stages // (2 * stages) >= 1.5 * at_once:
        stages *= 2
    return stages


def _groups(values: Coded) -> int:
    return -(-values.width // values.group)


def _shared(keys: Coded, values: Coded) -> int:
    of_values = _STAGE * (values.width * values.bits // 8 + 16) + 4 * _STAGE * _groups(values)
    if keys.rotated:
        codes, centres = _STAGE * (keys.width * keys.bits // 8 + 2), 4 * (_STAGE // _TILE) * keys.width
        of_keys = codes + centres + _QUERIES * (4 * keys.width + 4 * (keys.width + 8))
    else:
        lines, steps = keys.width * (_STAGE * keys.bits // 8 + 16), 2 * (_STAGE // _UNIT) * keys.width
        of_keys = lines + steps + 6 * _QUERIES * (keys.width + 8)
    joined = _THREADS // _UNIT * 2 * _QUERIES * values.width
    return of_values + of_keys + max(4 * _QUERIES * (_STAGE + 8), joined)
