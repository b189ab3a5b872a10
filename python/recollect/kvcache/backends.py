"""Where the arithmetic runs: every call that takes `backend` asks here."""

from recollect.errors import InvalidArgument, WrongType

__all__ = ["BACKENDS", "chosen"]

BACKENDS = ("numpy",)
"""The backends that this build has; the first is the default and the reference of all others."""


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
