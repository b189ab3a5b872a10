"""Number formats that NumPy lacks, as integers that hold their bits: bfloat16 in 16, float8 e4m3 in 8.

Source of e4m3: Micikevicius and others, "FP8 formats for deep learning" (2022): bias 7, no infinities, the
two patterns of ones are NaN, the greatest number is 448.
"""

import numpy as np
import numpy.typing as npt

__all__ = ["E4M3_MAX", "bf16_bits", "e4m3_bits", "from_bf16", "from_e4m3"]

Floats = npt.NDArray[np.float32]

E4M3_MAX = 448.0
"""The greatest number of float8 e4m3."""


def from_bf16(bits: npt.NDArray[np.uint16]) -> Floats:
    """Return the numbers of bfloat16 patterns; exact."""
    return (bits.astype(np.uint32) << 16).view(np.float32)


def bf16_bits(numbers: npt.ArrayLike) -> npt.NDArray[np.uint16]:
    """Return the nearest bfloat16 patterns, ties to even; NaN stays NaN."""
    floats = np.asarray(numbers, dtype=np.float32)
    bits = np.ascontiguousarray(floats).view(np.uint32).reshape(floats.shape)
    rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16
    quiet = (bits >> 16) | 0x40
    return np.where(np.isnan(floats), quiet, rounded).astype(np.uint16)


def _e4m3_table() -> Floats:
    code = np.arange(128)
    exponent, fraction = code >> 3, code & 7
    normal = np.ldexp(1 + fraction / 8, exponent - 7)
    positive = np.where(exponent > 0, normal, np.ldexp(fraction / 8, -6))
    positive[127] = np.nan
    return np.concatenate([positive, -positive]).astype(np.float32)


_E4M3 = _e4m3_table()
_POSITIVE = _E4M3[:127].astype(np.float64)
_MIDDLES = (_POSITIVE[1:] + _POSITIVE[:-1]) / 2


def from_e4m3(bits: npt.NDArray[np.uint8]) -> Floats:
    """Return the numbers of e4m3 patterns; exact."""
    return _E4M3[bits]


def e4m3_bits(numbers: npt.ArrayLike) -> npt.NDArray[np.uint8]:
    """Return the nearest e4m3 patterns, ties to even; what is beyond the greatest becomes the greatest."""
    floats = np.asarray(numbers, dtype=np.float64)
    size = np.abs(floats)
    # The code after a middle is even where its number is: go up from a tie only then.
    low, high = np.searchsorted(_MIDDLES, size, "left"), np.searchsorted(_MIDDLES, size, "right")
    code = np.where(low == high, low, np.where(low % 2 == 0, low, high))
    code = np.where(np.isnan(floats), 127, np.minimum(code, 126))
    return (code | np.where(np.signbit(floats), 128, 0)).astype(np.uint8)
