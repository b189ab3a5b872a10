"""Products with codes on matrix units: what they can take, and how their kernels are asked for."""

from recollect.gpu.device import Device, Kernel
from recollect.kvcache.cuda.attention_units import (
    UNIT,
    groups_of,
    knows_keys,
    knows_values,
    misplaced,
    shared_by_keys,
    shared_by_values,
)
from recollect.kvcache.cuda.coded import Coded

__all__ = ["LOGITS_STAGE", "STAGE_THREADS", "SUMS_STAGE", "logits_units", "sums_units"]

LOGITS_STAGE, SUMS_STAGE = 256, 512
"""Tokens of a block."""
STAGE_THREADS = 2
"""Tokens for each of its threads."""
_BESIDE = 1024
"""Bytes that a block shares besides, at most."""


def logits_units(device: Device, coded: Coded) -> tuple[Kernel, int] | None:
    """Return the kernel of products of queries with keys, and the bytes that it shares; None if none fits.

    Keys are those of `attention_units`.
    """
    if not knows_keys(coded) or misplaced(coded):
        return None
    kernel = Kernel("logits_units", "logits_by_units").defining("KEY_CODEC", coded.codec)
    kernel = kernel.defining("KEY_BITS", str(coded.bits)).defining("WIDTH", str(coded.width))
    shared = shared_by_keys(coded, LOGITS_STAGE)
    return (kernel, shared) if shared + _BESIDE <= device.shared_bytes else None


def sums_units(device: Device, coded: Coded) -> tuple[Kernel, int] | None:
    """Return the kernel of sums of values by weights, and the bytes that it shares; None if none fits.

    Values are those of `attention_units`.
    """
    if not knows_values(coded) or misplaced(coded):
        return None
    kernel = Kernel("sums_units", "sums_by_units").defining("VALUE_BITS", str(coded.bits))
    kernel = kernel.defining("UNITS", str(coded.width // UNIT)).defining("GROUPS", str(groups_of(coded)))
    shared = shared_by_values(coded, SUMS_STAGE)
    return (kernel, shared) if shared + 2 * _BESIDE <= device.shared_bytes else None
