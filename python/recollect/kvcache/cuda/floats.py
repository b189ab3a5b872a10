"""Numbers on a device as float32."""

import numpy as np

from recollect.gpu.device import Array, Device
from recollect.kvcache.float_formats import from_e4m3

__all__ = ["floats_on"]


def floats_on(device: Device, found: Array) -> Array:
    """Return numbers, or bits of bfloat16 and float8 e4m3 as unsigned integers, as float32 side by side."""
    xp = device.xp
    if found.dtype == np.uint16:
        return (xp.ascontiguousarray(found).astype(np.uint32) << 16).view(np.float32)
    if found.dtype == np.uint8:
        return xp.asarray(from_e4m3(np.arange(256, dtype=np.uint8)))[xp.ascontiguousarray(found)]
    return xp.ascontiguousarray(found, dtype=np.float32)
