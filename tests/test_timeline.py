"""The timeline against known answers: calendars, zones, late events, consolidation, ways through the tree."""

import doctest
from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import numpy as np
import pytest

import recollect.timeline
from recollect import Timeline, UnknownMemory
from recollect.errors import DimensionMismatch, InvalidArgument, LimitExceeded, WrongType
from recollect.timeline_results import Node

MONDAY = datetime(2024, 1, 1, tzinfo=UTC)
LAST = datetime(2024, 2, 10, tzinfo=UTC)


def forty_days() -> Timeline:
    timeline = Timeline()
    for day in range(40):
        for session, hour in enumerate((9, 18)):
            start = MONDAY + timedelta(days=day, hours=hour)
            timeline.extend(
                [start + timedelta(minutes=minute) for minute in range(5)],
                session=f"{day}.{session}",
                segment=range(5),
            )
    return timeline


def closed(timeline: Timeline) -> list[int]:
    return [
        level["nodes"] - level["open"] - level["reopened"] for level in timeline.stats()["levels"].values()
    ]


def test_forty_days_close_as_calendars_say():
    timeline = forty_days()
    assert len(timeline.advance(LAST)) == 400 + 80 + 40 + 5 + 1
    assert closed(timeline) == [400, 80, 40, 5, 1, 0]
    assert timeline.advance(LAST) == []
    # A late segment: four nodes are open again.
    timeline.append(MONDAY + timedelta(days=2, hours=9, minutes=9), session="2.0", segment=9)
    assert [node.level for node in timeline.unfinished() if node.state == "reopened"] == [
        "session",
        "day",
        "week",
        "month",
    ]
    levels = [node.level for node in timeline.advance(LAST)]
    assert levels == ["segment", "session", "day", "week", "month"]


def test_containment_holds_and_levels_do_not_grow():
    timeline = forty_days()
    counts = []
    for level in timeline.levels:
        nodes = timeline.nodes(level)
        counts.append(len(nodes))
        for node in nodes:
            for child in timeline.children(node):
                start, end = (
                    (child.start, child.end) if isinstance(child, Node) else timeline.event(child)[:2]
                )
                assert node.start <= start < end <= node.end
                assert timeline.ancestors(child)[0] == node
    assert counts == sorted(counts, reverse=True)
    assert counts[-1] == 1


def test_consolidate_is_given_children_and_what_came_before():
    timeline = Timeline(levels=("session", "day", "persona"))
    for day in range(5):
        timeline.append(MONDAY + timedelta(days=day), session=str(day))
    seen = []

    def summarise(node, children, previous):
        seen.append((node.level, len(children), [before.text for before in previous]))
        return f"{node.level} {node.start}"

    told = timeline.advance(MONDAY + timedelta(days=5), summarise)
    assert len(told) == 10
    assert all(node.text == f"{node.level} {node.start}" for node in told)
    # Sessions come first; the last day is shown the three before it.
    assert [level for level, *_ in seen] == ["session"] * 5 + ["day"] * 5
    assert seen[-1][2] == [node.text for node in timeline.nodes("day")[1:4]]
    assert timeline.children(timeline.nodes("day")[0])[0].text is not None
    # A text stays where something came late, until it is said anew.
    timeline.append(MONDAY + timedelta(minutes=5), session="0")
    (late,) = timeline.nodes("day", MONDAY, MONDAY + timedelta(hours=1))
    assert late.state == "reopened"
    assert late.text is not None
    with pytest.raises(ZeroDivisionError):
        timeline.advance(MONDAY + timedelta(days=9), lambda node, children, previous: 1 / 0)
    assert len(timeline.consolidate(timeline.nodes("day"), summarise)) == 5
    timeline.set_text(late, None)
    assert timeline.node(late).text is None


def test_days_of_a_zone():
    brussels = ZoneInfo("Europe/Brussels")
    for zone in ("Europe/Brussels", brussels):
        timeline = Timeline(levels=("hour", "day", "week", "month", "year"), zone=zone)
        first = datetime(2026, 10, 25, 2, 30, tzinfo=brussels)
        # The doubled hour: two instants, two hours, one day.
        timeline.extend([first, first.replace(fold=1)])
        assert len(timeline.nodes("hour")) == 2
        assert len(timeline.nodes("day")) == 1
        timeline.append(datetime(2026, 10, 25, 23, 59, tzinfo=brussels))
        timeline.append(datetime(2026, 10, 26, tzinfo=brussels))
        assert [node.events for node in timeline.nodes("day")] == [3, 1]
        assert [node.events for node in timeline.nodes("week")] == [3, 1]
        # The missing hour of spring: 01:59 and 03:00 are a minute apart.
        spring = [datetime(2026, 3, 29, 1, 59, tzinfo=brussels), datetime(2026, 3, 29, 3, 0, tzinfo=brussels)]
        timeline.extend(spring)
        assert [node.events for node in timeline.nodes("day")] == [2, 3, 1]


