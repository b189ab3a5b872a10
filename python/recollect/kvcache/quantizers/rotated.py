"""One to four bits an element of centred and rotated rows, corrected so that inner products have no bias.

The codes of one bit are those of the vector index (:class:`recollect.rabitq.RabitqCodes`): signs after a
random rotation, with the factor ``|y|^2 / (y . code)``. More bits take the levels of Lloyd and Max for a
normal distribution, which the elements of a rotated row come near. The factor, and not the one of least
error, makes the product of a row with its own estimate right: least error would shrink every logit.

Sources: Gao and Long, "RaBitQ" (SIGMOD 2024); Max, "Quantizing for minimum distortion" (1960); Ailon and
Chazelle, "The fast Johnson-Lindenstrauss transform" (2009) for the signed Hadamard rotation.
"""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from recollect import _native
from recollect.checks import count_of, seed_of
from recollect.errors import InvalidArgument
from recollect.kvcache.arrays import Array, numbers
from recollect.kvcache.lending import Lent
from recollect.kvcache.quantizers.codec import Codec, Parts
from recollect.kvcache.quantizers.half import half, halves
from recollect.kvcache.quantizers.packing import packed, unpacked, words
from recollect.kvcache.splitmix import signs

if TYPE_CHECKING:
    from recollect.gpu.device import Device
    from recollect.kvcache.cuda.coded import Coded
    from recollect.kvcache.cuda.handing import Handed
    from recollect.kvcache.cuda.verdict import Verdict

__all__ = ["DISTORTION", "LEVELS", "Rotated"]

_POSITIVE = {
    1: [0.797884561],
    2: [0.452780035, 1.510417608],
    3: [0.245094179, 0.756005281, 1.343909279, 2.151945705],
    4: [
        0.12839503,
        0.388048299,
        0.656759119,
        0.942340456,
        1.256231197,
        1.618046386,
        2.069017227,
        2.732589571,
    ],
}
LEVELS = {bits: np.array([-one for one in reversed(upper)] + upper) for bits, upper in _POSITIVE.items()}
"""The levels of Lloyd and Max for the standard normal distribution, by bits."""

DISTORTION = {1: 0.363380228, 2: 0.117481848, 3: 0.034547761, 4: 0.009501008}
"""Mean squared error of these levels, in units of the variance."""


