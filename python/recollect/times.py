"""Times as the store keeps them: whole microseconds since 1970 in UTC."""

from datetime import UTC, date, datetime, timedelta
from typing import TypeAlias

import numpy as np

from recollect.errors import InvalidArgument, WrongType

__all__ = ["MAX_MICROS", "MIN_MICROS", "Duration", "Time", "duration_micros", "from_micros", "to_micros"]

Time: TypeAlias = datetime | date | str | int | np.datetime64
"""A datetime (a naive one is read as UTC), a date (its midnight), an ISO 8601 text, or int microseconds."""

Duration: TypeAlias = timedelta | int | float
"""What is read as a length of time: a timedelta, or a number of seconds."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

MIN_MICROS: int = (datetime.min.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
"""Earliest time: the beginning of the year 1."""
MAX_MICROS: int = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
"""Latest time: the end of the year 9999."""


def to_micros(value: Time, argument: str) -> int:
    """Read a time.

    Parameters
    ----------
    value
        A datetime (a naive one is read as UTC; `fold` decides in the doubled hour of a change to winter
        time), a date, an ISO 8601 text, or whole microseconds since 1970 in UTC.
    argument
        Name of the argument for messages.

    Returns
    -------
    int
        Microseconds since 1970 in UTC, within the years 1 to 9999.

    Raises
    ------
    WrongType
        If the value is none of these; floats are refused because they round microseconds.
    InvalidArgument
        If a text is no ISO 8601 time, or the time lies outside the years 1 to 9999.
    """
    # What is fastest to give is fastest to read.
    if type(value) is int and MIN_MICROS <= value <= MAX_MICROS:
        return value
    if isinstance(value, str):
        value = _from_iso(value, argument)
    if isinstance(value, datetime):
        aware = value if value.utcoffset() is not None else value.replace(tzinfo=UTC)
        micros = (aware - _EPOCH) // _MICROSECOND
    elif isinstance(value, date):
        micros = (datetime(value.year, value.month, value.day, tzinfo=UTC) - _EPOCH) // _MICROSECOND
    elif isinstance(value, np.datetime64):
        if np.isnat(value):
            raise InvalidArgument(f"{argument}: not a time (NaT)")
        micros = int(value.astype("datetime64[us]").astype(np.int64))
    elif isinstance(value, (int, np.integer)) and not isinstance(value, (bool, np.timedelta64)):
        micros = int(value)
    else:
        raise WrongType(
            f"{argument}: expected a datetime, a date, an ISO 8601 text or int microseconds, "
            f"found {type(value).__name__}"
        )
    if not MIN_MICROS <= micros <= MAX_MICROS:
        raise InvalidArgument(f"{argument}: {micros} microseconds lie outside the years 1 to 9999")
    return micros


def _from_iso(text: str, argument: str) -> datetime:
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError:
        raise InvalidArgument(
            f"{argument}: {text[:40]!r} is not an ISO 8601 time such as '2026-03-01T09:30:00Z'"
        ) from None


def from_micros(micros: int) -> datetime:
    """Return microseconds since 1970 as an aware datetime in UTC.

    Values outside the years 1 to 9999 (an expiry far away) become the first or the last instant of that
    range.
    """
    try:
        return _EPOCH + timedelta(0, 0, micros)
    except OverflowError:
        return _EPOCH + timedelta(0, 0, min(max(micros, MIN_MICROS), MAX_MICROS))


def duration_micros(value: Duration, argument: str) -> int:
    """Read a length of time above zero, in microseconds.

    Raises
    ------
    WrongType
        If the value is neither a timedelta nor a number of seconds.
    InvalidArgument
        If it is not above zero, or longer than the years 1 to 9999.
    """
    if isinstance(value, timedelta):
        micros = value // _MICROSECOND
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        longest = (MAX_MICROS - MIN_MICROS) / 1e6
        if not 0 < value <= longest:
            raise InvalidArgument(
                f"{argument}: expected seconds above 0 and at most {longest:.0f}, found {value!r}"
            )
        micros = round(value * 1_000_000)
    else:
        raise WrongType(
            f"{argument}: expected a timedelta or a number of seconds, found {type(value).__name__}"
        )
    if not 0 < micros <= MAX_MICROS - MIN_MICROS:
        raise InvalidArgument(f"{argument}: expected a time above 0 and below ten thousand years")
    return micros
