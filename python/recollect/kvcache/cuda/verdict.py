"""Whether kernels met a number that cannot be quantized: a word in the memory of the CPU that they write."""

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from recollect.gpu.device import Array, Device
from recollect.kvcache.cuda.waiting import wait_for

__all__ = ["Verdict", "judging"]


class _Word:
    """A word where kernels and the CPU reach it, and the event that says when kernels are through with it."""

    __slots__ = ("event", "here", "there")

    def __init__(self, cuda: Any, number: int, array_of: Any) -> None:
        pinned = cuda.alloc_pinned_memory(4)
        self.here: npt.NDArray[np.uint32] = np.frombuffer(pinned, np.uint32, 1)
        self.here[0] = 0
        # Pinned memory has the same address on the device.
        lent = cuda.UnownedMemory(pinned.ptr, 4, pinned, number)
        self.there: Array = array_of(1, np.uint32, cuda.MemoryPointer(lent, 0))
        self.event: Any = cuda.Event(disable_timing=True)


_MADE: list[_Word] = []
"""All words, which are never given back: one that nobody waited for may still be written."""
_FREE: dict[int, list[_Word]] = {}
"""Zeros that no kernel has, by the number of a device."""


class Verdict:
    """What kernels that were launched since have found.

    The word lies where kernels and the CPU reach it, so nothing is copied: to know it is to wait for an
    event. Several launches may share one, so that a call waits once for all of them.

    Parameters
    ----------
    device
        The current one.
    """

    __slots__ = ("_found", "_free", "_marked", "_number", "_word", "_xp")

    def __init__(self, device: Device) -> None:
        self._xp, self._found, self._marked = device.xp, False, False
        self._word: Any = None
        if self._xp is not np:
            self._number = int(self._xp.cuda.runtime.getDevice())
            self._free = _FREE.setdefault(self._number, [])

    @property
    def word(self) -> Array:
        """uint32 ``[1]`` for a kernel, which writes 1 where a number is not finite, or beyond 16 bits."""
        self._marked = False
        if self._xp is np:
            if self._word is None:
                self._word = np.zeros(1, np.uint32)
            return self._word
        if self._word is None:
            try:
                self._word = self._free.pop()
            except IndexError:
                self._word = _Word(self._xp.cuda, self._number, self._xp.ndarray)
                _MADE.append(self._word)
        return self._word.there

    def mark(self) -> None:
        """Note where the current stream is: from here on the verdict can be asked for anywhere."""
        if self._word is not None and not self._marked and self._xp is not np:
            self._word.event.record()
        self._marked = True

    def broken(self) -> bool:
        """Return whether a number cannot be quantized; waits for kernels that have the word."""
        self.settle()
        return self._found

    def settle(self) -> None:
        """Wait for kernels that have the word, if there are any."""
        word = self._word
        if word is None:
            return
        if self._xp is np:
            self._found, self._word = self._found or bool(word[0]), None
            return
        self.mark()
        wait_for(self._xp.cuda.runtime, word.event)
        if word.here[0]:
            self._found, word.here[0] = True, 0
        self._word = None
        self._free.append(word)


@contextlib.contextmanager
def judging(device: Device) -> Iterator[Verdict]:
    """Give a verdict that can be asked for afterwards, wherever; after an error no kernel has its word."""
    verdict = Verdict(device)
    try:
        yield verdict
    except Exception:
        verdict.settle()
        raise
    verdict.mark()
