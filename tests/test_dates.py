"""What recall understands of the times in a question."""

import math
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

import recollect
from recollect.locale_words import CODES, locale_words, may_speak_of_time
from recollect.localized_dates import localized_days
from recollect.recalling import SIGNALS

NOW = datetime(2023, 5, 17, 15, 30, tzinfo=UTC)  # A Wednesday.
WITHOUT = tuple(name for name in SIGNALS if name != "dates")


@pytest.fixture(scope="module")
def diary():
    """A note a day in 2022 and 2023, all of the same words."""
    with recollect.open() as memory:
        days = [datetime(2022, 1, 1, 12, tzinfo=UTC) + timedelta(days=at) for at in range(730)]
        memory.add_many([f"A note on the garden, number {at}" for at in range(730)], at=days)
        yield memory


def understood(memory, question, now=NOW, **options):
    told = memory.recall(question, now=now, **options).trace["time"]
    return [] if told is None else [(x["from"], x["to"], x["memories"]) for x in told["ranges"]]


def day(text):
    return None if text is None else f"{text}T00:00:00+00:00"


@pytest.mark.parametrize(
    ("phrase", "start", "end"),
    [
        ("yesterday", "2023-05-16", "2023-05-17"),
        ("today", "2023-05-17", "2023-05-18"),
        ("this morning", "2023-05-17", "2023-05-18"),
        ("last night", "2023-05-16", "2023-05-17"),
        ("the day before yesterday", "2023-05-15", "2023-05-16"),
        ("3 days ago", "2023-05-14", "2023-05-15"),
        ("three days ago", "2023-05-14", "2023-05-15"),
        ("a week ago", "2023-05-07", "2023-05-14"),
        ("a few days ago", "2023-05-11", "2023-05-17"),
        ("two months ago", "2023-03-01", "2023-04-01"),
        ("a year ago", "2022-01-01", "2023-01-01"),
        ("last week", "2023-05-08", "2023-05-15"),
        ("in the last week", "2023-05-10", "2023-05-18"),
        ("in the past three days", "2023-05-14", "2023-05-18"),
        ("this week", "2023-05-15", "2023-05-22"),
        ("last weekend", "2023-05-13", "2023-05-15"),
        ("last month", "2023-04-01", "2023-05-01"),
        ("last year", "2022-01-01", "2023-01-01"),
        ("last Saturday", "2023-05-13", "2023-05-14"),
        ("on Wednesday", "2023-05-17", "2023-05-18"),
        ("last Wednesday", "2023-05-10", "2023-05-11"),
        ("next Friday", "2023-05-19", "2023-05-20"),
        ("last May", "2022-05-01", "2022-06-01"),
        ("in May 2023", "2023-05-01", "2023-06-01"),
        ("in 2022", "2022-01-01", "2023-01-01"),
        ("in the 2020s", "2020-01-01", "2030-01-01"),
        ("at the end of 2022", "2022-10-01", "2023-01-01"),
        ("on 8 May 2023", "2023-05-08", "2023-05-09"),
        ("on May 8th, 2023", "2023-05-08", "2023-05-09"),
        ("on the 8th of May, 2023", "2023-05-08", "2023-05-09"),
        ("on 2023-05-08", "2023-05-08", "2023-05-09"),
        ("on 25/04/2023", "2023-04-25", "2023-04-26"),
        ("on Jan 5, 2023", "2023-01-05", "2023-01-06"),
        ("in May, back in 2022", "2022-05-01", "2022-06-01"),
        ("from 5 to 8 May 2023", "2023-05-05", "2023-05-09"),
        ("between March and May 2023", "2023-03-01", "2023-06-01"),
        ("between November and February 2023", "2022-11-01", "2023-03-01"),
        ("from 2022-03-05 to 2022-04-06", "2022-03-05", "2022-04-07"),
        ("since March", "2023-03-01", None),
        ("since last week", "2023-05-08", None),
        ("after 8 May 2023", "2023-05-09", None),
        ("before June 2022", None, "2022-06-01"),
        ("until last Saturday", None, "2023-05-14"),
        ("by the end of May", None, "2023-06-01"),
        ("after 1 March 2022 and before 4 March 2022", "2022-03-02", "2022-03-04"),
    ],
)
def test_a_phrase_is_a_range(diary, phrase, start, end):
    ((found_start, found_end, count),) = understood(diary, f"What did I note on the garden {phrase}?")
    assert (found_start, found_end) == (day(start), day(end))
    first, last = datetime(2022, 1, 1), datetime(2024, 1, 1)
    low = max(first, datetime.fromisoformat(start)) if start else first
    high = min(last, datetime.fromisoformat(end)) if end else last
    assert count == max(0, (high - low).days)


