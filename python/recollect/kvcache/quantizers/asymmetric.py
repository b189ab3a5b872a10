"""Whole numbers between the least and the greatest of a group (Liu and others, "KIVI", 2024)."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from recollect import _native
from recollect.checks import count_of, one_of
from recollect.errors import InvalidArgument
from recollect.kvcache.arrays import Array, numbers
from recollect.kvcache.lending import Lent
from recollect.kvcache.quantizers.codec import Codec, Parts
from recollect.kvcache.quantizers.half import half, half_scale, halves
from recollect.kvcache.quantizers.packing import packed, unpacked, words

if TYPE_CHECKING:
    from recollect.gpu.device import Device
    from recollect.kvcache.cuda.coded import Coded
    from recollect.kvcache.cuda.handing import Handed
    from recollect.kvcache.cuda.verdict import Verdict

__all__ = ["Asymmetric"]

AXES = ("channel", "token")


class Asymmetric(Codec):
    """``x = code * scale + zero`` with 2, 4 or 8 bits a code and both of the others in float16.

    Codes come of float32 arithmetic, one rounding a step, so that every machine can make the same.

    Parameters
    ----------
    bits
        Of a code.
    axis
        ``"channel"``: a group is `group` tokens of one channel, which suits keys; ``"token"``: `group`
        channels of one token, which suits values.
    group
        Elements that share scale and zero; None is 32, or all channels where 8 bits are kept by token.
    """

    def __init__(self, bits: int, axis: str = "channel", group: int | None = None) -> None:
        if bits not in (2, 4, 8):
            raise InvalidArgument(f"bits: expected 2, 4 or 8, found {bits}")
        self.bits, self.axis = bits, one_of(axis, AXES, "axis")
        self.name = f"int{bits}"
        self.by_token = axis == "token"
        default = None if bits == 8 and self.by_token else 32
        self.group = default if group is None else count_of(group, "group", 1)
        self.block = 1 if self.by_token or self.group is None else self.group

    def encode(self, rows: Array, counts: Array | None = None) -> Parts:
        """Return ``codes``, packed along the group's axis, ``scale`` and ``zero``."""
        blocks = self._blocks(numbers(rows).astype(np.float32))
        low, high = blocks.min((2, 4)), blocks.max((2, 4))
        with np.errstate(over="ignore"):
            scale = half_scale((high - low) / np.float32(2**self.bits - 1), "range")
        # Zero has no sign, whichever comes first.
        zero = half(low + np.float32(0), "least number")
        steps = (blocks - _spread(zero, np.float32)) / _spread(scale, np.float32)
        codes = np.clip(np.rint(steps), 0, 2**self.bits - 1).astype(np.uint8)
        _, n, d = rows.shape
        codes = _joined(codes)[:, :n, :d]
        along = codes if self.by_token else codes.swapaxes(1, 2)
        return {"codes": packed(np.ascontiguousarray(along), self.bits), "scale": scale, "zero": zero}

    def encode_native(self, rows: Lent, lengths: npt.NDArray[np.int64] | None, threads: int) -> Parts | None:
        """Return the same parts made by the native half."""
        n, d = rows.array.shape[2:]
        group = self.group or d
        heads = rows.array.shape[0] * rows.array.shape[1]
        found = _native.kvcache_whole_codes(
            rows.array, rows.form, lengths, self.bits, self.by_token, group, threads
        )
        if found is None:
            return None
        shape = (heads, n, -(-d // group)) if self.by_token else (heads, -(-n // group), d)
        along = (n, words(d, self.bits)) if self.by_token else (d, words(n, self.bits))
        scale, zero = (part.view(np.float16).reshape(shape) for part in found[1:])
        return {"codes": found[0].reshape(heads, *along), "scale": scale, "zero": zero}

    def encode_on(
        self, device: "Device", rows: "Handed", lengths: Array | None, verdict: "Verdict"
    ) -> Parts | None:
        """Return the same parts made on a device."""
        from recollect.kvcache.cuda.whole_codes import whole_codes

        group = self.group or rows.array.shape[3]
        found = whole_codes(device, rows, lengths, self.bits, self.by_token, group, verdict)
        return dict(zip(("codes", "scale", "zero"), found, strict=True))

    def lent(self, parts: Parts, n: int, d: int) -> tuple[object, ...]:
        """Return the parts as the native half takes them."""
        codes = np.ascontiguousarray(parts["codes"]).reshape(-1)
        steps = (halves(parts[name]) for name in ("scale", "zero"))
        return "whole", codes, *steps, self.bits, self.by_token, self.group or d

    def coded(self, parts: Parts, n: int, d: int) -> "Coded":
        """Return the parts as kernels read them."""
        from recollect.kvcache.cuda.coded import Coded

        scale, zero = (parts[name].view(np.uint16) for name in ("scale", "zero"))
        codec = "WHOLE" if self.by_token else "CHANNEL"
        return Coded(codec, self.bits, parts["codes"], scale, zero, n, d, self.group or d)

    def decode(self, parts: Parts, n: int, d: int) -> Array:
        """Return ``code * scale + zero``."""
        blocks = self._codes(parts, n, d) * _spread(parts["scale"]) + _spread(parts["zero"])
        return _joined(blocks)[:, :n, :d]

    def logits(self, queries: Array, parts: Parts, n: int) -> Array:
        """Return products with the codes, scaled, and with the zeros once a group."""
        heads, w, d = queries.shape
        codes = self._codes(parts, n, d)
        scale, zero = parts["scale"].astype(np.float64), parts["zero"].astype(np.float64)
        parted = np.pad(queries, ((0, 0), (0, 0), (0, codes.shape[3] * codes.shape[4] - d)))
        parted = parted.reshape(heads, w, *codes.shape[3:])
        base = np.einsum("hwcj,htc->hwt", parted, zero)[..., None]
        if self.by_token:
            inner = np.einsum("hwcj,hticj->hwtic", parted, codes)
            found = np.einsum("hwtic,htc->hwti", inner, scale) + base
        else:
            # The scales of a group go into the query once: a code costs one multiplication.
            folded = parted[:, :, None, :, 0] * scale[:, None]
            found = np.einsum("hwtc,htic->hwti", folded, codes[..., 0]) + base
        logits: Array = found.reshape(heads, w, codes.shape[1] * codes.shape[2])[:, :, :n]
        return logits

    def weighted(self, weights: Array, parts: Parts, d: int) -> Array:
        """Return sums of codes, scaled, and of zeros once a group."""
        heads, w, n = weights.shape
        codes = self._codes(parts, n, d)
        scale, zero = parts["scale"].astype(np.float64), parts["zero"].astype(np.float64)
        parted = np.pad(weights, ((0, 0), (0, 0), (0, codes.shape[1] * codes.shape[2] - n)))
        parted = parted.reshape(heads, w, *codes.shape[1:3])
        base = np.einsum("hwti,htc->hwc", parted, zero)[..., None]
        if self.by_token:
            folded = parted[..., 0][..., None] * scale[:, None]
            found = np.einsum("hwtc,htcj->hwcj", folded, codes[:, :, 0]) + base
        else:
            inner = np.einsum("hwti,hticj->hwtcj", parted, codes)
            found = np.einsum("hwtcj,htc->hwcj", inner, scale) + base
        sums: Array = found.reshape(heads, w, codes.shape[3] * codes.shape[4])[:, :, :d]
        return sums

    def nbytes(self, n: int, d: int) -> int:
        """Return the bytes of codes, scales and zeros of `n` rows."""
        group = self.group or d
        if self.by_token:
            return n * (words(d, self.bits) * 4 + -(-d // group) * 4)
        return d * (words(n, self.bits) * 4 + -(-n // group) * 4)

    def _blocks(self, rows: Array) -> Array:
        """Return ``[heads, token groups, tokens, channel groups, channels]``, short groups filled up."""
        heads, n, d = rows.shape
        group = self.group or d
        tokens, channels = (1, group) if self.by_token else (group, 1)
        more = ((0, 0), (0, -n % tokens), (0, -d % channels))
        # Repeating the last one changes neither the least nor the greatest.
        filled = np.pad(rows, more, mode="edge") if n else rows
        return filled.reshape(heads, -(-n // tokens), tokens, -(-d // channels), channels)

    def _codes(self, parts: Parts, n: int, d: int) -> Array:
        count = d if self.by_token else n
        codes = unpacked(parts["codes"], self.bits, count)
        rows = codes if self.by_token else codes.swapaxes(1, 2)
        return self._blocks(rows).astype(np.float64)


def _joined(blocks: Array) -> Array:
    heads, groups, tokens, parts, channels = blocks.shape
    return blocks.reshape(heads, groups * tokens, parts * channels)


def _spread(of_groups: Array, dtype: type[np.floating] = np.float64) -> Array:
    return of_groups.astype(dtype)[:, :, None, :, None]
