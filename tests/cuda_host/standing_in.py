"""A device that stands in for the GPU, so that calls with ``backend="cuda"`` run from end to end.

With ``RECOLLECT_TEST_GPU=1`` in the environment they run on the GPU itself, and the stand-in only takes note.
"""

import os
from contextlib import nullcontext

import numpy as np
import pytest

from recollect.gpu import device as gpu
from recollect.kvcache.cuda import working

ON_GPU = os.environ.get("RECOLLECT_TEST_GPU") == "1"
host_alone = pytest.mark.skipif(ON_GPU, reason="about a device that a GPU is not")


class Noting:
    """A GPU, of which a stand-in notes what is launched."""

    def __init__(self, device, noted) -> None:
        self._device, self._noted = device, noted

    def __getattr__(self, name):
        return getattr(self._device, name)

    def launch(self, kernel, grid, block, arguments, shared=0) -> None:
        self._noted.append(kernel.name)
        self._device.launch(kernel, grid, block, arguments, shared)


def there(array):
    """Return an array of NumPy where kernels find it in place."""
    return gpu.cupy_module().asarray(array) if ON_GPU else array


def back(array):
    """Return an array of NumPy of one that is there."""
    return gpu.cupy_module().asnumpy(array) if ON_GPU else array


def stand_in(monkeypatch, device) -> None:
    """Have calls find `device` where they look for the current GPU; its arrays are those of NumPy."""
    if ON_GPU:
        noting = Noting(gpu.Cuda.current(), device.launched)
        monkeypatch.setattr(gpu.Cuda, "current", classmethod(lambda cls: noting))
        return
    monkeypatch.setattr(gpu, "cupy_module", lambda: np)
    monkeypatch.setattr(working, "working_on", lambda number, framework: nullcontext())
    monkeypatch.setattr(gpu.Cuda, "current", classmethod(lambda cls: device))