@pytest.mark.parametrize(
    ("phrase", "first", "last", "days"),
    [
        ("in May", "05-01", "05-31", 62),
        ("in the month of January", "01-01", "01-31", 62),
        ("on 8 May", "05-08", "05-08", 2),
        ("on the evening of April 5th", "04-05", "04-05", 2),
        ("in early June", "06-01", "06-12", 24),
        ("in mid-March", "03-09", "03-22", 28),
        ("in the second week of November", "11-08", "11-14", 14),
        ("on 29 February", "02-29", "02-29", 0),
        ("between March and May", "03-01", "05-31", 184),
        ("between December and January", "12-01", "01-31", 124),
        ("between 5 and 8 May", "05-05", "05-08", 8),
        ("from May 5 to 8", "05-05", "05-08", 8),
    ],
)
def test_a_date_without_a_year_is_one_in_every_year(diary, phrase, first, last, days):
    assert understood(diary, f"What about the garden {phrase}?") == [(first, last, days)]


@pytest.mark.parametrize(
    "question",
    [
        "May I see the garden?",
        "Where did they march for the garden?",
        "The second note on the garden, if I may",
        "Where is the sun in the garden?",
        "Who was the march organised by?",
        "Did you and April meet June in the garden?",
        "What did August say to May?",
        "How many days ago did I go to the garden?",
        "I paid 2000 dollars and 2019 euros for the garden",
        "What does she do on Sunday mornings?",
        "Is it ready for Saturday?",
        "The garden of 12345 and $2020",
        "On 30 February 2023",
        "31 June",
        "What happened 30000 years ago?",
        "What sat in the garden, and when is it mon repos?",
        "The last note, the next note, this note",
        "",
    ],
)
def test_words_that_are_no_dates(diary, question):
    assert diary.recall(question or "garden", now=NOW).trace["time"] is None


def test_two_days_are_two_ranges_and_a_hit_tells(diary):
    hits = diary.recall("The garden on 8 May 2023 and on 9 June 2022", now=NOW, k=5)
    told = hits.trace["time"]
    assert [x["phrase"] for x in told["ranges"]] == ["8 May 2023", "9 June 2022"]
    assert told["memories"] == 2
    assert {hit.record.at.date().isoformat() for hit in hits[:2]} == {"2023-05-08", "2022-06-09"}
    for hit in hits:
        shares = {signal.name: signal.share for signal in hit.signals}
        expected = 1.5 * math.log(730 / 2) if hit in hits[:2] else 0
        assert shares.get("dates", 0) == pytest.approx(expected)


def test_where_none_or_all_lie_in_a_range_it_says_nothing(diary):
    for question in ("the garden in 1999", "the garden since 2020"):
        with_dates = diary.recall(question, now=NOW)
        assert [(x.uid, x.score) for x in with_dates] == [
            (x.uid, x.score) for x in diary.recall(question, now=NOW, signals=WITHOUT)
        ]
        assert all(signal.name != "dates" for hit in with_dates for signal in hit.signals)


