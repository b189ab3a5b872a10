"""Attention over codes on matrix units: what they can take, and how its kernel is asked for."""

from collections.abc import Sequence
from dataclasses import dataclass

from recollect.gpu.device import Device, Kernel, address
from recollect.kvcache.cuda.coded import Coded

__all__ = [
    "AT_ONCE",
    "UNIT",
    "Units",
    "groups_of",
    "knows_keys",
    "knows_values",
    "misplaced",
    "shared_by_keys",
    "shared_by_values",
    "units_of",
]

UNIT, AT_ONCE = 32, 4
"""Numbers of a unit, and queries that are looked at together."""
_WIDEST, _BITS = 256, (2, 4, 8)
_THREADS, _STAGE, _TILE = 128, 256, 128
_BLOCKS = 4
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
    if not knows_keys(keys) or not knows_values(values):
        return None
    shared = shared_by_keys(keys, _STAGE) + shared_by_values(values, _STAGE)
    if any(map(misplaced, (one for one, _ in segments))) or shared + 2048 > device.shared_bytes:
        return None
    kernel = Kernel("attend_units", "attend_by_units")
    for name, value in (
        ("KEY_CODEC", keys.codec),
        ("KEY_BITS", keys.bits),
        ("VALUE_BITS", values.bits),
        ("WIDTH", keys.width),
        ("UNITS", values.width // UNIT),
        ("GROUPS", groups_of(values)),
    ):
        kernel = kernel.defining(name, str(value))
    all_stages = sum(one.heads * -(-one.n // _STAGE) for one, _ in segments)
    at_once = device.processors * min(_BLOCKS, device.shared_bytes // shared)
    return Units(kernel, _THREADS, _STAGE * (_stages(all_stages, at_once) if rows <= AT_ONCE else 1), shared)


def knows_keys(keys: Coded) -> bool:
    """Return whether the units know such keys."""
    return keys.tile_shares_means or (
        keys.by_channel
        and keys.bits in _BITS
        and keys.group % UNIT == 0
        and keys.width % 16 == 0
        and keys.width <= _WIDEST
    )


def knows_values(values: Coded) -> bool:
    """Return whether the units know such values."""
    return (
        values.codec == "WHOLE"
        and values.bits in _BITS
        and values.width % UNIT == 0
        and values.width <= _WIDEST
        and (values.group >= values.width or (values.group % UNIT == 0 and values.width % values.group == 0))
    )


def _stages(all_stages: int, at_once: int) -> int:
    """Return how many stages a part has: parts keep all blocks busy that run at once."""
    stages = 1
    while stages < _MOST and all_stages // (2 * stages) >= 1.5 * at_once:
        stages *= 2
    return stages


def misplaced(coded: Coded) -> bool:
    """Return whether codes or scales begin where pieces of 16 bytes cannot be copied from."""
    return any(address(part) % 16 for part in (coded.codes, coded.scale))


def groups_of(values: Coded) -> int:
    """Return how many steps a value has."""
    return -(-values.width // values.group)


def shared_by_keys(keys: Coded, stage: int) -> int:
    """Return the bytes of a stage of keys, and of queries."""
    if keys.rotated:
        codes, centres = stage * (keys.width * keys.bits // 8 + 2), 4 * (stage // _TILE) * keys.width
        return codes + centres + AT_ONCE * (4 * keys.width + 4 * (keys.width + 8))
    lines, steps = keys.width * (stage * keys.bits // 8 + 16), 2 * (stage // UNIT) * keys.width
    return lines + steps + 6 * AT_ONCE * (keys.width + 8)


def shared_by_values(values: Coded, stage: int) -> int:
    """Return the bytes of a stage of values, and of weights or of what warps add up."""
    codes, steps = stage * (values.width * values.bits // 8 + 16), 4 * stage * groups_of(values)
    weights, joined = 4 * AT_ONCE * (stage + 8), stage // (2 * UNIT) * 2 * AT_ONCE * values.width
    return codes + steps + max(weights, joined)
