"""How memories were used: what was of use, what came of it, and what is pinned."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from recollect.checks import KINDS, kinds_of, number_of, uids_of
from recollect.errors import InvalidArgument, WrongType
from recollect.filters import Filter, filter_text
from recollect.handle import Handle
from recollect.times import Time, from_micros

if TYPE_CHECKING:
    from recollect.activation import BaseLevel

__all__ = ["Columns", "Use", "columns", "feedback", "level_of", "pin", "reinforce", "uses"]


@dataclass(frozen=True, slots=True)
class Use:
    """How one memory was used."""

    uid: str
    count: int
    """Number of uses; that it came to be is the first."""
    first: datetime
    """When it came to be: its event, else when the store learned it."""
    recent: tuple[datetime, ...]
    """The last uses, at most eight, latest first."""
    base_level: float
    """Base-level activation, see :class:`recollect.activation.BaseLevel`."""
    judged: int
    """How often :meth:`Memory.feedback` named it."""
    succeeded: int
    """How often with a reward above 0."""
    utility: float
    """What its rewards came to, -1 to 1."""
    pinned: bool
    """Whether it is exempt from pruning, eviction and any least base level."""


class Columns(NamedTuple):
    """The uses of many memories, in the order in which the store learned them; times in microseconds."""

    uids: list[str]
    ingested: npt.NDArray[np.int64]
    last: npt.NDArray[np.int64]
    number: npt.NDArray[np.uint32]
    """Of uses."""
    base_level: npt.NDArray[np.float64]
    utility: npt.NDArray[np.float32]
    pinned: npt.NDArray[np.bool_]


def reinforce(handle: Handle, uid: object, *, together: float = 0.0, now: Time | None = None) -> None:
    """Note that memories were of use, and link those that were of use together."""
    weight = number_of(together, "together")
    handle.namespace.uses.reinforce(_distinct(uid), together=weight, now=handle.now(now))


def feedback(handle: Handle, uid: object, reward: float, *, now: Time | None = None) -> None:
    """Note what came of using memories."""
    handle.namespace.uses.feedback(_distinct(uid), number_of(reward, "reward"), now=handle.now(now))


def pin(handle: Handle, uid: object, pinned: bool, *, now: Time | None = None) -> None:
    """Pin memories, or set them free."""
    handle.namespace.uses.pin(_distinct(uid), pinned, now=handle.now(now))


def uses(
    handle: Handle, uid: object, *, level: "BaseLevel | None" = None, now: Time | None = None
) -> list[Use]:
    """Return how memories were used, in their order."""
    uids = uids_of(uid)
    rows = handle.namespace.uses.of(uids, decay=level_of(level).decay, now=handle.now(now))
    found = []
    for own, row in zip(uids, rows, strict=True):
        count, first, recent, level_now, judged, succeeded, utility, pinned = row
        times = tuple(map(from_micros, recent))
        began = from_micros(first)
        found.append(Use(own, count, began, times, level_now, judged, succeeded, utility, pinned))
    return found


def columns(
    handle: Handle,
    *,
    level: "BaseLevel | None" = None,
    filter: Filter | None = None,
    kind: object = None,
    now: Time | None = None,
) -> Columns:
    """Return the uses of all memories that may be let go of: instructions are left out."""
    kinds: Sequence[str] = kinds_of(kind, "kind") or KINDS
    return Columns._make(
        handle.namespace.uses.all(
            decay=level_of(level).decay,
            filter=filter_text(filter),
            kinds=[word for word in kinds if word != "instruction"],
            now=handle.now(now),
        )
    )


def level_of(value: object) -> "BaseLevel":
    """Return the base level to go by; one that counts fewer recent uses than are kept is refused."""
    from recollect.activation import BaseLevel

    if value is None:
        return BaseLevel()
    if not isinstance(value, BaseLevel):
        raise WrongType(f"level: expected BaseLevel, found {type(value).__name__}")
    if value.recent != BaseLevel().recent or value.optimised:
        raise InvalidArgument("level: only its `decay` can be chosen here")
    return value


def _distinct(uid: object) -> list[str]:
    return list(dict.fromkeys(uids_of(uid)))
