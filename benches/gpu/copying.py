"""What the device can copy, which is what everything that streams is measured against."""

from collections.abc import Iterator

import cupy

from benches.gpu.row import GpuRow
from benches.gpu.timing import milliseconds

__all__ = ["rows_of"]


def rows_of(size: int, rounds: int) -> Iterator[GpuRow]:
    """Yield the copy of so many bytes."""
    pairs = [
        (cupy.random.random(size // 4, dtype=cupy.float32), cupy.empty(size // 4, cupy.float32)) for _ in "ab"
    ]
    took = milliseconds({"copy": lambda at: cupy.copyto(*reversed(pairs[at % 2]))}, rounds)["copy"]
    yield GpuRow(
        work="copy", engine="cupy.copyto", form="f32", n=size // 4, ms=took, gb_per_s=2e-6 * size / took
    )
