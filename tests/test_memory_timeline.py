"""The timeline of a memory: found by time, up, down and beside, and told at several granularities."""

import threading
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

import recollect
from recollect import InvalidArgument, UnknownMemory

MONDAY = datetime(2024, 1, 1, tzinfo=UTC)


def forty_days(memory):
    at, session = [], []
    for day in range(40):
        for hour in (9, 18):
            for turn in range(10):
                at.append(MONDAY + timedelta(days=day, hours=hour, minutes=turn))
                session.append(f"{day} {hour}")
    texts = [f"turn {number} about thing{number // 20}" for number in range(len(at))]
    return memory.add_many(texts, at=at, session=session)


@pytest.fixture
def memory():
    with recollect.open() as memory:
        yield memory


def closed(timeline):
    return {
        level: told["nodes"] - told["open"] - told["reopened"]
        for level, told in timeline.stats()["levels"].items()
    }


def test_forty_days_close_as_calendars_say(memory):
    forty_days(memory)
    # Segments of two: five in each session.
    timeline = memory.timeline(max_size=2)
    until = MONDAY + timedelta(days=40)
    timeline.consolidate(lambda node, below, before: "said", until)
    wanted = {"segment": 400, "session": 80, "day": 40, "week": 5, "month": 1, "persona": 0}
    assert closed(timeline) == wanted
    assert timeline.consolidate(lambda node, below, before: "again", until) == []

    # One that comes late opens its session, its day, its week and its month.
    memory.add("late", at=MONDAY + timedelta(days=2, hours=9, minutes=30), session="2 9")
    told = timeline.stats()["levels"]
    assert sum(level["reopened"] for level in told.values()) == 4
    made = timeline.consolidate(lambda node, below, before: "anew", until)
    assert [one.level for one in made] == ["session", "day", "week", "month"]
    assert closed(timeline) == {**wanted, "segment": 401}


def test_the_leaf_its_session_and_all(memory):
    forty_days(memory)
    memory.add(
        "the kingfisher by the weir", at=MONDAY + timedelta(days=20, hours=18, minutes=11), session="20 18"
    )
    timeline = memory.timeline()
    found = timeline.recall("kingfisher")
    assert {one.level for one in found} == {"memory", "session", "persona"}
    assert max(found.of("memory"), key=lambda one: one.score).text == "the kingfisher by the weir"
    assert [one.node.session for one in found.of("session")] == ["20 18"]
    assert found.of("persona")[0].node.events == 801
    assert "kingfisher" in found._repr_html_()

    wide = timeline.recall("turn", ("memory", "day", "month"), budgets={"memory": 3, "day": 2, "month": 1})
    assert [len(wide.of(level)) for level in ("memory", "day", "month")] == [3, 2, 1]
    days = [one.node.start for one in wide.of("day")]
    assert days == sorted(days)
    assert [one.level for one in wide] == ["memory"] * 3 + ["day"] * 2 + ["month"]
    assert all(one.text for one in wide)
    with pytest.raises(InvalidArgument, match="levels"):
        timeline.recall("turn", ("decade",))
    with pytest.raises(InvalidArgument, match="scope"):
        timeline.recall("turn", scope="below")
    assert len(timeline.recall("nothing like that")) == 0


