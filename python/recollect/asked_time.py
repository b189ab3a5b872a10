"""What a question says of time: ranges, and which end of them it prefers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any

from recollect.date_reading import Days
from recollect.english_dates import days_of
from recollect.localized_dates import localized_days
from recollect.records import Hit
from recollect.rows import OnceRow, WhenRow, YearlyRow
from recollect.time_phrases import MOST, Clause, Phrase, clause_in, order_in, phrases_in
from recollect.times import MAX_MICROS, MIN_MICROS, from_micros, to_micros
from recollect.zones import zone_of

__all__ = ["Asked", "Span", "asked_time", "zone_in"]


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_FAR = 0.75
"""Share of the best score that a second one has at most where the best is clear."""


@dataclass(frozen=True, slots=True)
class Span:
    """One range and the words that mean it."""

    phrase: str
    row: OnceRow | YearlyRow

    def as_dict(self) -> dict[str, Any]:
        """Return the phrase with its ends: times, or months and days of every year; None where it is open."""
        if len(self.row) == 4:
            month, day, until, last = self.row
            ends: list[str | None] = [f"{month:02}-{day:02}", f"{until:02}-{last:02}"]
        else:
            start, end = self.row
            ends = [
                None if start <= MIN_MICROS else from_micros(start).isoformat(),
                None if end > MAX_MICROS else from_micros(end).isoformat(),
            ]
        return {"phrase": self.phrase, "from": ends[0], "to": ends[1], "every_year": len(self.row) == 4}


@dataclass(slots=True)
class Asked:
    """What was understood."""

    zone: tzinfo
    spans: list[Span] = field(default_factory=list)
    order: tuple[str, str] | None = None
    clause: Clause | None = None
    anchor: dict[str, Any] | None = None
    """The memory whose time stands for that of the clause."""

    def anchor_at(self, hits: Sequence[Hit]) -> None:
        """Take the time of the best of two hits for the clause, if it is clearly the best."""
        if self.clause is None or not hits or hits[0].record.at is None:
            return
        best = hits[0].record
        if len(hits) > 1 and not _is_clear(hits[0], hits[1]):
            return
        assert best.at is not None
        start = to_micros(best.at, "start")
        end = start + 1 if best.until is None else to_micros(best.until, "end")
        row = _beside(self.clause.bound, start, end)
        if row[0] >= row[1]:
            return
        self.anchor = {"phrase": self.clause.phrase, "uid": best.uid, "at": best.at.isoformat()}
        self.spans.append(Span(self.clause.phrase, row))

    def row(self) -> WhenRow:
        """Return what the native half takes."""
        yearly = any(len(span.row) == 4 for span in self.spans)
        zone = zone_of(self.zone) if yearly and self.zone is not UTC else None
        return [span.row for span in self.spans], zone, self.order[1] if self.order else None


def zone_in(now: object) -> tzinfo:
    """Return the zone of a time that has one, else UTC: by it days begin and end."""
    if isinstance(now, str):
        try:
            now = datetime.fromisoformat(now.strip())
        except ValueError:
            return UTC  # What is no time is refused where it is read.
    zone = now.tzinfo if isinstance(now, datetime) else None
    return UTC if zone is None else zone


def asked_time(question: str, now: int, zone: tzinfo, language: str, signals: frozenset[str]) -> Asked | None:
    """Return what a question says of time, or None.

    Parameters
    ----------
    question
        Its words.
    now
        Microseconds since 1970 in UTC.
    zone
        The zone by which days begin.
    language
        That of the namespace.
    signals
        Which of ``"dates"``, ``"order"`` and ``"anchors"`` are looked for.
    """
    asked, today = Asked(zone), _today(now, zone)
    dates = "dates" in signals
    if dates and language != "english":
        found = localized_days(question, language, today, MOST)
        asked.spans = [Span(phrase, _row(days, zone)) for phrase, days in found]
    elif dates:
        spans = _spans(phrases_in(question), today, zone)
        # Before the first day and after the last one there is nothing.
        asked.spans = [span for span in spans if len(span.row) == 4 or span.row[0] < span.row[1]]
    if language == "english":
        asked.order = order_in(question) if "order" in signals else None
        asked.clause = clause_in(question) if "anchors" in signals and not asked.spans else None
    return asked if asked.spans or asked.order or asked.clause else None


def _today(now: int, zone: tzinfo) -> date:
    try:
        return from_micros(now).astimezone(zone).date()
    except OverflowError:  # Within a day of the first or the last instant of the calendar.
        return from_micros(now).date()


def _spans(phrases: list[Phrase], today: date, zone: tzinfo) -> Iterator[Span]:
    """Yield the ranges: two phrases that are the ends of one, and all others one by one."""
    bounds = [phrase.bound for phrase in phrases]
    if len(phrases) == 2 and {*bounds} in _BOTH and phrases[1].joined != "to":
        yield from _within(phrases, today, zone)
        return
    years = {year for phrase in phrases if (year := phrase.year) is not None}
    common = years.pop() if len(years) == 1 else None
    given = common is not None and any(phrase.yearless for phrase in phrases)
    at = 0
    while at < len(phrases):
        phrase, following = phrases[at], phrases[at + 1] if at + 1 < len(phrases) else None
        at += 1
        if following and (following.joined == "to" or (following.joined == "and" and phrase.pair)):
            days = _between(days_of(phrase, today), days_of(following, today))
            if days:
                yield Span(f"{phrase.text} {following.joined} {following.plain}", _row(days, zone))
            at += 1
        # A year that was given to a month is not meant as a whole.
        elif not (given and phrase.is_year) and (days := days_of(phrase, today, common)):
            yield Span(phrase.text, _bounded(phrase.bound, days, today, zone))


_BOTH = [{lower, upper} for lower in ("since", "after") for upper in ("before", "until")]


def _within(phrases: list[Phrase], today: date, zone: tzinfo) -> Iterator[Span]:
    """Yield what lies after one phrase and before the other."""
    found = [(phrase.bound, days) for phrase in phrases if (days := days_of(phrase, today))]
    rows = [_bounded(bound, days, today, zone) for bound, days in found]
    start, end = max((row[0] for row in rows), default=0), min((row[1] for row in rows), default=0)
    if len(rows) == len(phrases) and start < end:
        yield Span(" and ".join(phrase.text for phrase in phrases), (start, end))


def _between(first: Days | None, last: Days | None) -> Days | None:
    """Return the days from the first of one to the last of another; a year counts for both."""
    if first is None or last is None:
        return None
    begin, end = first.first, last.last
    if first.yearly and last.yearly:
        return Days(begin, end, yearly=True)
    if first.yearly:
        begin = _in_year(
            begin, end.year if (begin.month, begin.day) <= (end.month, end.day) else end.year - 1
        )
    elif last.yearly:
        end = _in_year(
            end, begin.year if (begin.month, begin.day) <= (end.month, end.day) else begin.year + 1
        )
    return Days(min(begin, last.first), max(end, first.last)) if begin > end else Days(begin, end)


def _in_year(day: date, year: int) -> date:
    """Return a day in another year, the 28th for a 29th of February that is not there."""
    year = min(max(year, 1), 9999)
    try:
        return day.replace(year=year)
    except ValueError:
        return day.replace(year=year, day=28)


def _bounded(bound: str | None, days: Days, today: date, zone: tzinfo) -> OnceRow | YearlyRow:
    if bound is None:
        return _row(days, zone)
    if days.yearly:
        # The last of these months that has begun.
        year = today.year - (days.first.month > today.month)
        days = Days(_in_year(days.first, year), _in_year(days.last, year))
    return _beside(bound, *_row(days, zone)[:2])


def _beside(bound: str, start: int, end: int) -> OnceRow:
    """Return what lies before or after a range."""
    return {
        "since": (start, MAX_MICROS + 1),
        "after": (end, MAX_MICROS + 1),
        "before": (MIN_MICROS, start),
        "until": (MIN_MICROS, end),
    }[bound]


def _is_clear(best: Hit, second: Hit) -> bool:
    """Return whether a hit leads by far, or the next one is of the same day."""
    one, other = best.record.at, second.record.at
    near = one is not None and other is not None and abs(one - other) <= timedelta(days=1)
    return near or second.score <= _FAR * best.score


def _row(days: Days, zone: tzinfo) -> OnceRow | YearlyRow:
    first, last = days.first, days.last
    if days.yearly:
        return first.month, first.day, last.month, last.day
    end = MAX_MICROS + 1 if last == date.max else _midnight(last + timedelta(days=1), zone)
    return _midnight(first, zone), end


def _midnight(day: date, zone: tzinfo) -> int:
    at = datetime.combine(day, time(), zone)
    offset = at.utcoffset() or timedelta()
    return min(max((at.replace(tzinfo=UTC) - _EPOCH - offset) // _MICROSECOND, MIN_MICROS), MAX_MICROS)
