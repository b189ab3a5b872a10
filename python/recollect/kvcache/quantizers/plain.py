"""Rows as they are: the 16-bit end of every mixture."""

import numpy as np

from recollect.kvcache.arrays import Array, numbers
from recollect.kvcache.lending import lent
from recollect.kvcache.quantizers.codec import Codec, Parts

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

    def lent(self, parts: Parts, n: int, d: int) -> tuple[object, ...] | None:
        """Return the rows as the native half takes them; None for elements that it does not know."""
        found = lent(parts["rows"][None])
        return None if found is None else ("plain", found.array, found.form)

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
