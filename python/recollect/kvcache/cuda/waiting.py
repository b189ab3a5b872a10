"""Waiting for a device, while signals are handled and other threads have their turn."""

import select
from typing import Any

__all__ = ["wait_for"]

_NOT_READY = 600


def wait_for(runtime: Any, event: Any) -> None:
    """Return once all is done that an event was recorded behind.

    It is asked again and again, as nothing wakes sooner. In between the interpreter is given up: other
    threads run, and an interrupt ends the wait.

    Parameters
    ----------
    runtime
        ``cupy.cuda.runtime``.
    event
        Recorded in any stream, of any device.
    """
    others_have_a_turn = select.poll().poll
    while (status := runtime.eventQuery(event.ptr)) == _NOT_READY:
        others_have_a_turn(0)
    if status:
        # Raises what went wrong.
        event.synchronize()