@pytest.mark.parametrize(
    "name",
    ["Europe/Brussels", "America/St_Johns", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Kathmandu"],
)
def test_days_are_those_of_the_zone(name):
    zone = ZoneInfo(name)
    random = np.random.default_rng(3)
    starts = np.sort(random.integers(-60_000_000_000, 250_000_000_000, 400)) * 1_000_000
    near = np.datetime64("2026-01-01", "us").astype(np.int64) + np.arange(0, 400 * 86400, 39_601) * 1_000_000
    timeline = Timeline(levels=("day", "month"), zone=zone)
    ids = timeline.extend(np.concatenate([starts, near]))
    days = {}
    for id, micros in zip(ids.tolist(), np.concatenate([starts, near]).tolist(), strict=True):
        local = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)).astimezone(zone)
        days.setdefault(local.date(), []).append(id)
    assert sorted(days.values()) == sorted(
        timeline.events_of(node).tolist() for node in timeline.nodes("day")
    )


def test_a_fixed_offset_and_the_edges_of_the_calendar():
    timeline = Timeline(zone=timezone(timedelta(hours=-5)))
    timeline.extend([datetime.min, datetime.max, date(2000, 2, 29)])
    assert len(timeline.nodes("month")) == 3
    assert timeline.advance(datetime.max)[0].level == "session"
    assert timeline.between(datetime.min, datetime.max).tolist() == [0, 2]
    assert timeline.between().tolist() == [0, 2, 1]
    with pytest.raises(InvalidArgument, match="no time zone"):
        Timeline(zone="Europe/Atlantis")
    with pytest.raises(WrongType, match="zone: "):
        Timeline(zone=5)


def test_events_that_last_and_events_of_one_microsecond():
    timeline = Timeline()
    trip = timeline.append("2026-07-01", until="2026-07-15")
    job = timeline.append("2026-03-01", until="open")
    same = timeline.extend([5, 5, 5]).tolist()
    assert timeline.between(5, 6).tolist() == same
    assert timeline.between("2026-07-14", "2026-07-15").tolist() == [job, trip]
    assert timeline.between("2026-07-15", "2026-07-16").tolist() == [job]
    assert timeline.between("2026-07-02", newest_first=True, limit=1).tolist() == [trip]
    assert timeline.nearest("2026-07-20", k=2).tolist() == [job, trip]
    assert timeline.around("2026-07-16", timedelta(days=2)).tolist() == [job, trip]
    assert timeline.event(job)[1] == 2**63 - 1
    assert timeline.nodes("persona")[0].end == 2**63 - 1
    assert timeline.count("2026-01-01", "2026-12-31") == 2
    assert list(timeline) == [*same, job, trip]
    mixed = timeline.extend([7, 8], until=[None, "open"])
    assert [timeline.event(id)[1] for id in mixed.tolist()] == [8, 2**63 - 1]


def test_a_clock_that_goes_back():
    timeline = Timeline()
    ids = [timeline.append(1000 - at) for at in range(50)]
    assert timeline.ids().tolist() == ids[::-1]


def test_neighbours_stay_inside_their_session():
    timeline = Timeline()
    a = timeline.extend(["2026-03-01T10:00", "2026-03-01T10:02", "2026-03-01T10:04"], session="a").tolist()
    b = timeline.extend(["2026-03-01T10:01", "2026-03-01T10:03"], session="b").tolist()
    assert timeline.neighbours(a[1]) == ([a[0]], [a[2]])
    assert timeline.neighbours(b[0], n=5) == ([], [b[1]])
    (day,) = timeline.nodes("day")
    first, second = timeline.children(day)
    assert (first.session, second.session) == ("a", "b")
    assert timeline.neighbours(first) == ([], [second])
    found = timeline.with_neighbours([a[1], b[0]], budget=7)
    assert [(x.event, x.of) for x in found] == [(a[1], None), (a[0], a[1]), (a[2], a[1]), (b[0], None)]
    assert [x.of for x in timeline.with_neighbours([a[1]], budget=3)] == [None]


