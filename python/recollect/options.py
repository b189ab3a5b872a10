"""The keyword arguments that several calls share, as types."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias, TypedDict, TypeVar

import numpy.typing as npt

from recollect.filters import Filter
from recollect.handle import Progress
from recollect.packing import CountTokens
from recollect.times import Duration, Time

__all__ = [
    "LEVELS",
    "AddManyOptions",
    "AddOptions",
    "Between",
    "Duplicates",
    "Each",
    "Fusion",
    "Keep",
    "Order",
    "RecallOptions",
    "Scope",
    "TimelineOptions",
]

T = TypeVar("T")

Each: TypeAlias = T | Sequence[T | None] | npt.NDArray[Any]
"""One value for all texts, or one for each."""
Between: TypeAlias = tuple[Time | None, Time | None]
"""A half-open interval; None on a side leaves it open."""
Duplicates: TypeAlias = Literal["noop", "keep"]
Fusion: TypeAlias = Literal["adaptive", "rrf", "convex"]
Keep: TypeAlias = Literal["f32", "f16", "int8"]
"""In how many bits vectors are kept."""
LEVELS = ("segment", "session", "day", "week", "month", "persona")
"""The levels of a timeline if not told otherwise; ``"hour"`` and ``"year"`` are there too."""
Order: TypeAlias = Literal["time", "-time", "ingested", "-ingested"]
Scope: TypeAlias = Literal["exact", "below"] | Sequence[Sequence[str]]
"""This namespace, this and all below it, or a list of paths relative to it."""


class _Shared(TypedDict, total=False):
    ttl: Duration | None
    sliding: bool
    source: str
    principal: str
    trust: float
    duplicates: Duplicates
    now: Time | None


class AddOptions(_Shared, total=False):
    """What :meth:`Memory.add` takes beside the text and the kind."""

    at: Time | None
    until: Time | None
    speaker: str | None
    session: str | None
    metadata: Mapping[str, Any] | None
    tags: Sequence[str]
    turn: int | None
    importance: float
    confidence: float
    vector: npt.ArrayLike | None
    key: str | None
    parents: Sequence[str]


class AddManyOptions(_Shared, total=False):
    """What :meth:`Memory.add_many` takes beside the texts and the kind."""

    at: Each[Time] | None
    until: Each[Time] | None
    speaker: Each[str] | None
    session: Each[str] | None
    metadata: Mapping[str, Any] | Sequence[Mapping[str, Any] | None] | None
    tags: Sequence[str] | Sequence[Sequence[str]]
    turn: Each[int] | None
    importance: Each[float]
    confidence: Each[float]
    vectors: npt.ArrayLike | Sequence[npt.ArrayLike | None] | None
    keys: Sequence[str | None] | None
    parents: Sequence[str] | Sequence[Sequence[str]]
    progress: Progress | None


class TimelineOptions(TypedDict, total=False):
    """What :meth:`Memory.timeline` takes beside the levels and the zone.

    ``gap`` (600 s): memories in no session are in one while their starts lie no further apart.
    ``words`` (64): terms that a node keeps count of. ``vectors`` (True): whether the tree has them.
    ``gamma`` (3), ``min_size`` (2), ``max_size`` (25) and ``segment_gap`` (1800 s): what begins a segment,
    see :class:`recollect.Segmenter`.
    """

    gap: Duration
    words: int
    vectors: bool
    gamma: float
    min_size: int
    max_size: int
    segment_gap: Duration | None


class RecallOptions(TypedDict, total=False):
    """What :meth:`Memory.recall` takes beside the query, `k` and the kinds."""

    vector: npt.ArrayLike | None
    filter: Filter | None
    between: Between | None
    budget: int | None
    count_tokens: CountTokens | None
    extract: bool
    ordered: bool
    fusion: Fusion
    weight: float | None
    signals: Sequence[str]
    base_level: float
    min_base_level: float | None
    reinforce: bool
    scope: Scope
    recall_target: float
    explain: bool
    valid_at: Time | None
    known_at: Time | None
    now: Time | None
