"""Queries and keys as kernels of attention take them: units that multiply, tiles, and what they share."""

from dataclasses import dataclass

from recollect.errors import InvalidArgument
from recollect.gpu.device import Device, Kernel
from recollect.kvcache.cuda.floats import floats_on
from recollect.kvcache.cuda.handing import Handed

__all__ = ["QUERIES", "Tiles", "tiles_of"]

QUERIES = 64
"""Queries of a tile."""

_PIECE, _STAGES = 128, 3


@dataclass(frozen=True, slots=True, eq=False)
class Tiles:
    """How queries meet keys.

    Attributes
    ----------
    queries, keys
        Both sides.
    defines
        What kernels are told of them.
    tile
        Keys of a tile; a block has twice as many threads.
    row_bytes
        Bytes of a row in shared memory.
    """

    queries: Handed
    keys: Handed
    defines: tuple[tuple[str, str], ...]
    tile: int
    row_bytes: int

    def kernel(self, source: str, name: str) -> Kernel:
        """Return a kernel for these forms and this tile."""
        return Kernel(source, name, self.defines)

    def shared(self, resident: int, streamed: int) -> int:
        """Return the bytes that a block shares for rows that stay, and for those that stream past."""
        return self.row_bytes * resident + _STAGES * streamed * _PIECE


def tiles_of(device: Device, queries: Handed, keys: Handed) -> Tiles:
    """Return how queries ``[batch, query_heads, w, d]`` meet keys ``[batch, heads, tokens, d]``.

    Matrix units multiply float16, and bfloat16 where the device has them; all else is multiplied in float32.

    Raises
    ------
    InvalidArgument
        If rows are longer than a block of the device can share.
    """
    same, dim = queries.form == keys.form, keys.array.shape[3]
    unit = {"F16": "Half", "BF16": "Brain"}.get(keys.form) if same else None
    if unit == "Brain" and device.architecture < 80:
        unit = None
    rows = queries if unit else Handed(floats_on(device, queries.array), "F32")
    row_bytes = -(-dim * (2 if unit else 4) // _PIECE) * _PIECE
    for tile in (128, 64):
        units = (("PLAIN", "0"), ("UNIT", unit)) if unit else (("PLAIN", "1"),)
        found = Tiles(rows, keys, (("FORM", keys.form), *units, ("KEYS", str(tile))), tile, row_bytes)
        most = max(found.shared(QUERIES, tile), found.shared(tile, QUERIES))
        if most + 4096 <= device.shared_bytes:
            return found
    raise InvalidArgument(
        f"keys: {dim} dimensions are more than a block of this GPU can share as float32; "
        'give queries and keys as float16, or backend="numpy"'
    )
