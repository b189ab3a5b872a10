"""Arrays of any framework in, arrays of the caller's framework out.

In come NumPy arrays, tensors of PyTorch on any device, arrays of CuPy, and whatever speaks DLPack or the
array interface and lies in the memory of the CPU. Those on a GPU are brought to the CPU here, unless a call
works where they lie. What NumPy has no numbers for travels as integers: bfloat16 as (u)int16, float8 e4m3 as
uint8; tensors of these types are seen as such integers without a copy.
"""

import sys
from typing import Any

import numpy as np
import numpy.typing as npt

from recollect.errors import InvalidArgument, WrongType
from recollect.kvcache.float_formats import bf16_bits, e4m3_bits, from_bf16, from_e4m3
from recollect.kvcache.tensors import is_tensor, tensor_like, tensor_on_gpu, without_gradient

__all__ = [
    "Array",
    "Foreign",
    "Numbers",
    "checked",
    "in_form_of",
    "lengths_of",
    "library_of",
    "numbers",
    "opened",
    "received",
    "returned",
    "table_of",
]

Array = npt.NDArray[Any]
Numbers = npt.NDArray[np.float32]
Foreign = Any
"""An array of the caller's framework."""

_FORMS = {"bfloat16": "uint16", "float8_e4m3fn": "uint8"}


def received(value: Foreign, argument: str, ndim: int | None = None) -> Array:
    """Return an array as NumPy sees it, without a copy where that is possible.

    Parameters
    ----------
    value
        Of floats, or of integers that hold the bits of bfloat16 (16 bits) or float8 e4m3 (8 bits).
    argument
        Its name for messages.
    ndim
        The number of axes it must have.

    Raises
    ------
    WrongType
        If it is no array, is not in the memory of the CPU, or has another type of element.
    InvalidArgument
        If it has another number of axes.
    """
    return checked(opened(value, argument, bits=True), argument, ndim)


def checked(found: Array, argument: str, ndim: int | None = None) -> Array:
    """Return an array of NumPy or CuPy with elements that this package knows, bits as unsigned integers.

    Raises
    ------
    WrongType
        If it has another type of element.
    InvalidArgument
        If it has another number of axes than `ndim`.
    """
    if found.dtype.name in _FORMS:
        found = found.view(_FORMS[found.dtype.name])
    if found.dtype == np.int16:
        found = found.view(np.uint16)
    if found.dtype.name not in ("float16", "float32", "float64", "uint16", "uint8"):
        raise WrongType(
            f"{argument}: expected floats, or bfloat16 and float8 as integers of their bits, "
            f"found {found.dtype}"
        )
    if ndim is not None and found.ndim != ndim:
        raise InvalidArgument(f"{argument}: expected {ndim} axes, found the shape {found.shape}")
    return found


def opened(value: Foreign, argument: str, *, bits: bool = False) -> Array:
    """Return an array of elements of any type as NumPy sees it.

    Parameters
    ----------
    value
        The array.
    argument
        Its name for messages.
    bits
        Take a tensor of what NumPy lacks as integers of its bits.

    Raises
    ------
    WrongType
        If it is no array, or not in the memory of the CPU.
    """
    if isinstance(value, np.ndarray):
        return value
    if _of_cupy(value):
        brought: Array = value.get()
        return brought
    if is_tensor(value):
        try:
            return without_gradient(value, bits=bits)
        except (RuntimeError, TypeError) as error:
            raise WrongType(f"{argument}: this tensor does not open to NumPy ({error})") from error
    ways = [name for name in ("__dlpack__", "__array__", "__array_interface__") if hasattr(value, name)]
    if not ways:
        raise WrongType(f"{argument}: expected an array, found {type(value).__name__}")
    problems: list[Exception] = []
    # A type that DLPack does not bring into NumPy may still have an array of its own.
    if "__dlpack__" in ways:
        try:
            return np.from_dlpack(value)
        except (BufferError, RuntimeError, TypeError, ValueError) as error:
            problems.append(error)
    if ways != ["__dlpack__"]:
        try:
            return np.asarray(value)
        except (BufferError, RuntimeError, TypeError, ValueError) as error:
            problems.append(error)
    raise WrongType(
        f"{argument}: {type(value).__name__} does not open to NumPy ({problems[0]}); detach it, "
        "bring it to the CPU, and pass bfloat16 as int16 and float8 as uint8 of the same bits"
    ) from problems[0]


