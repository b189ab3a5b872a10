"""Times of calls on a device, by events in its stream, in turns."""

from collections.abc import Callable, Mapping

import cupy
import numpy as np

__all__ = ["milliseconds"]

Call = Callable[[int], object]
"""A call with the number of the round, by which it takes its buffers in turn."""


def milliseconds(calls: Mapping[str, Call], rounds: int = 15, warm: int = 3) -> dict[str, float]:
    """Return the median of each call over rounds in which all have a turn.

    The end is waited for in every turn, so whatever a call does on the host counts too.
    """
    times: dict[str, list[float]] = {name: [] for name in calls}
    for number in range(-warm, rounds):
        for name, call in calls.items():
            begin, end = cupy.cuda.Event(), cupy.cuda.Event()
            cupy.cuda.Device().synchronize()
            begin.record()
            kept = call(number % 4)
            end.record()
            end.synchronize()
            del kept
            if number >= 0:
                times[name].append(cupy.cuda.get_elapsed_time(begin, end))
    return {name: float(np.median(found)) for name, found in times.items()}
