"""Which days an English phrase of time means."""

import re
from datetime import date, timedelta

from recollect.date_reading import Days, iso_days, month_days, read
from recollect.time_phrases import Phrase
from recollect.time_words import MONTHS, NUMBERS, WEEKDAYS

__all__ = ["days_of"]

_ROUGH = ("a couple of", "a few", "several")
_LENGTHS = {"day": 1, "week": 7, "month": 30, "year": 365}
_PARTS = {
    "early": (1, 12),
    "beginning": (1, 12),
    "start": (1, 12),
    "mid": (9, 22),
    "middle": (9, 22),
    "late": (19, 31),
    "end": (19, 31),
    "first half": (1, 15),
    "second half": (16, 31),
}
"""Days of a month; rough words overlap."""
_PART_MONTHS = {
    "early": (1, 4),
    "beginning": (1, 3),
    "start": (1, 3),
    "mid": (5, 8),
    "middle": (5, 8),
    "late": (9, 12),
    "end": (10, 12),
    "first half": (1, 6),
    "second half": (7, 12),
}
"""Months of a year."""
_WEEKS = {"first": (1, 7), "second": (8, 14), "third": (15, 21), "fourth": (22, 28), "last": (22, 31)}


def days_of(phrase: Phrase, today: date, year: int | None = None) -> Days | None:
    """Return the days of a phrase, None where there are none; `year` is that of a phrase that lacks one.

    Days that go beyond the years 1 to 9999 are none.
    """
    named = phrase.named
    try:
        match phrase.kind:
            case "iso":
                return iso_days(named["iso"])
            case "numeric":
                return read(named["numeric"], "en", today)
            case "ago":
                return _ago(named["ago"], today)
            case "lately":
                return _since(_number(named["many"]), named["units"], today)
            case "near":
                return _near(named["which"].removeprefix("this "), named["unit"], phrase, today)
            case "day":
                return _day(named["day"], today)
            case "weekday":
                return _one(_weekday(named["weekday"], today + timedelta(days=1), -1))
        return _calendar(named, year)
    except (OverflowError, ValueError):  # There is no such day.
        return None


def _one(day: date) -> Days:
    return Days(day, day)


def _number(text: str) -> int:
    return int(text) if text.isdigit() else NUMBERS[text]


def _ago(text: str, today: date) -> Days | None:
    count, unit, _ = text.rsplit(" ", 2)
    number, unit = _number(count), unit.removesuffix("s")
    if count in _ROUGH and unit != "hour":
        # "A few weeks ago": not this week, and not twice as long ago.
        return Days(today - timedelta(2 * number * _LENGTHS[unit]), today - timedelta(_LENGTHS[unit]))
    return read(f"{number} {unit}s ago", "en", today)


def _since(number: int, unit: str, today: date) -> Days | None:
    if unit == "week":
        number, unit = 7 * number, "day"
    begin = read(f"{number} {unit}s ago", "en", today)
    return None if begin is None else Days(begin.first, today)


def _near(which: str, unit: str, phrase: Phrase, today: date) -> Days | None:
    """Return the days of "last week", "this Saturday", "next May" and so on."""
    back = which in ("last", "past", "previous")
    if unit in WEEKDAYS:
        if back:
            return _one(_weekday(unit, today, -1))
        return _one(_weekday(unit, today if which == "next" else today - timedelta(days=1), 1))
    if unit == "weekend":
        saturday = _weekday("saturday", today - timedelta(today.weekday() + 1), 1)
        saturday += timedelta({"this": 0, "next": 7, "coming": 0}.get(which, -7))
        return Days(saturday, saturday + timedelta(1))
    if unit in MONTHS:
        month, now = MONTHS.index(unit) + 1, today.month
        year = today.year - (back and month >= now) + (which in ("next", "coming") and month <= now)
        return month_days(year, month)
    if unit == "day":
        return None
    if back and (which == "past" or "rolling" in phrase.named):
        return _since(1, unit, today)
    return read(f"{'last' if back else 'this' if which == 'this' else 'next'} {unit}", "en", today)


def _day(text: str, today: date) -> Days | None:
    if text == "last night":
        return read("yesterday", "en", today)
    if text == "tonight" or text.startswith("this "):
        return _one(today)
    return read(text.removeprefix("the "), "en", today)


def _weekday(name: str, day: date, step: int) -> date:
    """Return the next day of this name after a day, or the last one before it."""
    ahead = (WEEKDAYS.index(name) - day.weekday()) * step % 7 or 7
    return day + timedelta(step * ahead)


def _month(text: str) -> int:
    return next(at for at, name in enumerate(MONTHS, 1) if name.startswith(text.rstrip(".")[:3]))


def _digits(text: str) -> int:
    return int(re.sub(r"\D", "", text))


def _calendar(named: dict[str, str], year: int | None) -> Days | None:
    written = next((named[name] for name in ("y1", "y2", "y3") if name in named), None)
    year = year if written is None else int(written)
    part = next((word for word in _PARTS if re.search(rf"\b{word}\b", named.get("part", ""))), None)
    if "y4" in named:
        begin = int(named["y4"])
        if "decade" in named:
            return Days(date(begin, 1, 1), date(begin + 9, 12, 31))
        months = _PART_MONTHS[part] if part else (1, 12)
        return Days(date(begin, months[0], 1), month_days(begin, months[1]).last)
    month = _month(next(named[name] for name in ("m1", "m2", "m3") if name in named))
    week = named.get("week")
    if "d1" in named:
        days = _digits(named.get("d0") or named["d1"]), _digits(named["d1"])
    elif "d2" in named:
        days = _digits(named["d2"]), _digits(named.get("d3") or named["d2"])
    elif week:
        days = next(days for word, days in _WEEKS.items() if word in week.split())
    else:
        days = _PARTS[part] if part else (1, 31)
    # A leap year stands for every year.
    whole = month_days(2000 if year is None else year, month)
    first = whole.first.replace(day=days[0])
    last = whole.last if days[1] > whole.last.day and days[1] == 31 else whole.last.replace(day=days[1])
    return Days(first, last, yearly=year is None) if first <= last else None
