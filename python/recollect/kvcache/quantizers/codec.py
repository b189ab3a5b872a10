"""What every quantizer is: rows to parts, and the two products of attention on these parts."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from recollect.kvcache.arrays import Array
from recollect.kvcache.lending import Lent

if TYPE_CHECKING:
    from recollect.gpu.device import Device
    from recollect.kvcache.cuda.coded import Coded
    from recollect.kvcache.cuda.handing import Handed
    from recollect.kvcache.cuda.verdict import Verdict

__all__ = ["Codec", "Parts", "lent_by", "made_natively"]

Parts = Mapping[str, Array]
"""What is kept of an array: its codes and what they mean, by name; each has the rows of a head in front."""


class Codec(ABC):
    """A way to keep rows ``[heads, n, d]``.

    Attributes
    ----------
    name
        Its name.
    block
        Tokens whose codes depend on each other: rows cut at multiples of it have the codes of the whole.
    cuts
        Whether that holds; not where all rows that are encoded together share something.
    """

    name: str
    block: int = 1
    cuts: bool = True

    @abstractmethod
    def encode(self, rows: Array, counts: Array | None = None) -> Parts:
        """Return the parts of rows, which are finite; of floats, or integers that hold the bits of such.

        Where `counts` says how many rows of each head count, those behind repeat the last one that does.
        """

    def encode_native(self, rows: Lent, lengths: npt.NDArray[np.int64] | None, threads: int) -> Parts | None:
        """Return the same parts made by the native half, of ``[batch, heads, n, d]``; None where it does not.

        What lies behind `lengths` of a sequence is padding and repeats the last row before it.
        """
        return None

    def encode_on(
        self, device: "Device", rows: "Handed", lengths: Array | None, verdict: "Verdict"
    ) -> Parts | None:
        """Return the same parts made on a device, of ``[batch, heads, n, d]``; None where it does not.

        What lies behind `lengths`, uint32 ``[batch]`` on the device, is padding and repeats the last row
        before it. Nothing waits for the device: the parts are good unless the verdict is that a number is
        broken.
        """
        return None

    def lent(self, parts: Parts, n: int, d: int) -> tuple[object, ...] | None:
        """Return the parts of heads of `n` rows as the native half takes them; None where it does not."""
        return None

    def coded(self, parts: Parts, n: int, d: int) -> "Coded | None":
        """Return parts on a device, side by side, as kernels read them; None where they do not know them."""
        return None

    @abstractmethod
    def decode(self, parts: Parts, n: int, d: int) -> Array:
        """Return rows out of their parts, float64 ``[heads, n, d]``."""

    @abstractmethod
    def logits(self, queries: Array, parts: Parts, n: int) -> Array:
        """Return the products of queries ``[heads, w, d]`` with the rows, float64 ``[heads, w, n]``."""

    @abstractmethod
    def weighted(self, weights: Array, parts: Parts, d: int) -> Array:
        """Return the sums of rows by weights ``[heads, w, n]``, float64 ``[heads, w, d]``."""

    @abstractmethod
    def nbytes(self, n: int, d: int) -> int:
        """Return the bytes of the parts of one head of `n` rows."""


def made_natively(codec: Codec) -> bool:
    """Return whether the native half makes the parts of a codec; never those of a class derived from one."""
    return "encode_native" in vars(type(codec))


def lent_by(codec: Codec, parts: Parts, n: int, d: int) -> tuple[object, ...] | None:
    """Return parts as the native half takes them; None where it does not, as of a class derived from one."""
    return codec.lent(parts, n, d) if "lent" in vars(type(codec)) else None
