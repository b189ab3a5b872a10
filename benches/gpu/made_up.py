"""Vectors that are made up on the device: clusters of a hundred, of length one."""

from dataclasses import dataclass
from typing import Any

import cupy
import torch

__all__ = ["Made", "formed", "made"]

_AT_ONCE = 1_000_000


@dataclass(frozen=True)
class Made:
    """Rows float32 ``[n, d]`` and four sets of queries, as tensors; the same as arrays of CuPy."""

    rows: Any
    queries: list[Any]

    @property
    def arrays(self) -> Any:
        """The rows as an array of CuPy."""
        return cupy.from_dlpack(self.rows)


def made(n: int, dim: int, queries: int, seed: int = 1) -> Made:
    """Return rows around ``n / 100`` centres, and queries around the same ones."""
    torch.manual_seed(seed)
    centres = torch.randn(max(n // 100, 1), dim, device="cuda")

    def some(count: int) -> Any:
        out = torch.empty(count, dim, device="cuda")
        for start in range(0, count, _AT_ONCE):
            size = min(_AT_ONCE, count - start)
            part = centres[torch.randint(0, len(centres), (size,), device="cuda")]
            part += 0.8 * torch.randn(size, dim, device="cuda")
            out[start : start + size] = part / part.norm(dim=1, keepdim=True)
        return out

    return Made(some(n), [some(queries) for _ in range(4)])


def formed(rows: Any, form: str) -> tuple[Any, Any]:
    """Return rows of CuPy in a form, and the scales of int8."""
    if form == "f32":
        return rows, None
    if form == "f16":
        return rows.astype(cupy.float16), None
    if form == "bf16":
        tensor = torch.from_dlpack(rows).to(torch.bfloat16).view(torch.int16)
        return cupy.from_dlpack(tensor).view(cupy.uint16), None
    codes, scales = cupy.empty(rows.shape, dtype=cupy.int8), cupy.empty(len(rows), dtype=cupy.float32)
    for start in range(0, len(rows), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        scales[part] = cupy.abs(rows[part]).max(axis=1) / 127
        codes[part] = cupy.rint(rows[part] / scales[part, None]).astype(cupy.int8)
    return codes, scales
