"""Times of calls on a device, by events in its stream, in turns."""

from collections.abc import Callable, Mapping

import cupy
import numpy as np
import torch

__all__ = ["milliseconds"]

Call = Callable[[int], object]
"""A call with the number of the round, by which it takes its buffers in turn."""


_HELD = 40_000_000
"""Cycles for which the device is kept from a call that is queued: some 20 ms."""


def milliseconds(
    calls: Mapping[str, Call], rounds: int = 15, warm: int = 3, *, queued: bool = False
) -> dict[str, float]:
    """Return the median of each call over rounds in which all have a turn.

    The device is idle before a call, so whatever that does on the host counts too; with `queued` it is busy
    until the call has been given to it, and what counts is what the device does (and the host from where a
    call waits for the device on).
    """
    times: dict[str, list[float]] = {name: [] for name in calls}
    for number in range(-warm, rounds):
        for name, call in calls.items():
            begin, end = cupy.cuda.Event(), cupy.cuda.Event()
            cupy.cuda.Device().synchronize()
            if queued:
                torch.cuda._sleep(_HELD)
            begin.record()
            kept = call(number % 4)
            end.record()
            end.synchronize()
            del kept
            if number >= 0:
                times[name].append(cupy.cuda.get_elapsed_time(begin, end))
    return {name: float(np.median(found)) for name, found in times.items()}
