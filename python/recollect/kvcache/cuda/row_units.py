"""Attention to plain rows on matrix units: what they can take, and how its kernel is asked for."""

from recollect.gpu.device import Device, Kernel

__all__ = ["QUERIES", "THREADS", "row_units"]

QUERIES, THREADS = 8, 128
_WIDEST, _PIECE = 256, 8
_BITS = {"F16": 11, "BF16": 8, "F32": 24}
"""Bits of a number of each form, of which two numbers have twice as many."""


def row_units(
    device: Device, form: str, asked_form: str, dim: int, value_dim: int, whole: bool
) -> Kernel | None:
    """Return the kernel by which matrix units attend to rows of one form; None if they do not.

    Parameters
    ----------
    device
        Where rows lie.
    form, asked_form
        What keys and values are made of, and what queries were before they were float32: a query is as many
        numbers of 16 bits as it takes to lose nothing, or less than float32 loses in a product.
    dim, value_dim
        Dimensions of keys and values.
    whole
        Whether rows are made of aligned pieces of 16 bytes.
    """
    known = form == "F16" or (form == "BF16" and device.architecture >= 80)
    if not known or not whole or not 0 < min(dim, value_dim) <= max(dim, value_dim) <= _WIDEST:
        return None
    if dim % _PIECE or value_dim % _PIECE:
        return None
    # Halves of float16 have 22 bits, raised to where they have them all.
    sides = 3 if form == "BF16" and _BITS.get(asked_form, 24) > 2 * _BITS[form] else 2
    kernel = Kernel("attend_rows", "attend_rows").defining("FORM", form).defining("SIDES", str(sides))
    return kernel.defining("WIDTH", str(dim)).defining("VALUES", str(value_dim))
