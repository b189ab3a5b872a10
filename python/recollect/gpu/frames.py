"""Arrays of any framework: in by DLPack, and back to where they came from, on its device and its stream."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from recollect.checks import one_of
from recollect.errors import InvalidArgument, WrongType
from recollect.gpu.device import Array, cupy_module

__all__ = ["BACKENDS", "Frame", "arrived", "backend_for", "frame_of", "on_host", "working_on"]

BACKENDS = ("numpy", "cuda")
_CPU, _CUDA, _CUDA_PINNED, _CUDA_MANAGED = 1, 2, 3, 13


@dataclass(frozen=True, slots=True)
class Frame:
    """Where an array came from: the name of its framework, and the number of its CUDA device or None."""

    framework: str
    device: int | None

    def back(self, array: Array) -> Any:
        """Return an array of the device or of NumPy in this framework, without a copy where that can be."""
        if self.framework == "numpy":
            return array if isinstance(array, np.ndarray) else array.get()
        if self.device is None and not isinstance(array, np.ndarray):
            array = array.get()
        if self.framework == "cupy":
            return array
        module = import_module("jax.dlpack" if self.framework.startswith("jax") else self.framework)
        return module.from_dlpack(array)


def frame_of(value: Any, argument: str) -> Frame:
    """Return where an array comes from, without opening it.

    Raises
    ------
    WrongType
        If it lies neither on a CPU nor on a CUDA device (also a ``TypeError``).
    """
    if isinstance(value, np.ndarray) or not hasattr(value, "__dlpack_device__"):
        return Frame("numpy", None)
    kind, number = (int(part) for part in value.__dlpack_device__())
    on_gpu = kind in (_CUDA, _CUDA_MANAGED)
    if not on_gpu and kind not in (_CPU, _CUDA_PINNED):
        raise WrongType(f"{argument}: expected an array on a CPU or a CUDA device")
    return Frame(type(value).__module__.partition(".")[0], number if on_gpu else None)


def arrived(value: Any, argument: str) -> tuple[Array, Frame, bool]:
    """Return an array of NumPy or CuPy without a copy, where it came from, and whether it is bf16.

    Numbers of bf16 come as uint16, the upper halves of floats.

    Raises
    ------
    WrongType
        If it is no array, or has numbers that DLPack does not carry (also a ``TypeError``).
    """
    if isinstance(value, np.ndarray):
        return value, Frame("numpy", None), False
    framework = type(value).__module__.partition(".")[0]
    if framework == "cupy":
        return value, Frame("cupy", int(value.device.id)), False
    brain = False
    if framework == "torch":
        value = value.detach()
        if str(value.dtype) == "torch.bfloat16":
            value, brain = value.view(import_module("torch").int16), True
    if not hasattr(value, "__dlpack__"):
        try:
            return np.asarray(value), Frame("numpy", None), False
        except (ValueError, TypeError) as error:
            raise InvalidArgument(f"{argument}: rows of different lengths are no array of vectors") from error
    frame = frame_of(value, argument)
    try:
        array = np.from_dlpack(value) if frame.device is None else cupy_module().from_dlpack(value)
    except (BufferError, TypeError, RuntimeError) as error:
        raise WrongType(
            f"{argument}: {getattr(value, 'dtype', 'these')} numbers do not travel; "
            "give bf16 as a view of 16-bit integers"
        ) from error
    return array.view(np.uint16) if brain else array, frame, brain


def on_host(array: Array | None) -> Any:
    """Return an array of NumPy or CuPy as one of NumPy; None stays."""
    return array if array is None or isinstance(array, np.ndarray) else array.get()


def backend_for(backend: str | None, *frames: Frame) -> tuple[str, int | None]:
    """Return the backend that a call runs on, and the device; arrays on a GPU are worked on there."""
    numbers = {frame.device for frame in frames if frame.device is not None}
    if len(numbers) > 1:
        raise InvalidArgument(f"arrays lie on several devices: {sorted(numbers)}")
    chosen = ("cuda" if numbers else "numpy") if backend is None else one_of(backend, BACKENDS, "backend")
    return chosen, numbers.pop() if numbers else None


@contextlib.contextmanager
def working_on(device: int | None, framework: str) -> Iterator[None]:
    """Make a device current, and the stream that the caller's framework works on."""
    cupy = cupy_module()
    number = int(cupy.cuda.runtime.getDevice()) if device is None else device
    with cupy.cuda.Device(number):
        if framework != "torch":
            yield
            return
        torch = import_module("torch")
        if not torch.cuda.is_available():
            yield
            return
        with cupy.cuda.ExternalStream(torch.cuda.current_stream(number).cuda_stream):
            yield
