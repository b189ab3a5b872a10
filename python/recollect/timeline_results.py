"""What a timeline answers: frozen dataclasses that compare and pickle."""

from dataclasses import dataclass
from typing import TypeAlias, TypedDict

import numpy as np
import numpy.typing as npt

from recollect.checks import Ids
from recollect.embedding.protocol import Vectors

__all__ = [
    "Beside",
    "Blocks",
    "Child",
    "Descent",
    "Found",
    "LevelStats",
    "Node",
    "NodeKey",
    "NodeRow",
    "Step",
    "TimelineStats",
    "node_of_row",
]

NodeKey: TypeAlias = tuple[int, int, int, int]
"""Identity of a node inside its timeline, the same before and after it is saved."""

NodeRow: TypeAlias = tuple[
    NodeKey,
    str,
    NodeKey | None,
    int,
    int,
    int,
    int,
    float,
    str,
    str | None,
    tuple[str | None, int | None],
]


@dataclass(frozen=True, slots=True)
class Node:
    """A node of the temporal tree: a segment, a session, a window of the calendar, or all there is.

    Parameters
    ----------
    id
        Its identity in its timeline.
    level
        Name of its level.
    parent
        Identity of what it is in.
    start, end
        The hull of what is below it: first instant, and first instant after it; microseconds since 1970 in
        UTC. ``2**63 - 1`` where something has no end.
    events
        How many are below it.
    children
        Nodes and events right below it.
    salience
        The greatest of its events.
    state
        ``"open"``, ``"closed"``, or ``"reopened"`` where something changed since it was closed.
    text
        What was said of it.
    session, segment
        Name and number, of a session or a segment that has one.
    """

    id: NodeKey
    level: str
    parent: NodeKey | None
    start: int
    end: int
    events: int
    children: int
    salience: float
    state: str
    text: str | None
    session: str | None
    segment: int | None


Child: TypeAlias = int | Node
"""An event by its id, or a node."""


@dataclass(frozen=True, slots=True)
class Found:
    """An event by its id or a node, and how well it fits."""

    item: Child
    score: float


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a descent: nodes that were opened, what was scored, and the best of it, best first."""

    opened: int
    scored: int
    best: tuple[Found, ...]


@dataclass(frozen=True, slots=True)
class Descent:
    """A way from the coarse to the fine, step by step; whether it ended early as what it had was enough."""

    steps: tuple[Step, ...]
    sufficient: bool

    @property
    def best(self) -> tuple[Found, ...]:
        """What the last step found, best first."""
        return self.steps[-1].best

    @property
    def opened(self) -> int:
        """Nodes that were opened."""
        return sum(step.opened for step in self.steps)


@dataclass(frozen=True, slots=True)
class Beside:
    """An event among results: a hit, or there because it stands beside the hit `of`."""

    event: int
    of: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Blocks:
    """Runs of events, each with a key.

    Parameters
    ----------
    events
        int64 ``[n]``, ids in order of time.
    bounds
        int64 ``[m + 1]``: block ``i`` has the events ``bounds[i]`` to ``bounds[i + 1]``.
    representatives, marks
        int64: ids of what stands for the blocks, and where those of each block begin, as `bounds`.
    keys
        float32 ``[m, d]``: the mean of what stands for it, of length one.
    """

    events: Ids
    bounds: Ids
    representatives: Ids
    marks: Ids
    keys: Vectors

    def __len__(self) -> int:
        """Return the number of blocks."""
        return len(self.keys)

    def of(self, block: int) -> Ids:
        """Return the events of a block."""
        if not -len(self) <= block < len(self):
            raise IndexError(f"no block {block} of {len(self)}")
        block %= len(self)
        return self.events[self.bounds[block] : self.bounds[block + 1]]

    def best(self, query: npt.NDArray[np.floating], k: int = 16) -> Ids:
        """Return the `k` blocks with the keys closest to a query by inner product, best first."""
        scores = self.keys @ np.asarray(query, dtype=np.float32)
        return np.argsort(-scores, kind="stable")[:k].astype(np.int64)


class LevelStats(TypedDict):
    """Nodes of a level: all, never closed so far, changed since they were closed."""

    nodes: int
    open: int
    reopened: int


class TimelineStats(TypedDict):
    """What a timeline holds, and the memory it takes."""

    events: int
    bytes: int
    bytes_per_event: float
    levels: dict[str, LevelStats]


def node_of_row(row: NodeRow) -> Node:
    """Return a node as the native half tells it."""
    return Node(*row[:-1], *row[-1])
