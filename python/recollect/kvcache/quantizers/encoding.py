"""Rows to parts on a backend: codes do not depend on which."""

import numpy as np
import numpy.typing as npt

from recollect.errors import InvalidArgument
from recollect.kvcache.arrays import Array, Foreign, lengths_of
from recollect.kvcache.backends import threads_for
from recollect.kvcache.lending import lent
from recollect.kvcache.quantizers.codec import Codec, Parts, made_natively

__all__ = ["encoded", "fitting_lengths", "natively"]


def encoded(codec: Codec, rows: Array, backend: str, threads: int | None = None) -> Parts:
    """Return the parts of finite rows ``[heads, n, d]``."""
    parts = natively(codec, rows, threads) if backend == "rust" else None
    return codec.encode(rows) if parts is None else parts


def fitting_lengths(shape: tuple[int, ...], lengths: Foreign | None) -> npt.NDArray[np.int64] | None:
    """Return the lengths of sequences of an array of a shape that can be quantized, if there are any.

    Raises
    ------
    InvalidArgument
        If the shape is not ``(..., n, d)``, or has not 4 axes where lengths are given.
    """
    if lengths is not None and len(shape) != 4:
        raise InvalidArgument(f"array: expected 4 axes, found the shape {shape}")
    if len(shape) < 2 or not shape[-1]:
        raise InvalidArgument(f"array: expected the shape (..., n, d), found {shape}")
    return None if lengths is None else lengths_of(lengths, shape[0], shape[2])


def natively(
    codec: Codec, rows: Array, threads: int | None, lengths: npt.NDArray[np.int64] | None = None
) -> Parts | None:
    """Return the parts of rows ``[..., n, d]``, or None where the native half does not make them.

    That is for elements or settings it does not know, and for numbers that cannot be quantized, of which the
    reference says where they are. Behind `lengths`, ``[batch]``, there is padding.
    """
    if not made_natively(codec):
        return None
    four = rows if rows.ndim == 4 else rows.reshape(1, -1, *rows.shape[-2:])
    given = lent(four)
    return None if given is None else codec.encode_native(given, lengths, threads_for(threads, rows.nbytes))
