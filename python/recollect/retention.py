"""Which memories to keep: pruning by activation or utility, eviction at capacity, rehearsal."""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from recollect.activation import BaseLevel, Ebbinghaus, PowerLaw, lowest, sampled_below
from recollect.activation import rehearse as drawn
from recollect.checks import count_of, number_of, one_of, unit
from recollect.errors import InvalidArgument, WrongType
from recollect.filters import Filter
from recollect.forgetting import forget
from recollect.handle import Handle
from recollect.reading import get
from recollect.records import Receipt, Record
from recollect.times import Time, duration_micros
from recollect.using import Columns, columns

__all__ = ["POLICIES", "Decay", "evict", "prune", "prune_by_utility", "rehearse"]

Decay: TypeAlias = BaseLevel | Ebbinghaus | PowerLaw
"""What says how much is left of a memory."""

POLICIES = ("base_level", "fifo", "lifo", "lru", "mvfo", "lvfo", "frequency_age", "utility")
_SECOND = 1_000_000


def prune(
    handle: Handle,
    *,
    below: float | None = None,
    share: float | None = None,
    sampled: bool = False,
    decay: Decay | None = None,
    filter: Filter | None = None,
    kind: object = None,
    seed: int = 0,
    erase: bool = False,
    now: Time | None = None,
) -> Receipt:
    """Let go of memories of which little is left."""
    ways = (below is not None) + (share is not None) + bool(sampled)
    if ways != 1:
        raise InvalidArgument("below: give one of `below`, `share` and `sampled`")
    time = handle.now(now)
    found, left = _retention(handle, decay, filter, kind, time)
    free = np.flatnonzero(~found.pinned)
    if below is not None:
        gone = free[left[free] < number_of(below, "below")]
    elif share is not None:
        gone = free[lowest(left[free], unit(share, "share"))]
    else:
        if not isinstance(decay, Ebbinghaus):
            raise InvalidArgument("sampled: only the retention of Ebbinghaus is a probability")
        gone = free[sampled_below(left[free], seed=seed)]
    return _let_go(handle, found, gone, erase, f"pruned: {_reason(below, share)}", time)


def _reason(below: float | None, share: float | None) -> str:
    if below is not None:
        return f"activation below {below}"
    return f"the lowest share of {share}" if share is not None else "drawn by retention"


def _retention(
    handle: Handle, decay: Decay | None, filter: Filter | None, kind: object, time: int
) -> tuple[Columns, npt.NDArray[np.float64]]:
    """Return the uses of memories, and by memory how much is left of it."""
    model = BaseLevel() if decay is None else decay
    if isinstance(model, BaseLevel):
        found = columns(handle, level=model, filter=filter, kind=kind, now=time)
        return found, found.base_level
    if not isinstance(model, (Ebbinghaus, PowerLaw)):
        raise WrongType(f"decay: expected BaseLevel, Ebbinghaus or PowerLaw, found {type(model).__name__}")
    found = columns(handle, filter=filter, kind=kind, now=time)
    unit_micros = float(duration_micros(model.unit, "unit"))
    age = np.maximum(time - found.last, 0) / unit_micros
    if isinstance(model, Ebbinghaus):
        # A memory has a strength of 1, and 1 more for each use.
        return found, np.exp(-age / found.number)
    return found, np.maximum(age, 1.0) ** -number_of(model.exponent, "exponent")


def prune_by_utility(
    handle: Handle,
    *,
    min_judged: int = 5,
    max_success_rate: float = 0.5,
    erase: bool = False,
    now: Time | None = None,
) -> Receipt:
    """Let go of memories that were judged often and seldom helped."""
    filter: Filter = {
        "judged": {"$gte": count_of(min_judged, "min_judged", 1)},
        "success_rate": {"$lte": unit(max_success_rate, "max_success_rate")},
    }
    time = handle.now(now)
    found = columns(handle, filter=filter, now=time)
    return _let_go(handle, found, np.flatnonzero(~found.pinned), erase, "pruned: of little utility", time)


def evict(
    handle: Handle,
    capacity: int,
    policy: str = "base_level",
    *,
    sinks: int = 0,
    recent: int = 0,
    weight: float = 0.5,
    filter: Filter | None = None,
    kind: object = None,
    erase: bool = False,
    now: Time | None = None,
) -> Receipt:
    """Let go of the memories that a policy values least, until so many are left."""
    most, first, last = count_of(capacity, "capacity"), count_of(sinks, "sinks"), count_of(recent, "recent")
    time = handle.now(now)
    found = columns(handle, filter=filter, kind=kind, now=time)
    worth = _worth(found, one_of(policy, POLICIES, "policy"), unit(weight, "weight"), time)
    kept = found.pinned.copy()
    kept[:first] = True
    kept[len(kept) - min(last, len(kept)) :] = True
    if kept.sum() > most:
        protected = int(kept.sum())
        raise InvalidArgument(f"capacity: {protected} memories are pinned, sinks or recent, found {most}")
    free = np.flatnonzero(~kept)
    surplus = max(len(kept) - most, 0)
    # Equal worth: the one learned first goes first.
    gone = free[np.argsort(worth[free], kind="stable")[:surplus]]
    return _let_go(handle, found, gone, erase, f"evicted: {policy}", time)


def _worth(found: Columns, policy: str, weight: float, time: int) -> npt.NDArray[np.float64]:
    order = np.arange(len(found.uids), dtype=np.float64)
    if policy == "base_level":
        return found.base_level
    if policy == "utility":
        return found.utility.astype(np.float64)
    if policy == "frequency_age":
        age = np.maximum(time - found.last, 0) / _SECOND
        return weight * _scaled(found.number) - (1 - weight) * _scaled(age)
    by_policy = {
        "fifo": order,
        "lifo": -order,
        "lru": found.last.astype(np.float64),
        "mvfo": -found.number.astype(np.float64),
        "lvfo": found.number.astype(np.float64),
    }
    return by_policy[policy]


def _scaled(values: npt.NDArray[np.generic]) -> npt.NDArray[np.float64]:
    """Return values as a share of the greatest."""
    numbers = values.astype(np.float64)
    scaled: npt.NDArray[np.float64] = numbers / max(numbers.max(initial=0.0), 1e-12)
    return scaled


def _let_go(
    handle: Handle, found: Columns, gone: npt.NDArray[np.int64], erase: bool, reason: str, time: int
) -> Receipt:
    uids = [found.uids[at] for at in sorted(gone.tolist())]
    return forget(handle, uids, erase=erase, reason=reason, now=time)


def rehearse(
    handle: Handle,
    m: int,
    exponent: float = 1.0,
    *,
    filter: Filter | None = None,
    kind: object = None,
    seed: int = 0,
    now: Time | None = None,
) -> list[Record]:
    """Return memories to rehearse, drawn by their age since the last use."""
    time = handle.now(now)
    found = columns(handle, filter=filter, kind=kind, now=time)
    ages = np.maximum(time - found.last, _SECOND) / _SECOND
    places = drawn(ages, min(count_of(m, "m"), len(found.uids)), exponent, seed=seed)
    return [get(handle, found.uids[at], now=time) for at in places]
