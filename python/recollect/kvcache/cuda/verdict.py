"""Whether kernels met a number that cannot be quantized: a word in the memory of the CPU that they write."""

import contextlib
from collections.abc import Iterator

import numpy as np

from recollect.gpu.device import Array, Device

__all__ = ["Verdict", "judging"]


class Verdict:
    """What kernels that were launched since have found.

    The word lies where kernels and the CPU reach it, so nothing is copied: to know it is to wait for the
    stream. Several launches may share one, so that a call waits once for all of them.

    Parameters
    ----------
    device
        The current one.
    """

    __slots__ = ("_here", "_settled", "_there", "_xp")

    def __init__(self, device: Device) -> None:
        self._xp, self._settled = device.xp, True
        self._there: Array
        if self._xp is np:
            self._here = self._there = np.zeros(1, np.uint32)
            return
        cuda = self._xp.cuda
        pinned = cuda.alloc_pinned_memory(4)
        self._here = np.frombuffer(pinned, np.uint32, 1)
        self._here[0] = 0
        # Pinned memory has the same address on the device; it is given back with the last array of it.
        lent = cuda.UnownedMemory(pinned.ptr, 4, pinned, cuda.runtime.getDevice())
        self._there = self._xp.ndarray(1, np.uint32, cuda.MemoryPointer(lent, 0))

    @property
    def word(self) -> Array:
        """uint32 ``[1]`` for a kernel, which writes 1 where a number is not finite, or beyond 16 bits."""
        self._settled = False
        return self._there

    def broken(self) -> bool:
        """Return whether a number cannot be quantized; waits for kernels that have the word."""
        self.settle()
        return bool(self._here[0])

    def settle(self) -> None:
        """Wait for the current stream where a kernel in it may write."""
        if not self._settled and self._xp is not np:
            self._xp.cuda.get_current_stream().synchronize()
        self._settled = True


@contextlib.contextmanager
def judging(device: Device) -> Iterator[Verdict]:
    """Give a verdict whose word no kernel writes any more in the end, however that comes."""
    verdict = Verdict(device)
    try:
        yield verdict
    finally:
        verdict.settle()
