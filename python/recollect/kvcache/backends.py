"""Where the arithmetic runs: every call that takes `backend` asks here."""

import os

from recollect.checks import count_of
from recollect.errors import InvalidArgument, WrongType

__all__ = ["BACKENDS", "chosen", "threads_for"]

BACKENDS = ("rust", "numpy")
"""The backends that this build has; the first is the default, and ``"numpy"`` the reference of all others."""

_SHARE = 1 << 21
"""Bytes that are worth a thread of their own: it takes tens of microseconds to start."""


def chosen(backend: str | None) -> str:
    """Return the name of a backend that is there; None is the default.

    Raises
    ------
    InvalidArgument
        If this build has no backend of that name; the message lists those it has.
    """
    if backend is None:
        return BACKENDS[0]
    if not isinstance(backend, str):
        raise WrongType(f"backend: expected str or None, found {type(backend).__name__}")
    if backend not in BACKENDS:
        raise InvalidArgument(
            f"backend: {backend[:40]!r} is not in this build, which has {', '.join(BACKENDS)}"
        )
    return backend


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
