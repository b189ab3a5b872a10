"""Some heads keep all, the others a stream (Xiao and others, "DuoAttention", 2024)."""

import numpy as np
import numpy.typing as npt

from recollect.checks import count_of
from recollect.errors import InvalidArgument, WrongType

__all__ = ["head_mask"]


def head_mask(
    retrieval: npt.ArrayLike, *, tokens: int, n_sink: int = 64, n_recent: int = 256
) -> npt.NDArray[np.int32]:
    """Return budgets of all tokens for retrieval heads, and of sinks and the newest for streaming heads.

    Select with the same `n_sink` and `n_recent`.

    Parameters
    ----------
    retrieval
        True for a head that keeps all, ``[layers, heads]`` or ``[heads]``.
    tokens
        In the cache.
    n_sink, n_recent
        What a streaming head keeps.

    Returns
    -------
    numpy.ndarray
        int32 of the same shape.

    Raises
    ------
    WrongType
        If the mask is not of truth values.
    """
    mask = np.asarray(retrieval)
    if mask.dtype != bool:
        raise WrongType(f"retrieval: expected truth values, found {mask.dtype}")
    if mask.ndim not in (1, 2):
        raise InvalidArgument(f"retrieval: expected (heads,) or (layers, heads), found {mask.shape}")
    tokens = count_of(tokens, "tokens")
    stream = min(count_of(n_sink, "n_sink") + count_of(n_recent, "n_recent"), tokens)
    return np.where(mask, tokens, stream).astype(np.int32)
