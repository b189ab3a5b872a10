"""A device that stands in for the GPU, so that calls with ``backend="cuda"`` run from end to end."""

from contextlib import nullcontext

import numpy as np

from recollect.gpu import device as gpu
from recollect.kvcache.cuda import working


def stand_in(monkeypatch, device) -> None:
    """Have calls find `device` where they look for the current GPU; its arrays are those of NumPy."""
    monkeypatch.setattr(gpu, "cupy_module", lambda: np)
    monkeypatch.setattr(working, "working_on", lambda number, framework: nullcontext())
    monkeypatch.setattr(gpu.Cuda, "current", classmethod(lambda cls: device))
