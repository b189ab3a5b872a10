"""Rows on a device in the form they are kept in, and in the form that matrix units multiply."""

import math
from typing import Any

import numpy as np

from recollect.errors import InvalidArgument
from recollect.gpu.device import Array, Device, Kernel

__all__ = ["FORMS", "Rows"]

FORMS = ("f32", "f16", "bf16", "int8")
"""The forms of rows: floats of 32 and 16 bits (bf16 as uint16), and codes of 8 with a scale each."""

_WARPS = 8
_TILE = 256
_GREATEST_NORM = 1e18
_HALF, _BRAIN, _BYTE = "Half", "Brain", "Byte"


class Rows:
    """Rows that queries are compared with; they are read and not changed.

    Parameters
    ----------
    device
        Where they are.
    data
        ``[n, d]``, contiguous: float32, float16, uint16 (bf16) or int8.
    form
        One of `FORMS`.
    scales
        float32 ``[n]`` for int8: a row is its codes times this.
    euclidean
        Whether they are scored by minus the squared distance, or else by the inner product.
    scan
        Whether they will be scanned, and not only scored one by one.

    Raises
    ------
    InvalidArgument
        If a component is not finite, or a norm is over 1e18 (also a ``ValueError``).
    """

    def __init__(
        self,
        device: Device,
        data: Array,
        form: str,
        scales: Array | None = None,
        euclidean: bool = False,
        scan: bool = True,
    ) -> None:
        self.device, self.data, self.form, self.scales, self.euclidean = device, data, form, scales, euclidean
        self.count, self.dim = int(data.shape[0]), int(data.shape[1])
        self.bias: Array | None = None
        self.norm, self.residual, self.exponent = 0.0, 0.0, 0
        xp = device.xp
        self.kind = (
            _BYTE if form == "int8" else _BRAIN if form == "bf16" and device.architecture >= 80 else _HALF
        )
        item = 1 if self.kind == _BYTE else 2
        self.width = -(-self.dim * item // 16) * 16 // item
        as_it_is = self.kind != _HALF or form == "f16" or not scan
        out = None
        if not as_it_is:
            self.exponent = self._exponent()
            out = xp.empty((self.count, self.width), dtype=np.uint16)
        squares, lost = (xp.empty(self.count, dtype=np.float64) for _ in range(2))
        if self.count:
            arguments = [data, scales, out, squares, lost, np.int32(FORMS.index(form)), np.uint32(self.dim),
                         np.uint32(self.width), np.uint32(self.count), np.int32(self.exponent)]  # fmt: skip
            grid = (-(-self.count // _WARPS),)
            device.launch(Kernel("queries", "prepare_rows"), grid, 32 * _WARPS, arguments)
            greatest = float(squares.max())
            if not greatest <= _GREATEST_NORM**2:
                raise InvalidArgument("matrix: a component is not finite, or a norm is over 1e18")
            self.norm = math.sqrt(greatest) * (1 + 1e-9)
            if out is not None:
                self.residual = math.sqrt(float(lost.max())) * (1 + 1e-9)
            if euclidean:
                self.bias = (squares * -0.5).astype(np.float32)
        self.scanned = data if not scan else out if out is not None else self._padded()
        self.factors = None if scales is None else _filled_up(xp, scales)
        self.bias = None if self.bias is None else _filled_up(xp, self.bias)

    @property
    def row_bytes(self) -> int:
        """Bytes of a row as it is scanned, a multiple of 16."""
        return self.width * (1 if self.kind == _BYTE else 2)

    def take(self, which: Array) -> "Rows":
        """Return the rows at positions, in that order."""
        part = Rows.__new__(Rows)
        part.__dict__.update(self.__dict__)
        part.data, part.scanned = self.data[which], self.scanned[which]
        part.scales = None if self.scales is None else self.scales[which]
        xp = self.device.xp
        part.factors = None if part.scales is None else _filled_up(xp, part.scales)
        part.bias = None if self.bias is None else _filled_up(xp, self.bias[which])
        part.count = int(which.shape[0])
        return part

    def _padded(self) -> Array:
        if self.width == self.dim:
            return self.data
        padded = self.device.xp.zeros((self.count, self.width), dtype=self.data.dtype)
        padded[:, : self.dim] = self.data
        return padded

    def _exponent(self) -> int:
        if not self.count:
            return 0
        xp = self.device.xp
        data: Any = self.data
        if self.form == "bf16":
            data = (data.astype(np.uint32) << 16).view(np.float32)
        # NaN comes out as NaN or is passed over; the norms find it.
        greatest = max(float(xp.max(data)), -float(xp.min(data)))
        if not 0 < greatest < math.inf:
            return 0
        return 8 - math.frexp(greatest)[1]


def _filled_up(xp: Any, facts: Array) -> Array:
    """Return facts of rows with zeros up to a whole tile, so that a scan need not ask where they end."""
    whole = xp.zeros(-(-len(facts) // _TILE) * _TILE, dtype=np.float32)
    whole[: len(facts)] = facts
    return whole
