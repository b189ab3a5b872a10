"""Summaries of what is over: made once, kept in the file, gone with what they quote."""

from datetime import UTC, datetime, timedelta

import pytest

import recollect
from recollect import derived

MONDAY = datetime(2024, 1, 1, tzinfo=UTC)
LATER = MONDAY + timedelta(days=60)
DAYS = [
    "We moved to Quay Lane. The piano came last. It rained all day.",
    "Bram repaired the leaking roof of the shed. The roof had leaked since winter. He was tired.",
    "Nadia brought pears from the orchard. We made jam from the pears. The kitchen smelled of jam.",
]


def three_days(memory):
    return [
        memory.add(text, at=MONDAY + timedelta(days=day, hours=9), session=f"day {day}").uid
        for day, text in enumerate(DAYS)
    ]


@pytest.fixture
def memory():
    with recollect.open() as memory:
        yield memory


def test_an_extract_is_word_for_word_with_its_sources(memory):
    uids = three_days(memory)
    timeline = memory.timeline()
    made = timeline.consolidate(until=LATER)
    assert [one.level for one in made] == ["session"] * 3 + ["day"] * 3 + ["week", "month"]
    for one in made:
        lines = one.text.split("\n")
        assert len(lines) == len(one.sources)
        assert all(line in memory.get(uid).text for line, uid in zip(lines, one.sources, strict=True))
        assert len(set(lines)) == len(lines)
    (month,) = timeline.summaries("month")
    assert set(month.sources) == set(uids)
    assert timeline.nodes("month")[0].text == month.text
    assert timeline.summary(timeline.nodes("month")[0]) == month
    assert timeline.consolidate(until=LATER) == []
    short = memory.timeline(zone="Asia/Tokyo").consolidate(until=LATER, levels=("month",), tokens=12)
    assert len(short[0].text) // 4 + 1 <= 12
    # They are in no recall that does not ask for them.
    assert {hit.uid for hit in memory.recall("roof pears piano", k=50)} <= set(uids)
    assert memory.count() == 3
    assert {hit.uid for hit in memory.recall("roof pears piano", k=50, scope="below")} <= set(uids)
    assert memory.namespaces() == [(derived.BELOW,)]
    named = memory.recall("roof", k=50, scope=[(derived.BELOW,)])
    assert {hit.record.source for hit in named} == {"timeline"}


def test_they_are_not_exported(memory, tmp_path):
    three_days(memory)
    memory.timeline().consolidate(until=LATER)
    assert memory.export(tmp_path / "all.jsonl") == 3
    assert memory.namespace(derived.BELOW).export(tmp_path / "said.jsonl") == 8


def test_three_granularities(memory):
    three_days(memory)
    timeline = memory.timeline()
    timeline.consolidate(until=LATER)
    found = timeline.recall("Who repaired the roof?", ("memory", "day", "month"))
    assert found.of("memory")[0].text == DAYS[1]
    assert "Bram repaired the leaking roof of the shed." in found.of("day")[0].text
    assert found.of("month")[0].text == timeline.summaries("month")[0].text
    assert "<svg" in timeline._repr_html_()
    assert "Quay Lane" in timeline.to_html()


def test_they_are_still_there_when_it_is_opened_again(tmp_path):
    path, calls = tmp_path / "agent.rcl", []

    def summarise(node, below, before):
        calls.append((node.level, [type(item).__name__ for item in below], [one.text for one in before]))
        return f"{node.level} of {len(below)}"

    with recollect.open(path) as memory:
        three_days(memory)
        made = memory.timeline().consolidate(summarise, LATER)
    assert len(made) == len(calls) == 8
    assert calls[2] == ("session", ["Record"], ["session of 1", "session of 1"])
    assert calls[-1] == ("month", ["Node"], [])
    with recollect.open(path) as memory:
        timeline = memory.timeline()
        assert timeline.consolidate(summarise, LATER) == []
        assert len(calls) == 8
        assert timeline.summaries("day") == [one for one in made if one.level == "day"]
    with recollect.open(path, read_only=True) as memory:
        assert memory.timeline().nodes("month")[0].text == "month of 1"
        assert memory.timeline().consolidate(summarise, LATER) == []


def test_what_comes_late_is_said_anew(memory):
    three_days(memory)
    timeline = memory.timeline()
    timeline.consolidate(until=LATER)
    memory.add("The cat slept on the piano.", at=MONDAY + timedelta(hours=9, minutes=1), session="day 0")
    assert timeline.summary(timeline.nodes("day")[0]) is None
    again = timeline.consolidate(until=LATER)
    assert [one.level for one in again] == ["session", "day", "week", "month"]
    assert len(timeline.summaries("day")) == 3
    assert memory.namespace(derived.BELOW).count() == 8