def test_descend_climb_and_blocks():
    random = np.random.default_rng(1)
    timeline = Timeline(dim=16)
    topics = random.standard_normal((30, 16))
    vectors = np.repeat(topics, 20, axis=0) + 0.3 * random.standard_normal((600, 16))
    hours = np.datetime64("2026-01-01", "us") + np.arange(600) * np.timedelta64(1, "h")
    words = [[f"topic {at // 20}", "all"] for at in range(600)]
    sessions = [str(at // 20) for at in range(600)]
    timeline.extend(hours, vectors=vectors, session=sessions, words=words, salience=np.arange(600) % 7)
    target = vectors[333]
    found = timeline.descend(target, beam=4)
    assert found.best[0].item == 333
    assert found.best[0].score == pytest.approx(1.0, abs=1e-6)
    assert found.opened <= 6 * 4
    assert not found.sufficient
    early = timeline.descend(words=["topic 16"], beam=4, until=lambda best: best[0].score == 1)
    assert early.sufficient
    assert len(early.steps) < len(found.steps)
    late = timeline.descend(target, words=["topic 29"], start="2026-01-25", beam=2, weight=0.5)
    assert {item.item // 20 for item in late.best} <= {28, 29}
    scores = vectors @ target
    best = np.argsort(-scores)[:20]
    nodes = timeline.climb(best, scores[best], {"session": 2, "persona": 1})
    assert [node.level for node, _ in nodes] == ["session", "session", "persona"]
    assert "16" in {node.session for node, _ in nodes}
    blocks = timeline.blocks(size=20, representative="mean")
    assert len(blocks) == 30
    assert blocks.best(target, k=1).tolist() == [16]
    assert blocks.of(16).tolist() == list(range(320, 340))
    assert timeline.blocks(size=7, count=1).representatives.tolist()[0] == 6
    (everything,) = timeline.nodes("persona")
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    np.testing.assert_allclose(timeline.mean(everything), unit.mean(axis=0), atol=1e-6)
    assert timeline.words(timeline.nodes("session")[3]) == {"topic 3": 20, "all": 20}
    assert timeline.words(everything)["all"] == 600


def test_what_is_not_there():
    timeline = Timeline(dim=2)
    id = timeline.append(5, session="a")
    node = timeline.ancestors(id)[0]
    timeline.remove([id])
    for call in (
        lambda: timeline.node(node),
        lambda: timeline.children(node),
        lambda: timeline.ancestors(id),
        lambda: timeline.event(id),
        lambda: timeline.remove([id]),
        lambda: timeline.climb([id], [1.0], {}),
    ):
        with pytest.raises(UnknownMemory):
            call()
    assert id not in timeline
    assert "0" not in timeline
    assert len(timeline) == 0


def test_bad_arguments_change_nothing():
    timeline = Timeline(dim=2)
    timeline.append(5, id=7)
    for error, call in (
        (InvalidArgument, lambda: timeline.append(5, id=7)),
        (InvalidArgument, lambda: timeline.append(5, until=5)),
        (InvalidArgument, lambda: timeline.append(5, segment=1)),
        (InvalidArgument, lambda: timeline.append(5, salience=float("nan"))),
        (InvalidArgument, lambda: timeline.append(5, vector=[np.inf, 0])),
        (DimensionMismatch, lambda: timeline.append(5, vector=[1.0])),
        (InvalidArgument, lambda: timeline.append("yesterday")),
        (WrongType, lambda: timeline.append(5.0)),
        (WrongType, lambda: timeline.append(5, words="moved")),
        (InvalidArgument, lambda: timeline.append(5, words={"moved": 0})),
        (InvalidArgument, lambda: timeline.append(5, session="")),
        (LimitExceeded, lambda: timeline.append(5, id=2**63)),
        (InvalidArgument, lambda: timeline.extend([5, 6], until=[6, 6])),
        (InvalidArgument, lambda: timeline.extend([5, 6], ids=[9, 9])),
        (InvalidArgument, lambda: timeline.extend([5, 6], session=["a"])),
        (InvalidArgument, lambda: timeline.extend(np.array([5, 2**62]))),
        (InvalidArgument, lambda: timeline.remove([7, 7])),
        (InvalidArgument, lambda: timeline.nodes("decade")),
        (InvalidArgument, lambda: timeline.descend()),
        (InvalidArgument, lambda: timeline.descend([1.0, 0.0], beam=0)),
        (WrongType, lambda: timeline.node(5)),
        (InvalidArgument, lambda: Timeline(levels=["week", "day"])),
        (InvalidArgument, lambda: Timeline(gap=0)),
        (LimitExceeded, lambda: Timeline(dim=10_000)),
    ):
        with pytest.raises(error):
            call()
        assert timeline.ids().tolist() == [7]
    with pytest.raises(InvalidArgument, match=r"^end\[1\]"):
        timeline.extend([5, 6], until=[6, 6])


def test_the_example_is_right():
    assert doctest.testmod(recollect.timeline).failed == 0