class Rotated(Codec):
    """``x = mean + R' (factor * level[code])``; rotation by signs and a Hadamard matrix.

    Rows are centred and turned in float32, neighbours first, so that every machine can make the same signs;
    lengths and means are summed in float64.

    Parameters
    ----------
    bits
        Of a code: 1, 2, 3 or 4.
    block
        Tokens that share a mean; None takes one mean for all rows that are encoded together, which moves
        every logit of a query alike.
    seed
        Where the signs come from, 0 to 2**64 - 1.
    """

    def __init__(self, bits: int, block: int | None = 128, seed: int = 0) -> None:
        if bits not in LEVELS:
            raise InvalidArgument(f"bits: expected 1, 2, 3 or 4, found {bits}")
        self.bits, self.seed = bits, seed_of(seed)
        self.name = f"rot{bits}"
        self.means = None if block is None else count_of(block, "block", 1)
        self.block, self.cuts = self.means or 1, block is not None

    def encode(self, rows: Array, counts: Array | None = None) -> Parts:
        """Return ``codes`` of elements, a ``factor`` a row, and a ``mean`` a block."""
        found = numbers(rows).astype(np.float64)
        n = found.shape[1]
        mean = half(self._means(found, counts), "mean")
        centred = found.astype(np.float32) - self._spread(mean, n).astype(np.float32)
        turned = self._turned(centred).astype(np.float64)
        length = np.sqrt((turned**2).sum(-1, keepdims=True))
        scaled = turned * (np.sqrt(turned.shape[-1]) / np.where(length > 0, length, 1))
        levels = LEVELS[self.bits]
        codes = np.searchsorted((levels[1:] + levels[:-1]) / 2, scaled, "right").astype(np.uint8)
        product = (turned * levels[codes]).sum(-1)
        factor = length[..., 0] ** 2 / np.where(product > 0, product, 1)
        return {
            "codes": packed(codes, self.bits),
            "factor": half(factor, "distance to the mean"),
            "mean": mean,
        }

    def encode_native(self, rows: Lent, lengths: npt.NDArray[np.int64] | None, threads: int) -> Parts | None:
        """Return the same parts made by the native half; none of rows of one element."""
        batch, heads, n, d = rows.array.shape
        if d == 1:  # NumPy adds single numbers in another order than rows.
            return None
        block = self.means or max(n, 1)
        turns = signs(d, self.seed).astype(np.float32)
        found = _native.kvcache_turned_codes(rows.array, rows.form, lengths, self.bits, block, turns, threads)
        if found is None:
            return None
        return {
            "codes": found[0].reshape(batch * heads, n, words(_width(d), self.bits)),
            "factor": found[1].view(np.float16).reshape(batch * heads, n),
            "mean": found[2].view(np.float16).reshape(batch * heads, -(-n // block), d),
        }

    def encode_on(
        self, device: "Device", rows: "Handed", lengths: Array | None, verdict: "Verdict"
    ) -> Parts | None:
        """Return the same parts made on a device; none of rows of one element."""
        n, d = rows.array.shape[2:]
        if d == 1:  # NumPy adds single numbers in another order than rows.
            return None
        from recollect.kvcache.cuda.turned_codes import turned_codes

        found = turned_codes(device, rows, lengths, self.bits, self.means or max(n, 1), self.seed, verdict)
        return None if found is None else dict(zip(("codes", "factor", "mean"), found, strict=True))

    def lent(self, parts: Parts, n: int, d: int) -> tuple[object, ...]:
        """Return the parts as the native half takes them."""
        codes = np.ascontiguousarray(parts["codes"]).reshape(-1)
        turns = signs(d, self.seed).astype(np.float32)
        found = (halves(parts[name]) for name in ("factor", "mean"))
        return "turned", codes, *found, self.bits, self.means or max(n, 1), turns

    def coded(self, parts: Parts, n: int, d: int) -> "Coded":
        """Return the parts as kernels read them."""
        from recollect.kvcache.cuda.coded import Coded

        factor, mean = (parts[name].view(np.uint16) for name in ("factor", "mean"))
        block = self.means or max(n, 1)
        return Coded("ROTATED", self.bits, parts["codes"], factor, mean, n, d, 1, block, seed=self.seed)

    def decode(self, parts: Parts, n: int, d: int) -> Array:
        """Return the rows that the codes stand for."""
        return self._spread(parts["mean"], n) + self._turned_back(self._estimates(parts, d), d)

    def logits(self, queries: Array, parts: Parts, n: int) -> Array:
        """Return products of turned queries with codes, and of queries with the means."""
        d = queries.shape[2]
        found: Array = self._turned(queries) @ self._estimates(parts, d).swapaxes(1, 2)
        return found + self._spread((queries @ parts["mean"].astype(np.float64).swapaxes(1, 2)), n, 2)

    def weighted(self, weights: Array, parts: Parts, d: int) -> Array:
        """Return sums of codes, turned back once, and of means."""
        n = weights.shape[2]
        of_means: Array = weights @ self._spread(parts["mean"], n)
        return of_means + self._turned_back(weights @ self._estimates(parts, d), d)

    def nbytes(self, n: int, d: int) -> int:
        """Return the bytes of codes, factors and means of `n` rows."""
        blocks = -(-n // (self.means or max(n, 1)))
        return n * (words(_width(d), self.bits) * 4 + 2) + blocks * d * 2

    def _means(self, rows: Array, counts: Array | None) -> Array:
        heads, n, d = rows.shape
        size = self.means or max(n, 1)
        means = np.zeros((heads, -(-n // size), d))
        for head, count in enumerate(np.full(heads, n) if counts is None else counts):
            for block, start in enumerate(range(0, int(count), size)):
                means[head, block] = rows[head, start : min(start + size, int(count))].mean(0)
        return means

    def _estimates(self, parts: Parts, d: int) -> Array:
        codes = unpacked(parts["codes"], self.bits, _width(d))
        found: Array = LEVELS[self.bits][codes] * parts["factor"].astype(np.float64)[..., None]
        return found

    def _spread(self, of_blocks: Array, n: int, axis: int = 1) -> Array:
        repeated = np.repeat(of_blocks.astype(np.float64), self.means or max(n, 1), axis=axis)
        found: Array = repeated[:, :n] if axis == 1 else repeated[:, :, :n]
        return found

    def _turned(self, rows: Array) -> Array:
        d, width = rows.shape[-1], _width(rows.shape[-1])
        filled = np.pad(rows * signs(d, self.seed).astype(rows.dtype), ((0, 0), (0, 0), (0, width - d)))
        return _hadamard(filled)

    def _turned_back(self, rows: Array, d: int) -> Array:
        found: Array = _hadamard(rows)[..., :d] * signs(d, self.seed)
        return found


def _width(d: int) -> int:
    """Return the power of two that rows of `d` elements are filled up to."""
    return 1 << max(d - 1, 0).bit_length()


def _hadamard(rows: Array) -> Array:
    """Return rows times the symmetric orthogonal Hadamard matrix; their length is a power of two."""
    *leading, width = rows.shape
    found, half_width = rows, 1
    while half_width < width:
        pairs = found.reshape(*leading, width // (2 * half_width), 2, half_width)
        first, second = pairs[..., 0, :], pairs[..., 1, :]
        found = np.stack([first + second, first - second], axis=-2).reshape(*leading, width)
        half_width *= 2
    scaled: Array = found * found.dtype.type(width**-0.5)
    return scaled
