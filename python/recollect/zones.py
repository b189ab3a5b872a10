"""Time zones as the native half takes them: a table of the changes of their offset."""

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import TypeAlias

from recollect.errors import InvalidArgument, WrongType
from recollect.times import to_micros

__all__ = ["Zone", "ZoneRow", "zone_of"]

Zone: TypeAlias = str | tzinfo
"""A name such as ``"Europe/Brussels"``, or a tzinfo."""

ZoneRow: TypeAlias = tuple[int, list[int], list[int], int | None]
"""Seconds east of UTC before all changes; instants of changes; seconds from then on; when they repeat."""

_FIRST, _LAST = datetime(1800, 1, 1, tzinfo=UTC), datetime(2440, 1, 1, tzinfo=UTC)
_STEP = timedelta(days=4)
_QUARTER = timedelta(minutes=15)
_SECOND = timedelta(seconds=1)


def zone_of(value: object) -> ZoneRow:
    """Return the offsets of a zone.

    They are looked up from 1800 to 2440; if they still change then, the last 400 years repeat for ever, as
    rules of the Gregorian calendar do.

    Raises
    ------
    InvalidArgument
        If there is no zone of this name on this machine.
    WrongType
        If the value is neither a name nor a tzinfo.
    """
    if isinstance(value, timezone):
        return _seconds(value, _FIRST), [], [], None
    if isinstance(value, tzinfo):
        try:
            return _table(value)
        except TypeError:  # Not hashable.
            return _table.__wrapped__(value)
    if not isinstance(value, str):
        raise WrongType(f"zone: expected a name or a tzinfo, found {type(value).__name__}")
    if value.upper() == "UTC":
        return 0, [], [], None
    # Only here: most callers have no zone by name.
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return _table(ZoneInfo(value))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidArgument(f"zone: no time zone {value[:40]!r} on this machine") from None


def _seconds(zone: tzinfo, at: datetime) -> int:
    offset = at.astimezone(zone).utcoffset()
    return 0 if offset is None else round(offset / _SECOND)


@lru_cache(maxsize=64)
def _table(zone: tzinfo) -> ZoneRow:
    before = offset = _seconds(zone, _FIRST)
    instants, offsets = [], []
    at = _FIRST
    # No zone is known to change there and back within so few days.
    while at < _LAST:
        following = min(at + _STEP, _LAST)
        found = _seconds(zone, following)
        if found != offset:
            change = _change(zone, at, following, offset)
            instants.append(to_micros(change, "zone"))
            offset = _seconds(zone, change)
            offsets.append(offset)
            # A second change may follow within the same days.
            following = change
        at = following
    changing = bool(instants) and instants[-1] > to_micros(_LAST - timedelta(days=366), "zone")
    return before, instants, offsets, to_micros(_LAST, "zone") if changing else None


def _change(zone: tzinfo, low: datetime, high: datetime, offset: int) -> datetime:
    """Return the first second in ``(low, high]`` with another offset than that at `low`."""
    if high - low > _QUARTER:
        low, high = _narrowed(zone, low, high, offset, _QUARTER)
        # Nearly all changes are at a quarter of an hour.
        if _seconds(zone, high - _SECOND) == offset:
            return high
    return _narrowed(zone, low, high, offset, _SECOND)[1]


def _narrowed(
    zone: tzinfo, low: datetime, high: datetime, offset: int, grain: timedelta
) -> tuple[datetime, datetime]:
    """Return two times around the change, as far apart as a grain or less."""
    while high - low > grain:
        middle = low + (high - low) / 2
        middle -= (middle - _FIRST) % grain
        if middle <= low:
            middle += grain
        if middle >= high:
            break
        if _seconds(zone, middle) == offset:
            low = middle
        else:
            high = middle
    return low, high
