"""Where the arithmetic runs: every call that takes `backend` asks here."""

import os

from recollect.checks import count_of
from recollect.errors import InvalidArgument, WrongType
from recollect.kvcache.tensors import is_tensor

__all__ = ["BACKENDS", "chosen", "lies_on_gpu", "threads_for"]

BACKENDS = ("rust", "numpy", "cuda")
"""The backends: the first is the default for arrays in the memory of the CPU, ``"numpy"`` the reference of
all others, and ``"cuda"`` the default for arrays on a GPU."""

_SHARE = 1 << 21
"""Bytes that are worth a thread of their own: it takes tens of microseconds to start."""
_CUDA, _CUDA_MANAGED = 2, 13


def chosen(backend: str | None, *arrays: object) -> str:
    """Return the name of a backend that is there.

    Parameters
    ----------
    backend
        Its name. None stands for ``"cuda"`` where one of the arrays lies on a GPU that can be used, else for
        the default; arrays on a GPU that lacks CuPy go through the memory of the CPU.
    arrays
        What the call was given, of any framework.

    Raises
    ------
    InvalidArgument
        If there is no backend of that name; the message lists those there are.
    GpuUnavailable
        If the GPU is asked for and there is none, or no CuPy.
    """
    if backend is None:
        on_gpu = any(lies_on_gpu(one) for one in arrays)
        return "cuda" if on_gpu and _gpu_can_be_used() else BACKENDS[0]
    if not isinstance(backend, str):
        raise WrongType(f"backend: expected str or None, found {type(backend).__name__}")
    if backend not in BACKENDS:
        raise InvalidArgument(
            f"backend: {backend[:40]!r} is not in this build, which has {', '.join(BACKENDS)}"
        )
    if backend == "cuda":
        # Loaded for those alone who use it.
        from recollect.gpu import device

        device.cupy_module()
    return backend


def lies_on_gpu(value: object) -> bool:
    """Return whether this is an array in the memory of a CUDA device."""
    if is_tensor(value):
        return bool(getattr(value, "is_cuda", False))
    where = getattr(value, "__dlpack_device__", None)
    if where is None:
        return False
    kind, _ = where()
    return int(kind) in (_CUDA, _CUDA_MANAGED)


def _gpu_can_be_used() -> bool:
    from recollect.gpu import device

    return device.available()


def threads_for(threads: int | None, nbytes: int) -> int:
    """Return how many threads work on so many bytes; None stands for as many as are worth it.

    Raises
    ------
    InvalidArgument
        If the number given is below 1.
    """
    if threads is not None:
        return count_of(threads, "threads", 1)
    return max(1, min(len(os.sched_getaffinity(0)), nbytes // _SHARE))
