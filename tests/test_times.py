"""Times in and out of microseconds."""

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recollect.errors import InvalidArgument, WrongType
from recollect.times import MAX_MICROS, MIN_MICROS, duration_micros, from_micros, to_micros


@given(st.integers(MIN_MICROS, MAX_MICROS))
def test_microseconds_survive_the_way_there_and_back(micros: int) -> None:
    moment = from_micros(micros)
    assert to_micros(moment, "at") == micros
    assert to_micros(moment.isoformat(), "at") == micros
    assert to_micros(micros, "at") == micros


@given(st.datetimes(timezones=st.timezones()))
def test_the_zone_does_not_matter(moment: datetime) -> None:
    expected = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    if MIN_MICROS <= expected <= MAX_MICROS:
        assert to_micros(moment, "at") == expected
    else:
        with pytest.raises(InvalidArgument, match=r"^at: "):
            to_micros(moment, "at")


def test_fold_tells_the_doubled_hour_apart() -> None:
    brussels = ZoneInfo("Europe/Brussels")
    first = datetime(2026, 10, 25, 2, 30, tzinfo=brussels)
    second = first.replace(fold=1)
    assert to_micros(second, "at") - to_micros(first, "at") == 3_600_000_000


def test_naive_times_are_utc() -> None:
    naive = datetime(2026, 3, 1, 9, 30)
    assert to_micros(naive, "at") == to_micros("2026-03-01T09:30:00Z", "at")
    assert to_micros("2026-03-01T09:30:00", "at") == to_micros("2026-03-01T10:30:00+01:00", "at")
    assert to_micros(date(2026, 3, 1), "at") == to_micros("2026-03-01", "at")


def test_the_edges_of_the_calendar() -> None:
    assert from_micros(to_micros(datetime.max, "at")).replace(tzinfo=None) == datetime.max
    assert from_micros(to_micros(datetime.min, "at")).replace(tzinfo=None) == datetime.min
    assert from_micros(1 << 63) == from_micros(MAX_MICROS)
    assert from_micros(-(1 << 63)) == from_micros(MIN_MICROS)
    east = datetime.min.replace(tzinfo=timezone(timedelta(hours=14)))
    with pytest.raises(InvalidArgument, match="outside the years"):
        to_micros(east, "at")


def test_numpy_times() -> None:
    assert to_micros(np.datetime64("2026-03-01T09:30"), "at") == to_micros("2026-03-01T09:30", "at")
    assert to_micros(np.int64(5), "at") == 5
    with pytest.raises(InvalidArgument, match="NaT"):
        to_micros(np.datetime64("NaT"), "at")


@pytest.mark.parametrize("bad", [1.5, True, None, [], b"2026-01-01", timedelta(1), np.timedelta64(1, "s")])
def test_what_is_no_time(bad: object) -> None:
    with pytest.raises(WrongType, match=r"^between\[0\]: expected a datetime"):
        to_micros(bad, "between[0]")  # type: ignore[arg-type]


@pytest.mark.parametrize("bad", ["", "yesterday", "2026-13-01", "2026-02-30T10:00", "10:30"])
def test_what_is_no_iso_time(bad: str) -> None:
    with pytest.raises(InvalidArgument, match="not an ISO 8601 time"):
        to_micros(bad, "at")


@pytest.mark.parametrize("bad", [1 << 62, -(1 << 62), 10**30])
def test_microseconds_outside_the_calendar(bad: int) -> None:
    with pytest.raises(InvalidArgument, match="outside the years"):
        to_micros(bad, "at")


def test_durations() -> None:
    assert duration_micros(timedelta(days=1), "ttl") == 86_400_000_000
    assert duration_micros(1.5, "ttl") == 1_500_000
    for bad in (0, -1, float("nan"), float("inf"), 1e30, timedelta(0), timedelta(days=-1), timedelta.max):
        with pytest.raises(InvalidArgument, match=r"^ttl: "):
            duration_micros(bad, "ttl")
    for wrong in ("1d", None, True):
        with pytest.raises(WrongType, match=r"^ttl: "):
            duration_micros(wrong, "ttl")  # type: ignore[arg-type]
