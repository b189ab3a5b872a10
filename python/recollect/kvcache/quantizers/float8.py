"""Eight-bit floats, e4m3, scaled so that the greatest is 448."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from recollect import _native
from recollect.checks import one_of
from recollect.kvcache.arrays import Array, numbers
from recollect.kvcache.float_formats import E4M3_MAX, e4m3_bits, from_e4m3
from recollect.kvcache.lending import Lent
from recollect.kvcache.quantizers.codec import Codec, Parts
from recollect.kvcache.quantizers.half import half_scale, halves

if TYPE_CHECKING:
    from recollect.gpu.device import Device
    from recollect.kvcache.cuda.coded import Coded
    from recollect.kvcache.cuda.handing import Handed
    from recollect.kvcache.cuda.verdict import Verdict

__all__ = ["Float8"]

SCALES = ("token", "channel", "head")


class Float8(Codec):
    """``x = e4m3 * scale``, with the scale in float16; codes come of float32 arithmetic.

    Parameters
    ----------
    scale
        What shares one: ``"token"`` all channels of a token of a head, ``"channel"`` one channel of a block
        of `block` tokens, ``"head"`` such a block.
    block
        Tokens of a block.
    """

    name = "fp8"

    def __init__(self, scale: str = "token", block: int = 128) -> None:
        self.scale = one_of(scale, SCALES, "scale")
        self.block = 1 if scale == "token" else block

    def encode(self, rows: Array, counts: Array | None = None) -> Parts:
        """Return ``codes``, one byte each, and ``scale``."""
        found = numbers(rows).astype(np.float32)
        heads, n, d = found.shape
        blocks = np.pad(np.abs(found), ((0, 0), (0, -n % self.block), (0, 0)))
        blocks = blocks.reshape(heads, -(-n // self.block), self.block, d)
        greatest = (
            blocks.max(2, initial=0) if self.scale == "channel" else blocks.max((2, 3), initial=0)[..., None]
        )
        scale = half_scale(greatest / np.float32(E4M3_MAX), "greatest number")
        return {"codes": e4m3_bits(found / self._spread(scale, n).astype(np.float32)), "scale": scale}

    def encode_native(self, rows: Lent, lengths: npt.NDArray[np.int64] | None, threads: int) -> Parts | None:
        """Return the same parts made by the native half."""
        batch, heads, n, d = rows.array.shape
        found = _native.kvcache_float8_codes(rows.array, rows.form, lengths, self.scale, self.block, threads)
        if found is None:
            return None
        steps = (batch * heads, -(-n // self.block), d if self.scale == "channel" else 1)
        return {
            "codes": found[0].reshape(batch * heads, n, d),
            "scale": found[1].view(np.float16).reshape(steps),
        }

    def encode_on(
        self, device: "Device", rows: "Handed", lengths: Array | None, verdict: "Verdict"
    ) -> Parts | None:
        """Return the same parts made on a device."""
        from recollect.kvcache.cuda.float8_codes import float8_codes

        found = float8_codes(device, rows, lengths, self.scale, self.block, verdict)
        return {"codes": found[0], "scale": found[1]}

    def lent(self, parts: Parts, n: int, d: int) -> tuple[object, ...]:
        """Return the parts as the native half takes them."""
        codes = np.ascontiguousarray(parts["codes"]).reshape(-1)
        return "float8", codes, halves(parts["scale"]), self.scale, self.block

    def coded(self, parts: Parts, n: int, d: int) -> "Coded":
        """Return the parts as kernels read them."""
        from recollect.kvcache.cuda.coded import Coded

        scale, steps = parts["scale"].view(np.uint16), d if self.scale == "channel" else 1
        return Coded("FLOAT8", 8, parts["codes"], scale, None, n, d, steps, self.block)

    def decode(self, parts: Parts, n: int, d: int) -> Array:
        """Return ``e4m3 * scale``."""
        return from_e4m3(parts["codes"]) * self._spread(parts["scale"], n)

    def logits(self, queries: Array, parts: Parts, n: int) -> Array:
        """Return products with the scaled codes."""
        found: Array = queries @ self.decode(parts, n, queries.shape[2]).swapaxes(1, 2)
        return found

    def weighted(self, weights: Array, parts: Parts, d: int) -> Array:
        """Return sums of the scaled codes."""
        found: Array = weights @ self.decode(parts, weights.shape[2], d)
        return found

    def nbytes(self, n: int, d: int) -> int:
        """Return the bytes of codes and scales of `n` rows."""
        return n * d + -(-n // self.block) * 2 * (d if self.scale == "channel" else 1)

    def _spread(self, scale: Array, n: int) -> Array:
        return np.repeat(scale.astype(np.float64), self.block, axis=1)[:, :n]
