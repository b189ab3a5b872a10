"""Arrays as kernels read them: where rows lie, with the form of their elements."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from recollect.gpu.device import Array, Device, Kernel, address

__all__ = ["FORMS", "Handed", "handed"]

_HEADS = 65_535
FORMS = {"float32": "F32", "float16": "F16", "uint16": "BF16", "uint8": "E4M3"}
"""What kernels call the elements that they know."""


@dataclass(frozen=True, slots=True, eq=False)
class Handed:
    """An array ``[batch, heads, n, d]`` on a device, with the elements of a row side by side.

    Attributes
    ----------
    array
        float32, float16, or uint16 and uint8 for the bits of bfloat16 and float8 e4m3.
    form
        ``"F32"``, ``"F16"``, ``"BF16"`` or ``"E4M3"``: what kernels are compiled for.
    """

    array: Array
    form: str

    def read_by(self, kernel: Kernel) -> Kernel:
        """Return the kernel compiled for elements of this form."""
        return kernel.defining("FORM", self.form)

    @property
    def in_eights(self) -> bool:
        """Whether every row can be read eight elements at a time."""
        size = min(8 * self.array.itemsize, 16)
        steps = (address(self.array), *self.array.strides[:3])
        return self.array.shape[3] % 8 == 0 and not any(step % size for step in steps)

    @property
    def arguments(self) -> list[Any]:
        """The array, and the elements between sequences, heads and rows: four arguments of a kernel."""
        steps = (step // self.array.itemsize for step in self.array.strides[:3])
        return [self.array, *(np.uint64(step) for step in steps)]

    def rows(self, lengths: Array | None) -> list[Any]:
        """Return the arguments of a kernel that takes rows: those of the array, and its sizes.

        Parameters
        ----------
        lengths
            uint32 ``[batch]`` on the device; what lies behind them is padding.
        """
        _, heads, n, d = self.array.shape
        return [*self.arguments, lengths, np.uint32(heads), np.uint32(n), np.uint32(d)]


def handed(device: Device, found: Array) -> Handed | None:
    """Return an array of 4 axes as it is handed over, or None where kernels do not know its elements.

    Nor do they know more than 65,535 heads, or heads of 2**31 elements. It is copied only where the elements
    of a row do not lie side by side, or rows lie backwards.
    """
    form = FORMS.get(found.dtype.name)
    batch, heads, n, d = found.shape
    if form is None or batch * heads > _HEADS or n * d >= 1 << 31:
        return None
    beside = found.strides[3] == found.itemsize or found.shape[3] == 1
    in_steps = all(step >= 0 and step % found.itemsize == 0 for step in found.strides[:3])
    return Handed(found if beside and in_steps else device.xp.ascontiguousarray(found), form)
