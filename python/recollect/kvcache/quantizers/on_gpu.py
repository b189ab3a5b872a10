"""Rows to parts on a GPU, and parts that lie there."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from recollect.kvcache.arrays import Array, Foreign, opened
from recollect.kvcache.quantizers.codec import Codec, Parts
from recollect.kvcache.quantizers.encoding import fitting_lengths

if TYPE_CHECKING:
    from recollect.gpu.device import Device
    from recollect.gpu.frames import Frame

__all__ = ["There", "encoded_on_gpu", "makes_on_gpu", "moved_to_gpu", "parts_on", "parts_on_host"]


def makes_on_gpu(codec: Codec) -> bool:
    """Return whether a GPU makes the parts of a codec; never those of a class derived from one."""
    return "encode_on" in vars(type(codec))


@dataclass(frozen=True, slots=True, eq=False)
class There:
    """Parts on a GPU, the shape of the array, and the framework and device that it comes from."""

    parts: Parts
    shape: tuple[int, ...]
    origin: "Frame"


def encoded_on_gpu(codec: Codec, array: Foreign, lengths: Foreign | None) -> There | None:
    """Return the parts of an array ``[..., n, d]`` on its device.

    None stands for elements or settings that kernels do not know, and for numbers that cannot be quantized,
    of which the reference says where they are.

    Raises
    ------
    InvalidArgument
        If the array has another shape, or the lengths do not belong to it.
    """
    from recollect.gpu.frames import frame_of
    from recollect.kvcache.cuda.handing import handed
    from recollect.kvcache.cuda.working import received_on, working

    with working(array) as device:
        found = received_on(device, array, "array")
        held = fitting_lengths(found.shape, lengths)
        rows = handed(device, found if found.ndim == 4 else found.reshape(1, -1, *found.shape[-2:]))
        if rows is None or not makes_on_gpu(codec):
            return None
        counts = None if held is None else device.xp.asarray(held.astype(np.uint32))
        parts = codec.encode_on(device, rows, counts)
        return None if parts is None else There(parts, found.shape, frame_of(array, "array"))


def moved_to_gpu(parts: Parts, array: Foreign, shape: tuple[int, ...]) -> There:
    """Return parts that were made on the CPU on the device of their array."""
    from recollect.gpu.frames import frame_of
    from recollect.kvcache.cuda.working import working

    with working(array) as device:
        return There(parts_on(device, parts), shape, frame_of(array, "array"))


def parts_on(device: "Device", parts: Parts) -> dict[str, Array]:
    """Return parts as a device has them, without a copy of those that lie there."""
    return {name: device.xp.asarray(part) for name, part in parts.items()}


def parts_on_host(parts: Parts) -> Mapping[str, Array]:
    """Return parts in the memory of the CPU, without a copy of those that are there."""
    return {name: opened(part, name) for name, part in parts.items()}
