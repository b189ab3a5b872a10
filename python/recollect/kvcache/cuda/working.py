"""Calls on a GPU: its device and stream made current, and what the caller gave as arrays there."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from recollect.gpu.device import Array, Cuda, Device
from recollect.gpu.frames import arrived, backend_for, frame_of, working_on
from recollect.kvcache.arrays import Foreign, checked
from recollect.kvcache.cuda.waiting import wait_for
from recollect.kvcache.tensors import as_integers, is_tensor

__all__ = ["finishing", "received_on", "working"]


@contextlib.contextmanager
def working(*values: Foreign) -> Iterator[Device]:
    """Make current the device that arrays lie on, and the stream that the framework of the first works on.

    Parameters
    ----------
    values
        What the caller gave; None counts for nothing. Where none lies on a GPU, CuPy's current device is
        taken.

    Raises
    ------
    InvalidArgument
        If they lie on several devices.
    """
    frames = [frame_of(value, "arrays") for value in values if value is not None]
    _, number = backend_for("cuda", *frames)
    with working_on(number, frames[0].framework if frames else "numpy"):
        yield Cuda.current()


def finishing(device: Device) -> Callable[[], object]:
    """Return what waits until all is done that the current stream was given so far."""
    if device.xp is np:
        return lambda: None
    event = device.xp.cuda.Event(disable_timing=True)
    event.record()
    return lambda: wait_for(device.xp.cuda.runtime, event)


def received_on(device: Device, value: Foreign, argument: str, ndim: int | None = None) -> Array:
    """Return an array as its device has it, without a copy where it lies there already.

    Parameters
    ----------
    device
        The current one, of :func:`working`.
    value
        Of floats, or of integers that hold the bits of bfloat16 (16 bits) or float8 e4m3 (8 bits).
    argument
        Its name for messages.
    ndim
        The number of axes it must have.

    Raises
    ------
    WrongType
        If it is no array, or has another type of element.
    InvalidArgument
        If it has another number of axes.
    """
    found: Any = arrived(as_integers(value) if is_tensor(value) else value, argument)[0]
    if isinstance(found, np.ndarray):
        found = found.astype(found.dtype.newbyteorder("="), copy=False)
    return device.xp.asarray(checked(found, argument, ndim))
