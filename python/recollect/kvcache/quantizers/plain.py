"""Rows as they are: the 16-bit end of every mixture."""

from typing import TYPE_CHECKING

import numpy as np

from recollect.kvcache.arrays import Array, numbers
from recollect.kvcache.lending import lent
from recollect.kvcache.quantizers.codec import Codec, Parts

if TYPE_CHECKING:
    from recollect.gpu.device import Device
    from recollect.kvcache.cuda.coded import Coded
    from recollect.kvcache.cuda.handing import Handed
    from recollect.kvcache.cuda.verdict import Verdict

__all__ = ["Plain"]


class Plain(Codec):
    """Keeps rows in the type they come in: float16, bfloat16 as uint16, or wider.

    Parameters
    ----------
    itemsize
        Bytes of an element, for what :meth:`nbytes` foretells.
    """

    name = "plain"

    def __init__(self, itemsize: int = 2) -> None:
        self.itemsize = itemsize

    def encode(self, rows: Array, counts: Array | None = None) -> Parts:
        """Return a copy of the rows."""
        return {"rows": rows.copy()}

    def encode_on(
        self, device: "Device", rows: "Handed", lengths: Array | None, verdict: "Verdict"
    ) -> Parts | None:
        """Return a copy of the rows on their device; None where padding has to be filled."""
        if lengths is not None:
            return None
        batch, heads, n, d = rows.array.shape
        return {"rows": device.xp.array(rows.array, copy=True, order="C").reshape(batch * heads, n, d)}

    def lent(self, parts: Parts, n: int, d: int) -> tuple[object, ...] | None:
        """Return the rows as the native half takes them; None for elements that it does not know."""
        found = lent(parts["rows"][None])
        return None if found is None else ("plain", found.array, found.form)

    def coded(self, parts: Parts, n: int, d: int) -> "Coded | None":
        """Return the rows as kernels read them; None for elements that they do not know."""
        from recollect.kvcache.cuda.coded import Coded
        from recollect.kvcache.cuda.handing import FORMS

        rows = parts["rows"]
        form = FORMS.get(rows.dtype.name)
        return None if form is None else Coded("PLAIN", 8 * rows.itemsize, rows, None, None, n, d, form=form)

    def decode(self, parts: Parts, n: int, d: int) -> Array:
        """Return the rows."""
        return numbers(parts["rows"]).astype(np.float64)

    def logits(self, queries: Array, parts: Parts, n: int) -> Array:
        """Return products with the rows."""
        found: Array = queries @ numbers(parts["rows"]).astype(np.float64).swapaxes(1, 2)
        return found

    def weighted(self, weights: Array, parts: Parts, d: int) -> Array:
        """Return sums of the rows."""
        found: Array = weights @ numbers(parts["rows"]).astype(np.float64)
        return found

    def nbytes(self, n: int, d: int) -> int:
        """Return the bytes of `n` rows."""
        return n * d * self.itemsize