@pytest.mark.parametrize("question", ["A note on the garden, number 77", "garden 2", "what of the garden?"])
def test_a_question_without_a_time_is_answered_as_without_the_signal(diary, question):
    one, other = diary.recall(question, now=NOW), diary.recall(question, now=NOW, signals=WITHOUT)
    assert [(x.uid, x.score, x.signals) for x in one] == [(x.uid, x.score, x.signals) for x in other]
    assert one.trace["time"] is None


def test_it_is_switched_off_by_name(diary):
    hits = diary.recall("the garden on 8 May 2023", now=NOW, signals=WITHOUT)
    assert hits.trace["time"] is None
    assert all(signal.name != "dates" for hit in hits for signal in hit.signals)
    for fusion in ("rrf", "convex"):
        assert diary.recall("the garden on 8 May 2023", now=NOW, fusion=fusion).trace["time"] is None


def test_a_memory_of_that_day_is_found_without_a_word_of_the_question():
    with recollect.open() as memory:
        memory.add("Painted the shed", at=datetime(2023, 5, 16, 9, tzinfo=UTC))
        memory.add("Sold the boat", at=datetime(2023, 4, 1, tzinfo=UTC))
        assert [hit.text for hit in memory.recall("What happened yesterday?", now=NOW)] == [
            "Painted the shed"
        ]


def test_an_event_counts_where_it_overlaps_and_a_write_by_its_time():
    with recollect.open() as memory:
        start = datetime(2023, 4, 28, tzinfo=UTC)
        memory.add("The long fair", at=start, until=start + timedelta(days=5))
        memory.add("The short fair", at=start)
        memory.add("No fair has a time", now=datetime(2023, 5, 9, tzinfo=UTC))
        assert [x[2] for x in understood(memory, "the fair in May 2023")] == [2]
        assert [x[2] for x in understood(memory, "the fair in May")] == [2]


@pytest.mark.parametrize(
    ("zone", "now", "phrase", "start", "hours"),
    [
        ("America/New_York", datetime(2023, 3, 13, 0, 30), "yesterday", "2023-03-12T05:00:00+00:00", 23),
        ("America/New_York", datetime(2023, 11, 5, 1, 30), "today", "2023-11-05T04:00:00+00:00", 25),
        ("America/New_York", datetime(2023, 11, 5, 1, 30, fold=1), "today", "2023-11-05T04:00:00+00:00", 25),
        ("America/Sao_Paulo", datetime(2018, 11, 4, 12), "today", "2018-11-04T03:00:00+00:00", 23),
        ("Pacific/Auckland", datetime(2023, 5, 17, 1), "today", "2023-05-16T12:00:00+00:00", 24),
        ("Asia/Kolkata", datetime(2023, 5, 17, 1), "today", "2023-05-16T18:30:00+00:00", 24),
    ],
)
def test_days_are_those_of_the_zone_of_now(diary, zone, now, phrase, start, hours):
    ((begin, end, _),) = understood(diary, f"garden {phrase}", now.replace(tzinfo=ZoneInfo(zone)))
    assert begin == start
    assert datetime.fromisoformat(end) - datetime.fromisoformat(begin) == timedelta(hours=hours)


def test_the_zone_counts_for_days_of_every_year_and_in_a_text():
    with recollect.open() as memory:
        memory.add("At home", at=datetime(2022, 5, 7, 13, tzinfo=UTC))
        memory.add("At sea", at=datetime(2022, 5, 9, tzinfo=UTC))
        there = NOW.astimezone(ZoneInfo("Pacific/Auckland"))
        assert understood(memory, "on 8 May", there) == [("05-08", "05-08", 1)]
        assert understood(memory, "on 8 May", NOW) == [("05-08", "05-08", 0)]
        assert understood(memory, "on 8 May", NOW.isoformat()) == [("05-08", "05-08", 0)]
        assert understood(memory, "on 8 May", "2023-05-17T10:00:00+12:00") == [("05-08", "05-08", 1)]


