"""What every library that keeps events can be asked for."""

from abc import ABC, abstractmethod

import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.int64]

STEP = 30_000_000
"""Microseconds between two events: 30 seconds."""


class Engine(ABC):
    """Events at instants, by time; the constructor builds it from times in order, ids counting from 0."""

    name: str
    most: int | None = None
    """Events above which it is not asked, as building it would take too long."""

    @abstractmethod
    def __init__(self, times: Ids) -> None: ...

    def append(self, time: int, number: int) -> None:
        """Take one event in that comes last, if that is possible without building all again."""
        raise NotImplementedError

    @abstractmethod
    def between(self, start: int, end: int) -> Ids | list[int]:
        """Return the ids of events in a half-open range, in order."""

    def bytes_per_event(self) -> float | None:
        """Return the memory it takes, where it can be told."""
        return None
