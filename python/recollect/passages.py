"""What the timeline of a memory answers: frozen dataclasses."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias, overload

from recollect.checks import Ids
from recollect.embedding.protocol import Vectors
from recollect.html import shorten, table
from recollect.records import Record
from recollect.timeline_results import Node
from recollect.times import from_micros

__all__ = [
    "BesideMemory",
    "FoundMemory",
    "Item",
    "MemoryBlock",
    "MemoryDescent",
    "MemoryStep",
    "Passage",
    "Passages",
    "Summarise",
    "Summary",
]

Item: TypeAlias = Record | Node
"""A memory, or a node of the tree."""

Summarise: TypeAlias = Callable[[Node, list[Item], list[Node]], str | None]
"""Says something of a node: given what is below it by time (nodes with their ``text``, and memories where
there is none), and the nodes of its level before it."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What was said of a node, kept as a memory of its own.

    Parameters
    ----------
    uid
        Of that memory, in the namespace of the summaries.
    level, start, end
        What it is of; microseconds.
    text
        What was said.
    sources
        Uids of what it is made from: memories, and summaries. One for each line of an extract.
    """

    uid: str
    level: str
    start: int
    end: int
    text: str
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FoundMemory:
    """A memory or a node, and how well it fits."""

    item: Item
    score: float


@dataclass(frozen=True, slots=True)
class MemoryStep:
    """A step of a descent: nodes that were opened, what was scored, and the best of it, best first."""

    opened: int
    scored: int
    best: tuple[FoundMemory, ...]


@dataclass(frozen=True, slots=True)
class MemoryDescent:
    """A way from the coarse to the fine, and whether it ended early as what it had was enough."""

    steps: tuple[MemoryStep, ...]
    sufficient: bool

    @property
    def best(self) -> tuple[FoundMemory, ...]:
        """What the last step found, best first."""
        return self.steps[-1].best

    @property
    def opened(self) -> int:
        """Nodes that were opened."""
        return sum(step.opened for step in self.steps)


@dataclass(frozen=True, slots=True)
class BesideMemory:
    """A memory among results: a hit, or there because it stands beside the hit `of`, a uid."""

    record: Record
    of: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class MemoryBlock:
    """Memories in a row with a key: the mean of what stands for them, float32 ``[d]``, of length one."""

    events: Ids
    representatives: Ids
    key: Vectors

    def __len__(self) -> int:
        """Return how many memories it has."""
        return len(self.events)


@dataclass(frozen=True, slots=True)
class Passage:
    """Something recalled at one granularity.

    Parameters
    ----------
    level
        ``"memory"``, or the level of the node.
    score
        That of the best memory in it.
    text
        The text of the memory, or what is said of the node: its summary, else an extract made now.
    record, node
        The one of the two that it is.
    """

    level: str
    score: float
    text: str
    record: Record | None = None
    node: Node | None = None


@dataclass(frozen=True, slots=True)
class Passages(Sequence[Passage]):
    """What was recalled, by level from the finest, then by time."""

    passages: tuple[Passage, ...]
    query: str | None = None

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.passages)

    @overload
    def __getitem__(self, index: int) -> Passage: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Passage, ...]: ...
    def __getitem__(self, index: int | slice) -> Passage | tuple[Passage, ...]:
        """Return one, or a tuple of them."""
        return self.passages[index]

    def of(self, level: str) -> tuple[Passage, ...]:
        """Return those of a level."""
        return tuple(one for one in self.passages if one.level == level)

    def _repr_html_(self) -> str:
        rows = []
        for one in self.passages:
            when = ""
            if one.record is not None:
                when = f"{one.record.at or one.record.ingested:%Y-%m-%d %H:%M}"
            elif one.node is not None:
                when = f"{from_micros(one.node.start):%Y-%m-%d}"
            rows.append((one.level, when, f"{one.score:.3f}", shorten(one.text, 400)))
        return table(f"{len(rows)} passages for {self.query!r}", ("level", "when", "score", "text"), rows)