def test_the_ends_of_the_calendar():
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    with recollect.open() as memory:
        memory.add("The beginning", at=first)
        memory.add("The end", at=last)
        memory.add("For ever", at=NOW, until="9999-12-31T23:59:59Z")
        for now in (first, last, NOW):
            assert understood(memory, "in January", now) == [("01-01", "01-31", 2)]
            assert understood(memory, "in December", now) == [("12-01", "12-31", 2)]
        for phrase in ("yesterday", "last week", "a year ago", "3 days ago", "last May", "last weekend"):
            assert sum(x[2] for x in understood(memory, phrase, first)) <= 1
        assert understood(memory, "today", first) == [(None, "0001-01-02T00:00:00+00:00", 1)]
        assert understood(memory, "today", last) == [("9999-12-31T00:00:00+00:00", None, 2)]
        assert understood(memory, "tomorrow", last) == []
        far = (first.replace(tzinfo=ZoneInfo("Asia/Tokyo")) + timedelta(days=1), last)
        for now in far:
            for phrase in ("since yesterday", "before today", "next week", "in the last 9999 years"):
                understood(memory, phrase, now.astimezone(ZoneInfo("America/New_York")))


@pytest.mark.parametrize(
    ("language", "question", "expected"),
    [
        ("german", "Was war letzte Woche im Garten?", [("2023-05-08", "2023-05-15")]),
        ("german", "Was geschah vor 3 Tagen?", [("2023-05-14", "2023-05-15")]),
        ("german", "Was war am 8. Mai?", [("05-08", "05-08")]),
        ("german", "Was war im März 2022?", [("2022-03-01", "2022-04-01")]),
        ("german", "Was sagte Jan zu Anna, wo wohnt sie?", []),
        ("german", "Was war am 8.5.2023 und am 31.2.2023?", [("2023-05-08", "2023-05-09")]),
        ("french", "Qu'ai-je fait avant-hier ?", [("2023-05-15", "2023-05-16")]),
        ("french", "Qu’ai-je fait aujourd’hui ?", [("2023-05-17", "2023-05-18")]),
        ("french", "en mai, en 2022", [("2022-05-01", "2022-06-01")]),
        ("spanish", "¿Qué pasó el 8 de mayo de 2023?", [("2023-05-08", "2023-05-09")]),
        ("spanish", "¿Dónde vive mi hermana?", []),
        ("italian", "Cosa ho fatto ieri?", [("2023-05-16", "2023-05-17")]),
        ("portuguese", "o que fiz pela segunda vez em maio de 2022?", [("2022-05-01", "2022-06-01")]),
        ("dutch", "Wat zei Jan gisteren?", [("2023-05-16", "2023-05-17")]),
        ("russian", "Что было вчера?", [("2023-05-16", "2023-05-17")]),
        ("hungarian", "2023-05-08 2023-13-01", [("2023-05-08", "2023-05-09")]),
        ("hungarian", "Mi volt 2023. május 8.?", [("2023-05-08", "2023-05-09")]),
        ("arabic", "ماذا فعلت أمس", [("2023-05-16", "2023-05-17")]),
        ("sesotho", "2023-05-08", []),
        (None, "yesterday, on 2023-05-08", []),
    ],
)
def test_the_language_is_that_of_the_namespace(language, question, expected):
    with recollect.open(language=language) as memory:
        memory.add("note", at=NOW)
        found = understood(memory, question)
    assert [x[:2] for x in found] == [
        tuple(day(end) if len(end) == 10 else end for end in pair) for pair in expected
    ]


def test_several_namespaces_are_counted_as_one():
    with recollect.open() as memory:
        for name in ("a", "b"):
            days = [datetime(2023, 5, 1 + at, tzinfo=UTC) for at in range(20)]
            memory.namespace(name).add_many([f"the fair, {name} {at}" for at in range(20)], at=days)
        hits = memory.recall("the fair on 8 May", now=NOW, scope="below", k=4)
        assert hits.trace["time"]["ranges"][0]["memories"] == 2
        assert {hit.record.at.day for hit in hits[:2]} == {8}
        share = next(signal.share for signal in hits[0].signals if signal.name == "dates")
        assert share == pytest.approx(1.5 * math.log(40 / 2))


