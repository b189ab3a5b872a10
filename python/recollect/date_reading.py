"""Reading a phrase that is a date, in any language of a namespace: which days it means.

The dates are read by ``dateparser``, which is imported with the first phrase.
"""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache

__all__ = ["Days", "iso_days", "month_days", "read"]

_APART = timedelta(days=465)
"""No whole number of years, months or weeks."""


@dataclass(frozen=True, slots=True)
class Days:
    """Days from the first to the last one, both inside."""

    first: date
    last: date
    yearly: bool = False
    """Whether they are meant in every year: no year was named."""


def month_days(year: int, month: int) -> Days:
    """Return the days of a month."""
    return Days(date(year, month, 1), date(year, month, monthrange(year, month)[1]))


def iso_days(text: str) -> Days | None:
    """Return the day or the month of a text such as ``2023-05-08`` or ``2023-05``; None if there is none."""
    year, month, *day = (int(part) for part in text.split("-"))
    try:
        if not day:
            return month_days(year, month)
        one = date(year, month, day[0])
    except ValueError:
        return None
    return Days(one, one)


@lru_cache(maxsize=1024)
def read(phrase: str, code: str, today: date) -> Days | None:
    """Return the days that a phrase means to somebody for whom it is `today`.

    It is read as of two days that are far apart: what stays is a date, what keeps its month and day lacks a
    year, and what moves along is relative.
    """
    other = today - _APART if today.year > 2 else today + _APART
    found, moved = _parsed(phrase, code, today), _parsed(phrase, code, other)
    if found is None or moved is None:
        return None
    (at, period), (there, _) = found, moved
    if period == "year":
        return Days(date(at.year, 1, 1), date(at.year, 12, 31))
    if period == "month":
        days = month_days(at.year, at.month)
        return Days(days.first, days.last, at.year != there.year and at.month == there.month)
    if period == "week":
        digits = any(letter.isdigit() for letter in phrase)
        return _week(at, around=digits)
    return Days(at, at, at != there and (at.month, at.day) == (there.month, there.day))


def _week(at: date, around: bool) -> Days | None:
    """Return the week from Monday on, or the seven days around one."""
    first = at.toordinal() - (3 if around else at.weekday())
    return Days(date.fromordinal(first), date.fromordinal(first + 6)) if first > 0 else None


def _parsed(phrase: str, code: str, today: date) -> tuple[date, str] | None:
    from dateparser.date import DateDataParser

    parser = DateDataParser(
        languages=[code],
        settings={
            "RELATIVE_BASE": datetime.combine(today, time(12)),
            "PREFER_DATES_FROM": "past",
            "PREFER_DAY_OF_MONTH": "first",
        },
    )
    try:
        data = parser.get_date_data(phrase)
    except (OverflowError, ValueError):  # Beyond the years of the calendar.
        return None
    return None if data.date_obj is None else (data.date_obj.date(), str(data.period))
