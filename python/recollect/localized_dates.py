"""Finding dates in a question of another language than English, with the words the date parser knows."""

import re
from collections.abc import Iterator
from datetime import date
from functools import lru_cache

from recollect.date_reading import Days, month_days, read
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
    years, dated = [], []
    for match in _pattern(language).finditer(question[:LONGEST].replace("’", "'")):
        phrase = match[0].strip()
        days = _days(match, words, CODES[language], today)
        if days is not None:
            (years if match["year"] else dated).append((phrase, days))
        if len(years) + len(dated) == most:
            break
    yearless = [at for at, (_, days) in enumerate(dated) if days.yearly]
    if len(years) == 1 and yearless:
        year = years.pop()[1].first.year
        for at in yearless:
            phrase, days = dated[at]
            dated[at] = phrase, _in_year(days, year)
    yield from dated
    yield from years


def _in_year(days: Days, year: int) -> Days:
    last = min(days.last.day, month_days(year, days.last.month).last.day)
    if days.first.day == 1 and days.last.day > 27:
        return month_days(year, days.first.month)
    return Days(days.first.replace(year=year, day=min(days.first.day, last)), days.last.replace(year=year, day=last))


def _days(match: re.Match[str], words: LocaleWords, code: str, today: date) -> Days | None:
    if match["iso"]:
        return read(match["iso"], code, today)
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
        rf"|(?P<relative>{relative})"
        rf"|(?:(?P<y1>{_YEAR}){apart})?(?:(?P<before>{day})[.ºª°]?(?:er|a)?{apart})?(?P<month>{month})"
        rf"(?:{apart}(?P<after>{day})(?!\d)[.ºª°]?)?(?:{apart}(?P<y2>{_YEAR}))?"
        rf"|(?P<weekday>{_any(words.weekdays)})|(?P<year>{_YEAR}))(?!\w)",
        re.IGNORECASE,
    )


def _any(words: object) -> str:
    assert isinstance(words, (dict, frozenset))
    return "|".join(map(re.escape, sorted(words, key=len, reverse=True))) or "(?!)"
