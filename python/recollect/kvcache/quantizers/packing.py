"""Codes of a few bits in words of 32, little-endian.

Element `j` of a row takes the bits from ``bits * j`` on, counted from the lowest bit of the first word; where
`bits` does not divide 32 an element may span two words. A row ends with zeros to a whole word. This is layout
1.
"""

import numpy as np
import numpy.typing as npt

from recollect.errors import InvalidArgument

__all__ = ["LAYOUT", "packed", "unpacked", "words"]

LAYOUT = 1
"""The version of the layout of everything that quantizers keep."""


def words(count: int, bits: int) -> int:
    """Return how many words `count` codes take."""
    return -(-count * bits // 32)


def packed(codes: npt.NDArray[np.uint8], bits: int) -> npt.NDArray[np.uint32]:
    """Return codes below ``2 ** bits``, ``[..., n]``, as words ``[..., words(n, bits)]``."""
    if not 1 <= bits <= 8:
        raise InvalidArgument(f"bits: expected 1 to 8, found {bits}")
    *leading, count = codes.shape
    length = words(count, bits)
    single = np.unpackbits(codes[..., None], axis=-1, count=bits, bitorder="little")
    stream = single.reshape(*leading, count * bits)
    padding = [(0, 0)] * len(leading) + [(0, 32 * length - count * bits)]
    octets = np.packbits(np.pad(stream, padding), axis=-1, bitorder="little")
    return octets.view("<u4").astype(np.uint32, copy=False).reshape(*leading, length)


def unpacked(found: npt.NDArray[np.uint32], bits: int, count: int) -> npt.NDArray[np.uint8]:
    """Return the first `count` codes of rows of words."""
    *leading, length = found.shape
    octets = np.ascontiguousarray(found, dtype="<u4").view(np.uint8).reshape(*leading, 4 * length)
    stream = np.unpackbits(octets, axis=-1, count=count * bits, bitorder="little")
    return np.packbits(stream.reshape(*leading, count, bits), axis=-1, bitorder="little")[..., 0]
