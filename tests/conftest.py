"""What all tests share: strict warnings, Hypothesis profiles, stores with a clock that stands still."""

import os
from collections.abc import Iterator
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