@pytest.mark.parametrize("inside", [5, 600])
def test_of_many_memories_the_best_of_a_range_are_candidates(inside):
    many = 33_000
    with recollect.open() as memory:
        days = [datetime(2023, 5, 8) if at < inside else datetime(2022, 1, 1) for at in range(many)]
        # Enough of what lies outside is better by its words to fill all candidates.
        texts = [f"fair {at} {'market' if at >= many - 900 else 'boats'}" for at in range(many)]
        memory.add_many(texts, at=days)
        question = "what was at the market of the fair last week?"
        hits = memory.recall(question, now=NOW, k=5)
        assert hits.trace["mode"] == "candidates"
        assert hits.trace["time"]["memories"] == inside
        assert all(hit.record.at == datetime(2023, 5, 8, tzinfo=UTC) for hit in hits)
        off = memory.recall(question, now=NOW, k=5, signals=WITHOUT)
        assert all(hit.record.at == datetime(2022, 1, 1, tzinfo=UTC) for hit in off)


def test_an_order_is_preferred_where_it_is_asked_for(diary):
    with recollect.open() as memory:
        notes = [f"We went sailing on the lake, trip {at}" for at in range(5)]
        memory.add_many(notes, at=[datetime(2023, 1 + at, 1) for at in range(5)])
        memory.add_many([f"sailing {at}, not here" for at in range(12)], at=datetime(2021, 1, 1))
        first = memory.recall(
            "When was the first time we went sailing on the lake?", signals=["words", "order"]
        )
        assert first[0].text == notes[0]
        assert first.trace["time"]["order"] == {"phrase": "the first time", "prefers": "earliest"}
        assert "order" in {signal.name for signal in first[0].signals}
        last = memory.recall("our most recent trip sailing on the lake", signals=["words", "order"])
        assert last[0].text == notes[4]
        assert last.trace["time"]["order"]["prefers"] == "latest"
        both = memory.recall("the latest of the earliest trips on the lake", signals=["words", "order"])
        assert both.trace["time"] is None
        assert memory.recall("our most recent trip sailing").trace["time"] is None


def test_an_event_stands_for_its_time_where_it_is_asked_for():
    with recollect.open() as memory:
        weeks = [datetime(2023, 1, 1) + timedelta(days=7 * at) for at in range(30)]
        memory.add_many([f"I worked on project {at}" for at in range(30)], at=weeks)
        moved = memory.add("We moved house to Berlin", at=datetime(2023, 3, 15)).uid
        question = "Which project did I work on before we moved house to Berlin?"
        hits = memory.recall(question, now=NOW, signals=["words", "dates", "anchors"])
        told = hits.trace["time"]
        assert told["anchor"]["uid"] == moved
        assert told["ranges"][0]["to"] == day("2023-03-15")
        assert told["memories"] == 11
        assert memory.recall(question, now=NOW).trace["time"] is None
        vague = memory.recall("before I worked on the project", now=NOW, signals=["words", "anchors"])
        assert vague.trace["time"] is None or vague.trace["time"]["anchor"] is None


@pytest.mark.parametrize("language", sorted(CODES))
def test_every_language_has_its_words_of_time(language):
    words = locale_words(language)
    assert words is not None
    for month in set(words.months.values()):
        question = f"8 {month} 2023"
        assert may_speak_of_time(question, language)
        ((_, found),) = localized_days(question, language, NOW.date(), 16)
        assert (found.first.day, found.first.year, found.yearly) == (8, 2023, False)
    assert all(may_speak_of_time(phrase, language) for phrase in words.relative)
