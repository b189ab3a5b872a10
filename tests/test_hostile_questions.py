"""Questions that are hard to read for times: long ones, and whatever words they are made of."""

import subprocess
import sys
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import recollect
from recollect.recalling import SIGNALS

NOW = datetime(2023, 5, 17, 15, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "may " * 4_000,
        "between " * 3_000,
        "1 2 3 4 5 of the may " * 700,
        "the first week of the " * 700,
        "the end of the beginning of " * 500,
        "2020-" * 3_000,
        "before I " * 1_500,
        "1st to 2nd and 3rd until 4th through 5th - " * 400,
        "a couple of a few several " * 500,
        "last last last next this past " * 500,
        "did you ever ever ever first " * 500,
    ],
)
@pytest.mark.parametrize("language", ["english", "german"])
def test_hostile_texts_are_read_quickly(text, language):
    with recollect.open(language=language) as memory:
        memory.add("note", at=NOW)
        every = [*SIGNALS, "order", "anchors"]
        memory.recall("yesterday, gestern", now=NOW)
        # It takes milliseconds; the bound is for a pattern that goes back and forth over such a text.
        start = time.process_time()
        memory.recall(text, now=NOW, signals=every)
        assert time.process_time() - start < 10


WORDS = """may March 8 8th 2023 last week since before between and from to the of early ago days 3 I moved on
Monday first time latest 31 February 0 9999 years -5 2023-02-30 1/1/2023 a few"""


@pytest.fixture(scope="module")
def small():
    with recollect.open() as memory:
        memory.add("I moved in May", at=NOW)
        memory.add("a few days", at=NOW.replace(year=1))
        yield memory


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(WORDS.split()), min_size=1, max_size=9).map(" ".join), st.datetimes())
def test_whatever_is_asked_is_answered(small, question, now):
    told = small.recall(question, now=now, signals=[*SIGNALS, "order", "anchors"]).trace["time"]
    for found in (told or {"ranges": []})["ranges"]:
        assert 0 <= found["memories"] <= 2
        if not found["every_year"] and found["from"] and found["to"]:
            assert found["from"] < found["to"]


def test_the_parser_of_dates_is_imported_with_the_first_date():
    program = """
import recollect, sys
memory = recollect.open()
memory.add("a note on the garden")
memory.recall("what of the garden?")
assert "dateparser" not in sys.modules and "recollect.asked_time" not in sys.modules
memory.recall("what of the garden in May 2023?")
assert "dateparser" not in sys.modules and "recollect.asked_time" in sys.modules
memory.recall("what of the garden 3 days ago?")
assert "dateparser" in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
