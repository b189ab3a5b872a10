"""What every engine of this bench can be asked for."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benches.quality.retrieval_set import Array

Ids = npt.NDArray[np.int64]
Point = Mapping[str, float]
"""An operating point: what is set before searching, by name."""


class Unsupported(RuntimeError):
    """The library has no such operation; the message is the reason given in the tables."""


@dataclass(frozen=True, slots=True)
class Place:
    """What an engine is told before it holds anything.

    Parameters
    ----------
    dim
        Numbers in a vector.
    capacity
        The most vectors it will hold, for engines that want to know.
    folder
        An empty folder for engines with files.
    ef_construction
        How wide graphs search for the neighbours of a new vector.
    """

    dim: int
    capacity: int
    folder: Path
    ef_construction: int = 200


class Engine(ABC):
    """Unit vectors by id, and the nearest of them by cosine.

    The constructor takes a `Place` and leaves an empty engine; ids of `build` are the positions of the rows.
    """

    points: Sequence[Point] = ()
    """Operating points with approximate answers, from fast to thorough."""

    exact_points: Sequence[Point] = ()
    """Operating points whose answers are exact."""

    path: Path | None = None
    """Its file or folder; None where it lives in memory."""

    remark: str | None = None
    """What a reader of its rows has to know."""

    @abstractmethod
    def build(self, vectors: Array, threads: int) -> None:
        """Add the first vectors, float32 ``[n, dim]``, in the way that is fastest."""

    @abstractmethod
    def search(self, query: Array, k: int) -> Ids:
        """Return the ids of the nearest vectors, the nearest first."""

    def search_many(self, queries: Array, k: int, threads: int) -> Ids:
        """Return the ids for many queries, ``[len(queries), k]``, in one call of the library."""
        raise Unsupported("has no call for many queries")

    def use(self, point: Point) -> None:  # noqa: B027  (engines without a choice need not say so)
        """Set the operating point of the searches to come."""

    def remark_of(self, point: Point, k: int) -> str | None:
        """Return what a reader of its row at an operating point has to know."""
        del point, k
        return self.remark

    def insert(self, key: int, vector: Array) -> None:
        """Add one vector."""
        raise Unsupported("cannot insert")

    def delete(self, key: int) -> None:
        """Remove one vector, so that it is never returned again."""
        raise Unsupported("cannot delete")

    def close(self) -> None:  # noqa: B027  (most engines only leave memory behind)
        """Free what garbage collection does not."""


def label(point: Point) -> str:
    """Return an operating point as it stands in the tables."""
    return ", ".join(f"{name} {value:g}" for name, value in point.items())


EFS: Sequence[Point] = tuple(
    {"ef": ef}
    for ef in (
        *(16, 20, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512),
        *(640, 768, 1024, 1536),
    )
)
"""Widths of the search in a graph."""
