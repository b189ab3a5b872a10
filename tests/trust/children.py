"""Runs a function in a forked child, so that a crash there is a result here."""

import os
import pickle
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable
from typing import NoReturn, TypeVar

__all__ = ["ChildDied", "ChildFailed", "fork", "in_child", "start"]

T = TypeVar("T")


class ChildDied(AssertionError):
    """A child was ended by a signal, or did not end in time."""


class ChildFailed(AssertionError):
    """A child raised; the message is its traceback."""


def fork(function: Callable[[], object]) -> int:
    """Run a function in a child and give its process number; the child ends without clean-up."""
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        _end(function)
    return child


def _end(function: Callable[[], object]) -> NoReturn:
    code = 1
    try:
        function()
        code = 0
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(code)


class start:
    """A function running in a child; :meth:`result` waits for what it returns."""

    def __init__(self, function: Callable[..., T], *arguments: object) -> None:
        self._answers, writing = os.pipe()

        def child() -> None:
            os.close(self._answers)
            try:
                answer = (True, function(*arguments))
            except BaseException:
                answer = (False, traceback.format_exc())
            with os.fdopen(writing, "wb") as answers:
                pickle.dump(answer, answers)

        self.process = fork(child)
        os.close(writing)

    def result(self, timeout: float = 120) -> T:
        """Return what the function returned; raise :class:`ChildFailed` or :class:`ChildDied`."""
        answer = _read_all(self._answers, time.monotonic() + timeout)
        if answer is None:
            os.kill(self.process, signal.SIGKILL)
        _, status = os.waitpid(self.process, 0)
        if answer is None:
            raise ChildDied(f"no answer within {timeout} s")
        if os.WIFSIGNALED(status):
            raise ChildDied(f"ended by {signal.Signals(os.WTERMSIG(status)).name}")
        if not answer:
            raise ChildDied(f"ended with code {os.WEXITSTATUS(status)} before it answered")
        good, value = pickle.loads(answer)
        if not good:
            raise ChildFailed(value)
        return value


def in_child(function: Callable[..., T], *arguments: object, timeout: float = 120) -> T:
    """Run a function in a child and return what it returns."""
    return start(function, *arguments).result(timeout)


def _read_all(pipe: int, deadline: float) -> bytes | None:
    """Read a pipe to its end; None where the end does not come in time."""
    read = bytearray()
    with os.fdopen(pipe, "rb", buffering=0) as answers:
        while select.select([answers], [], [], max(0.0, deadline - time.monotonic()))[0]:
            part = answers.read(1 << 16)
            if not part:
                return bytes(read)
            read += part
    return None