def test_descend_opens_few_nodes(memory):
    rng = np.random.default_rng(3)
    topics = rng.normal(size=(40, 16))
    outcomes = memory.add_many(
        [f"turn {x}" for x in range(800)],
        at=[MONDAY + timedelta(days=x // 20, minutes=x % 20) for x in range(800)],
        session=[f"s{x // 20}" for x in range(800)],
        vectors=(topics.repeat(20, axis=0) + 0.2 * rng.normal(size=(800, 16))).astype(np.float32),
    )
    timeline = memory.timeline()
    way = timeline.descend(vector=topics[17], beam=4)
    assert {found.item.session for found in way.best} == {"s17"}
    assert way.opened <= 4 * len(timeline.levels)
    assert outcomes[340].uid in {r.uid for r in timeline.records(timeline.ancestors(way.best[0].item)[1])}
    early = timeline.descend(vector=topics[17], beam=4, until=lambda best: best[0].score > 0.5)
    assert early.sufficient
    assert early.opened < way.opened
    assert timeline.descend("turn", beam=2).best
    with pytest.raises(InvalidArgument):
        timeline.descend()


def test_neighbours_stay_inside_their_session(memory):
    uids = [o.uid for o in forty_days(memory)]
    timeline = memory.timeline(levels=("session", "day"))
    before, after = timeline.neighbours(uids[4])
    assert [r.uid for r in before] == [uids[3]]
    assert [r.uid for r in after] == [uids[5]]
    assert timeline.neighbours(uids[9])[1] == []
    hits = memory.recall("thing3", k=3)
    around = timeline.with_neighbours(hits, 10)
    assert sum(one.of is not None for one in around) <= 3
    # Two hits may stand beside each other.
    assert 3 < len(around) <= 6
    assert around[0].record.uid == hits[0].uid
    # Neither a session nor a time: whatever stands next to it in a file is no neighbour.
    alone = [o.uid for o in memory.add_many(["one line", "the next line", "the last line"])]
    assert all(timeline.neighbours(uid) == ([], []) for uid in alone)
    assert [node.level for node in timeline.ancestors(alone[0])] == ["day"]
    whole = memory.timeline()
    assert all(whole.neighbours(uid) == ([], []) for uid in alone)
    with pytest.raises(UnknownMemory):
        timeline.neighbours("0" * 32)


def test_sessions_that_nobody_named(memory):
    times = [0, 3, 6, 40, 43, 60 * 24]
    memory.add_many([f"turn {x}" for x in times], at=[MONDAY + timedelta(minutes=x) for x in times])
    timeline = memory.timeline()
    assert [node.events for node in timeline.nodes("session")] == [3, 2, 1]
    assert all(node.session is None for node in timeline.nodes("session"))
    # 6 -> 15 -> 24 -> 32 -> 40: what comes late joins the two.
    memory.add_many(["join", "both", "of them"], at=[MONDAY + timedelta(minutes=x) for x in (15, 24, 32)])
    assert [node.events for node in timeline.nodes("session")] == [8, 1]


def test_surprise_begins_a_segment(memory):
    topics = np.repeat(np.eye(3, 8, dtype=np.float32), 6, axis=0)
    noise = np.random.default_rng(1).normal(0, 0.02, topics.shape)
    for session in (None, "talk"):
        memory.add_many(
            [f"{session} {x}" for x in range(18)],
            at=[MONDAY + timedelta(days=9 * bool(session), minutes=x) for x in range(18)],
            session=[session] * 18,
            vectors=(topics + noise).astype(np.float32),
        )
    timeline = memory.timeline(min_size=4)
    assert [node.events for node in timeline.nodes("segment")] == [6] * 6
    blocks = timeline.blocks(level="segment", count=2)
    assert [len(block) for block in blocks] == [6] * 6
    assert len(timeline.records_of(blocks[0], representatives=True)) == 2
    assert [len(block) for block in timeline.blocks(10)] == [10, 10, 10, 6]
    read = timeline.attend(topics[7], level="segment", k=2)
    assert sorted(read.chunks.tolist()) == [1, 4]
    assert read.value.argmax() == 1


@pytest.mark.parametrize(("minutes", "segments"), [(29, 1), (31, 2)])
def test_a_gap_parts_what_a_session_holds_together(memory, minutes, segments):
    at = [MONDAY, MONDAY + timedelta(minutes=1), MONDAY + timedelta(minutes=1 + minutes)]
    memory.add_many(["one", "two", "three"], at=at, session=["s"] * 3)
    timeline = memory.timeline()
    assert len(timeline.nodes("segment")) == segments
    assert len(timeline.nodes("session")) == 1
    # A late arrival in between closes the gap, and touches no other session.
    memory.add_many(["x", "y"], at=[MONDAY + timedelta(days=1)] * 2, session=["t"] * 2)
    before = timeline.nodes("segment", MONDAY + timedelta(days=1))
    memory.add("late", at=MONDAY + timedelta(minutes=10), session="s")
    assert len(timeline.nodes("segment", MONDAY, MONDAY + timedelta(hours=1))) == 1
    assert timeline.nodes("segment", MONDAY + timedelta(days=1)) == before


def test_nothing_of_what_is_erased_stays(memory):
    memory.add("the quay", at="2026-01-01T10:00", session="s", vector=[1.0, 0.0])
    uid = memory.add("zanzibar", at="2026-01-01T10:01", session="s", vector=[0.0, 1.0]).uid
    timeline = memory.timeline()
    (day,) = timeline.nodes("day")
    assert "zanzibar" in timeline.words(day)
    assert timeline.mean(day)[1] > 0
    memory.forget(uid, erase=True)
    assert len(timeline) == 1
    (day,) = timeline.nodes("day")
    assert "zanzibar" not in timeline.words(day)
    assert timeline.mean(day).tolist() == [1.0, 0.0]
    assert timeline.descend("zanzibar").best[0].score == 0
    with pytest.raises(UnknownMemory):
        timeline.ancestors(uid)
    assert uid not in timeline


@pytest.mark.parametrize("levels", [("segment", "day"), ("segment", "session"), ("session", "month")])
def test_what_stays_keeps_its_session_when_others_are_erased(memory, levels):
    timeline = memory.timeline(levels=levels)
    memory.add("the quay at night", at=MONDAY, session="a")
    other = memory.add("a boat on the quay", at=MONDAY, session="a")
    assert len(timeline) == 2
    memory.forget(other.uid, erase=True)
    assert len(timeline) == 1
    memory.add("the boat came back", at=MONDAY, session="a")
    for level in levels:
        assert [node.events for node in timeline.nodes(level)] == [2]


def test_edges_of_the_calendar(memory):
    at = [
        "0001-01-01T00:00Z",
        "9999-12-31T23:59:59.999999Z",
        "2025-03-30T00:59:59.999999Z",
        "2025-03-30T01:00Z",
    ]
    memory.add_many([f"at {x}" for x in at], at=at, session=["s"] * 4)
    memory.add("on and on", at="2025-10-26T00:30Z", until="9999-12-31")
    for zone in ("UTC", "Europe/Brussels", "Pacific/Auckland", "America/St_Johns"):
        timeline = memory.timeline(zone=zone)
        assert next(r.text for r in timeline.between()) == "at 0001-01-01T00:00Z"
        assert len(timeline) == 5
        assert sum(node.events for node in timeline.nodes("month")) == 5
        assert "on and on" in [r.text for r in timeline.between("2200-01-01", "2200-01-02")]
        assert timeline.nearest("2025-03-30T01:00Z", k=1)[0].text == "at 2025-03-30T01:00Z"
        assert "<svg" in timeline.to_html()


def test_the_hour_that_comes_twice(memory):
    # 02:30 in Brussels on 26 October 2025 comes twice; the day has 25 hours.
    at = [datetime(2025, 10, 25, 22, tzinfo=UTC) + timedelta(minutes=30 * x) for x in range(52)]
    memory.add_many([f"{x:%H:%M}" for x in at], at=at)
    days = memory.timeline(zone="Europe/Brussels").nodes("day")
    assert [node.events for node in days] == [50, 2]


def test_kinds_and_the_episodic_store(memory):
    memory.episodic.record("we met", at="2026-01-01")
    memory.add("the earth is round", kind="semantic")
    assert len(memory.timeline()) == 2
    assert len(memory.episodic.timeline()) == len(memory.timeline(kinds="episodic")) == 1


def test_updates_move_and_time_to_live_ends(memory):
    now = [MONDAY]
    with recollect.open(clock=lambda: now[0]) as memory:
        timeline = memory.timeline(levels=("day",))
        uid = memory.add("a walk", at=MONDAY).uid
        memory.add("soon gone", at=MONDAY, ttl=60)
        assert [node.events for node in timeline.nodes("day")] == [2]
        memory.update(uid, at=MONDAY + timedelta(days=3))
        assert [node.events for node in timeline.nodes("day")] == [1, 1]
        now[0] += timedelta(minutes=2)
        assert [node.events for node in timeline.nodes("day")] == [1]
        now[0] -= timedelta(minutes=2)
        assert len(timeline) == 2


def test_what_another_space_says(memory):
    class Embedder:
        def __init__(self, name, dim):
            self.name, self.dim, self.metric = name, dim, "cosine"

        def embed(self, texts):
            return np.ones((len(texts), self.dim), dtype=np.float32)

    with recollect.open(embedder=Embedder("a", 3)) as memory:
        timeline = memory.timeline()
        assert timeline.nodes("day") == []
        memory.add("one", at=MONDAY)
        assert timeline.mean(timeline.nodes("day")[0]).shape == (3,)
        assert memory.timeline(vectors=False).mean(timeline.nodes("day")[0]).shape == (0,)


def test_bad_arguments(memory):
    for bad in (
        {"levels": "day"},
        {"levels": ("day", "segment")},
        {"zone": "Nowhere/At_all"},
        {"gap": -1},
        {"min_size": 0},
        {"kinds": "dream"},
        {"gamma": -1.0},
    ):
        with pytest.raises((InvalidArgument, recollect.errors.WrongType)):
            len(memory.timeline(**bad))
    timeline = memory.timeline()
    assert timeline.to_html() == "<p>Nothing has happened yet.</p>"
    with pytest.raises(recollect.errors.WrongType):
        timeline.children("day")
    with pytest.raises(InvalidArgument):
        timeline.nodes("decade")


def test_the_example_is_right():
    import doctest

    from recollect import attention, memory_timeline, sentences

    for module in (attention, memory_timeline, sentences):
        assert doctest.testmod(module).failed == 0


def test_it_is_read_while_others_write(memory):
    timeline, failed = memory.timeline(), []

    def write(name):
        for number in range(60):
            uid = memory.add(f"{name} {number}", at=MONDAY + timedelta(minutes=number), session=name).uid
            if number % 3 == 0:
                memory.forget(uid, erase=number % 2 == 0)

    def read():
        try:
            while any(thread.is_alive() for thread in writers):
                records = timeline.between()
                assert [one.at for one in records] == sorted(one.at for one in records)
                timeline.nodes("session")
                timeline.recall("a 1", ("memory", "day"))
        except Exception as error:
            failed.append(error)

    writers = [threading.Thread(target=write, args=(name,)) for name in "abc"]
    readers = [threading.Thread(target=read) for _ in range(2)]
    for thread in (*writers, *readers):
        thread.start()
    for thread in (*writers, *readers):
        thread.join()
    assert failed == []
    assert len(timeline) == memory.count() == 120
