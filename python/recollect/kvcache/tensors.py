"""Tensors of PyTorch, without importing it: who has one has loaded it.

A tensor of the CPU goes to NumPy and back without a copy, one of another device through the memory of the
CPU. bfloat16 and float8 e4m3, which NumPy lacks, go as integers of their bits.
"""

import sys
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["as_integers", "is_tensor", "memory_of", "tensor_like", "tensor_on_gpu", "without_gradient"]

Array = npt.NDArray[Any]
Tensor = Any
"""A ``torch.Tensor``."""

_BITS = {"bfloat16": "uint16", "float8_e4m3fn": "uint8"}


def is_tensor(value: object) -> bool:
    """Return whether this is a tensor of PyTorch."""
    torch = sys.modules.get("torch")
    return isinstance(value, getattr(torch, "Tensor", ()))


def as_integers(tensor: Tensor) -> Tensor:
    """Return a tensor without its gradient, what NumPy lacks as integers of its bits."""
    held = tensor.detach()
    name = _name(held)
    return held.view(getattr(sys.modules["torch"], _BITS[name])) if name in _BITS else held


def without_gradient(tensor: Tensor, *, bits: bool) -> Array:
    """Return a tensor as NumPy sees it; what NumPy lacks as integers if `bits`.

    Raises
    ------
    TypeError, RuntimeError
        As PyTorch does, for elements or a layout that NumPy has no word for.
    """
    found: Array = (as_integers(tensor) if bits else tensor.detach()).cpu().numpy()
    return found


def memory_of(tensor: Tensor) -> Array:
    """Return the memory of a tensor, so that NumPy can write to it.

    Raises
    ------
    TypeError
        If it is not the memory of the CPU.
    """
    if tensor.device.type != "cpu":
        raise TypeError(f"it lies on {tensor.device}")
    return without_gradient(tensor, bits=True)


def tensor_like(result: Array, like: Tensor) -> Tensor:
    """Return an array as a tensor on the device of another; bits as the type of element that they came in."""
    torch = sys.modules["torch"]
    tensor = torch.from_numpy(np.require(result, requirements=["C", "W"]))
    if _BITS.get(_name(like)) == result.dtype.name:
        tensor = tensor.view(like.dtype)
    return tensor.to(like.device)


def tensor_on_gpu(result: object, like: Tensor) -> Tensor:
    """Return an array of CuPy as a tensor that shares its memory; bits as the type that they came in."""
    tensor = sys.modules["torch"].from_dlpack(result)
    same = _BITS.get(_name(like)) == _name(tensor)
    return tensor.view(like.dtype) if same else tensor


def _name(tensor: Tensor) -> str:
    return str(tensor.dtype).rpartition(".")[2]