@pytest.mark.parametrize("erase", [False, True])
def test_forgetting_drops_what_quotes_it(tmp_path, erase):
    path = tmp_path / "agent.rcl"
    with recollect.open(path) as memory:
        uids = three_days(memory)
        timeline = memory.timeline()
        timeline.consolidate(until=LATER)
        (month,) = timeline.summaries("month")
        assert uids[1] in month.sources
        memory.forget(uids[1], erase=erase)
        below = memory.namespace(derived.BELOW)
        assert all(uids[1] not in record.parents for record in below.list())
        assert not any("roof" in record.text for record in below.list())
        assert timeline.summaries("month") == []
        assert len(timeline.summaries("day")) == 2
        timeline.consolidate(until=LATER)
        assert "roof" not in timeline.summaries("month")[0].text
        memory.checkpoint()
    if erase:
        assert not any(b"leaking roof" in file.read_bytes() for file in tmp_path.iterdir())


def test_what_was_made_from_a_summary_goes_with_it(memory):
    uids = three_days(memory)
    timeline = memory.timeline(levels=("session", "day", "persona"))
    timeline.consolidate(lambda node, below, before: f"{node.level} after {len(before)}", LATER)
    assert len(timeline.summaries("day")) == 3
    # The third day was told after the second, which was told after the first.
    memory.forget(uids[0], erase=True)
    assert timeline.summaries("day") == timeline.summaries("session") == []
    calls = []
    timeline.consolidate(lambda node, below, before: calls.append(node.level) or "anew", LATER)
    assert calls == ["session"] * 2 + ["day"] * 2


def test_updating_drops_what_quotes_it(memory):
    uids = three_days(memory)
    timeline = memory.timeline()
    timeline.consolidate(until=LATER)
    memory.update(uids[2], text="Nadia brought nothing.")
    assert not any("jam" in record.text for record in memory.namespace(derived.BELOW).list())
    timeline.consolidate(until=LATER)
    assert "Nadia brought nothing." in timeline.summaries("day")[2].text


def test_more_sources_than_tags(memory):
    count = 700
    memory.add_many(
        [f"turn {x}" for x in range(count)],
        at=[MONDAY + timedelta(seconds=x) for x in range(count)],
        session=["s"] * count,
    )
    timeline = memory.timeline()
    (made,) = timeline.consolidate(lambda node, below, before: str(len(below)), LATER, levels=("session",))
    assert made.text == str(count)
    assert timeline.summaries("session") != []
    memory.forget(timeline.between()[600].uid, erase=True)
    assert memory.namespace(derived.BELOW).count() == 0


def test_a_callable_that_fails_is_asked_again(memory):
    three_days(memory)
    timeline = memory.timeline(levels=("session", "day"))
    calls = []

    def summarise(node, below, before):
        calls.append(node.level)
        if len(calls) == 3:
            raise ZeroDivisionError
        return "said"

    with pytest.raises(ZeroDivisionError):
        timeline.consolidate(summarise, LATER)
    assert len(timeline.summaries("session")) == 2
    assert len(timeline.consolidate(summarise, LATER)) == 4
    assert len(calls) == 7
    # Saying nothing is an answer too.
    quiet = memory.timeline(levels=("session",))
    asked = []
    for _ in range(2):
        assert quiet.consolidate(lambda node, below, before: asked.append(node), LATER) == []
    assert len(asked) == 3
    with pytest.raises(recollect.errors.WrongType):
        memory.timeline(levels=("month",)).consolidate(lambda node, below, before: 3, LATER)
    with pytest.raises(recollect.errors.WrongType):
        timeline.consolidate("summarise")
    with pytest.raises(recollect.InvalidArgument):
        timeline.consolidate(levels=("decade",))


def test_what_is_forgotten_while_it_is_told(memory):
    uids = three_days(memory)
    timeline = memory.timeline(levels=("day",))

    def summarise(node, below, before):
        if node.start == timeline_start:
            memory.forget(uids[0], erase=True)
        return " ".join(item.text for item in below)

    timeline_start = timeline.nodes("day")[0].start
    timeline.consolidate(summarise, LATER)
    assert not any("Quay" in record.text for record in memory.namespace(derived.BELOW).list())