def numbers(found: Array) -> Array:
    """Return what :func:`received` gave as floats; exact, and no copy of what is floats already."""
    if found.dtype == np.uint16:
        return from_bf16(found)
    return from_e4m3(found) if found.dtype == np.uint8 else found


def in_form_of(result: Array, like: Array) -> Array:
    """Return floats in the type of element that `like` has, rounded to nearest."""
    if like.dtype == np.uint16:
        return bf16_bits(result)
    return e4m3_bits(result) if like.dtype == np.uint8 else result.astype(like.dtype, copy=False)


def returned(result: Array, like: Foreign) -> Foreign:
    """Return an array in the framework that `like` comes from; bits of bfloat16 in its type of integer."""
    if result.dtype == np.uint16 and str(getattr(like, "dtype", "")).rpartition(".")[2] == "int16":
        result = result.view(np.int16)
    if not isinstance(result, np.ndarray):
        return _from_gpu(result, like)
    if isinstance(like, np.ndarray):
        return result
    if _of_cupy(like):
        return sys.modules["cupy"].asarray(result)
    if is_tensor(like):
        return tensor_like(result, like)
    # The type of an array says by its module which framework made it; that one is loaded.
    framework = sys.modules.get(type(like).__module__.partition(".")[0])
    space = like.__array_namespace__() if hasattr(like, "__array_namespace__") else framework
    make = getattr(space, "from_dlpack", None)
    return result if make is None else make(np.ascontiguousarray(result))


def _from_gpu(result: Foreign, like: Foreign) -> Foreign:
    if is_tensor(like) and like.is_cuda:
        return tensor_on_gpu(result, like)
    # Loaded for those alone who use it.
    from recollect.gpu.frames import frame_of

    frame = frame_of(like, "array")
    return returned(result.get(), like) if frame.device is None else frame.back(result)


def _of_cupy(value: Foreign) -> bool:
    return type(value).__module__.partition(".")[0] == "cupy"


def library_of(found: Array) -> Foreign:
    """Return the library of an array: NumPy, or CuPy."""
    return sys.modules["cupy"] if _of_cupy(found) else np


def table_of(value: Foreign | npt.ArrayLike, argument: str) -> Array:
    """Return an array of any framework, or nested lists, as NumPy sees it."""
    return opened(value, argument) if is_tensor(value) or _of_cupy(value) else np.asarray(value)


def lengths_of(
    value: Foreign | None, batch: int, tokens: int, argument: str = "lengths"
) -> npt.NDArray[np.int64]:
    """Return the tokens of each sequence, int64 ``[batch]``; None stands for all.

    Raises
    ------
    InvalidArgument
        If there are more or fewer than sequences, or one is not between 0 and `tokens`.
    """
    if value is None:
        return np.full(batch, tokens, dtype=np.int64)
    found = value if isinstance(value, (list, tuple)) else opened(value, argument)
    lengths = np.asarray(found)
    if lengths.dtype.kind not in "iu" and lengths.size:
        raise WrongType(f"{argument}: expected whole numbers, found {lengths.dtype}")
    if lengths.shape != (batch,):
        raise InvalidArgument(f"{argument}: expected the shape ({batch},), found {lengths.shape}")
    if lengths.size and not (lengths.min() >= 0 and lengths.max() <= tokens):
        raise InvalidArgument(f"{argument}: expected 0 to {tokens}, found {lengths.min()} to {lengths.max()}")
    return lengths.astype(np.int64)
