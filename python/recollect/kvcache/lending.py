"""Arrays as the native half takes them: where they lie, with the form of their elements.

They are read without the GIL: what another thread writes to them during a call is read as it comes.
"""

from dataclasses import dataclass

import numpy as np

from recollect.kvcache.arrays import Array

__all__ = ["Lent", "lent"]

_FORMS = {"float32": "f32", "float16": "f16", "uint16": "bf16"}


@dataclass(frozen=True, slots=True, eq=False)
class Lent:
    """An array ``[batch, heads, tokens, d]`` that the native half reads in place.

    Attributes
    ----------
    array
        float32, or uint16 for what has 16 bits.
    form
        ``"f32"``, ``"f16"`` or ``"bf16"``.
    """

    array: Array
    form: str


def lent(found: Array) -> Lent | None:
    """Return an array of 4 axes as it is lent, or None where the native half does not know its elements.

    It is copied only where rows of a head do not lie at equal steps, or not as the machine reads them.
    """
    form = _FORMS.get(found.dtype.name)
    if form is None:
        return None
    native = found.astype(found.dtype.newbyteorder("="), copy=False)
    if not (native.flags.aligned and _at_equal_steps(native)):
        native = native.copy()
    return Lent(native if form == "f32" else native.view(np.uint16), form)


def _at_equal_steps(array: Array) -> bool:
    if not array.size:
        return True
    # Heads with their rows one after another, or rows of all heads beside each other.
    return bool(array[0, 0].flags.c_contiguous or array[0].swapaxes(0, 1).flags.c_contiguous)
