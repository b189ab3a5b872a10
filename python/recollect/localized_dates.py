"""Finding dates in a question of another language than English, with the words the date parser knows."""

import re
from collections.abc import Iterator
from datetime import date
from functools import lru_cache

from recollect.date_reading import Days, iso_days, month_days, read
from recollect.locale_words import CODES, LocaleWords, locale_words
from recollect.time_words import LONGEST

__all__ = ["localized_days"]

_YEAR = r"(?:1[89]|20)\d\d"


def localized_days(question: str, language: str, today: date, most: int) -> Iterator[tuple[str, Days]]:
    """Yield the dates of a question with their phrases, at most so many.

    Dates, months, years and what is relative to today are found; words that bound a time are not known.
    """
    words = locale_words(language)
    if words is None:
        return
    years: list[tuple[str, Days]] = []
    dated: list[tuple[str, Days]] = []
    for match in _pattern(language).finditer(question[:LONGEST].replace("’", "'")):
        days = _days(match, words, CODES[language], today)
        if days is not None:
            (years if match["year"] else dated).append((match[0].strip(), days))
        if len(years) + len(dated) == most:
            break
    if len(years) == 1 and any(days.yearly for _, days in dated):
        year = years.pop()[1].first.year
        dated = [(phrase, _in_year(days, year) if days.yearly else days) for phrase, days in dated]
    yield from dated
    yield from years


def _in_year(days: Days, year: int) -> Days:
    month = month_days(year, days.first.month)
    if days.first != days.last:
        return month
    day = days.first.replace(year=year, day=min(days.first.day, month.last.day))
    return Days(day, day)


def _days(match: re.Match[str], words: LocaleWords, code: str, today: date) -> Days | None:
    if match["iso"]:
        return iso_days(match["iso"])
    if match["year"]:
        return Days(date(int(match["year"]), 1, 1), date(int(match["year"]), 12, 31))
    if match["month"]:
        month = words.months[match["month"].lower()]
        day, year = match["before"] or match["after"], match["y1"] or match["y2"]
        if not (day or year) and month != match["month"].lower():
            return None  # A short name alone is another word as well.
        return read(" ".join(part for part in (day, month, year) if part), code, today)
    return read(match[0].strip(), code, today)


@lru_cache(maxsize=64)
def _pattern(language: str) -> re.Pattern[str]:
    words = locale_words(language)
    assert words is not None
    between = "|".join(map(re.escape, words.between)) or "(?!)"
    apart = rf"(?:[.,]?\s+(?:(?:{between})\s+)?)"
    month = _any(words.months)
    day = r"(?:0?[1-9]|[12]\d|3[01])"
    spaced = [re.escape(phrase).replace(r"\ ", r"\s+") for phrase in words.relative]
    counted = [pattern.replace("(\\d++[.,]?\\d*+)", r"\d{1,4}").replace(" ", r"\s+") for pattern in words.ago]
    relative = "|".join(sorted((*counted, *spaced), key=len, reverse=True)) or "(?!)"
    return re.compile(
        rf"(?<!\w)(?:(?P<iso>\d{{4}}-\d\d(?:-\d\d)?)"
        rf"|\d{{1,2}}(?P<mark>[./])\d{{1,2}}(?P=mark)\d{{4}}"
        rf"|(?P<relative>{relative})"
        rf"|(?:(?P<y1>{_YEAR}){apart})?(?:(?P<before>{day})[.ºª°]?(?:er|a)?{apart})?(?P<month>{month})"
        rf"(?:{apart}(?P<after>{day})(?!\d)[.ºª°]?)?(?:{apart}(?P<y2>{_YEAR}))?"
        rf"|(?P<weekday>{_any(words.weekdays)})|(?P<year>{_YEAR}))(?!\w)",
        re.IGNORECASE,
    )


def _any(words: object) -> str:
    assert isinstance(words, (dict, frozenset))
    return "|".join(map(re.escape, sorted(words, key=len, reverse=True))) or "(?!)"
