"""What all tests share: strict warnings, Hypothesis profiles, stores with a clock that stands still."""

import gc
import os
import signal
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import settings

import recollect
from recollect.embedding.hashing import HashingEmbedder

settings.register_profile("fast", max_examples=40, deadline=None)
settings.register_profile("slow", max_examples=1000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fast"))

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def pytest_configure(config: pytest.Config) -> None:
    """Make every warning an error, also where the tests run without the project's settings."""
    config.addinivalue_line("filterwarnings", "error")


class Clock:
    """Tells the time it was set to."""

    def __init__(self) -> None:
        self.time = NOON

    def __call__(self) -> datetime:
        return self.time

    def forward(self, **units: float) -> None:
        """Move on by days, hours, seconds and so on."""
        self.time += timedelta(**units)


@pytest.fixture
def clock() -> Clock:
    """Return a clock at noon of 2026-06-01."""
    return Clock()


@pytest.fixture
def memory(clock: Clock) -> Iterator[recollect.Memory]:
    """Return a memory that is not on disk, with hashed vectors."""
    with recollect.open(embedder=HashingEmbedder(), clock=clock) as opened:
        yield opened


@pytest.fixture
def lexical(clock: Clock) -> Iterator[recollect.Memory]:
    """Return a memory that is not on disk, without an embedder."""
    with recollect.open(clock=clock) as opened:
        yield opened


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where a store may be made."""
    return tmp_path / "agent.rcl"


@pytest.fixture
def interrupted() -> Iterator[Callable[[float], None]]:
    """Return what sends a Ctrl-C to this process some seconds later."""
    timers = []

    def later(seconds: float) -> None:
        timers.append(threading.Timer(seconds, signal.raise_signal, [signal.SIGINT]))
        timers[-1].start()

    # A run that was started in the background hands down an ignored SIGINT.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    # Python swallows an interrupt that meets a callback of the collector of garbage, and Hypothesis has one.
    gc.disable()
    try:
        yield later
    finally:
        for timer in timers:
            timer.cancel()
            timer.join()
        gc.enable()
        signal.signal(signal.SIGINT, before)
