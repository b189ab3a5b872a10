"""Uses of memories: base levels, feedback, pins, pruning, eviction, rehearsal."""

import math
from datetime import UTC, datetime, timedelta

import pytest

import recollect
from recollect import InvalidArgument, UnknownMemory
from recollect.activation import BaseLevel, Ebbinghaus, History, PowerLaw
from recollect.errors import LimitExceeded, StoreReadOnly, WrongType

START = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def memory():
    with recollect.open() as opened:
        yield opened


def add(memory, *texts, **options):
    return [outcome.uid for outcome in memory.add_many(list(texts), now=START, **options)]


def test_uses_raise_the_base_level_as_the_library_says(memory):
    a, b = add(memory, "one", "two")
    for days in (1, 3, 4):
        memory.reinforce(a, now=START + days * DAY)
    history = History(START)
    for days in (1, 3, 4):
        history.touch(START + days * DAY)
    now = START + 10 * DAY
    first, second = memory.uses([a, b], now=now)
    assert first.count == 4
    assert first.first == START
    assert first.recent == tuple(START + days * DAY for days in (4, 3, 1, 0))
    assert first.base_level == pytest.approx(BaseLevel().of(history, now))
    assert second.base_level == pytest.approx(BaseLevel().of(History(START), now))
    level = BaseLevel(decay=0.3)
    assert memory.uses(a, level=level, now=now)[0].base_level == pytest.approx(level.of(history, now))


def test_an_event_is_the_first_use(memory):
    (uid,) = add(memory, "We moved.", at="2026-01-01")
    assert memory.uses(uid)[0].first == datetime(2026, 1, 1, tzinfo=UTC)


def test_feedback_moves_the_utility(memory):
    a, b = add(memory, "one", "two")
    for reward, utility in [(1, 0.3), (1, 0.51), (-1, 0.057)]:
        memory.feedback([a, a], reward)
        assert memory.uses(a)[0].utility == pytest.approx(utility, abs=1e-6)
    use = memory.uses(a)[0]
    assert (use.judged, use.succeeded, use.count) == (3, 2, 1)
    assert memory.uses(b)[0].judged == 0
    found = memory.list({"judged": {"$gte": 1}, "success_rate": {"$gt": 0.6}, "utility": {"$gt": 0}})
    assert [record.uid for record in found] == [a]
    for reward in (1.5, float("nan"), -2):
        with pytest.raises(InvalidArgument, match="reward"):
            memory.feedback(a, reward)


def test_being_used_together_links(memory):
    a, b, c = add(memory, "one", "two", "three")
    memory.reinforce([a, b], together=0.5)
    memory.reinforce([b, a, c], together=0.5)
    found = {(x.uid, x.relation, x.weight) for x in memory.neighbours(a)}
    assert found == {(b, "used with", 1.0), (c, "used with", 0.5)}
    many = add(memory, *(f"number {at}" for at in range(65)))
    with pytest.raises(LimitExceeded, match="together"):
        memory.reinforce(many, together=1)
    with pytest.raises(InvalidArgument, match="together"):
        memory.reinforce(a, together=-1)
    assert memory.uses(many[0])[0].count == 1


def test_recall_can_reinforce_and_a_reader_does_not(tmp_path):
    path = tmp_path / "a.rcl"
    with recollect.open(path) as memory:
        a, b = add(memory, "rain in March", "sun in May")
        hits = memory.recall("rain", reinforce=True)
        assert hits.trace["reinforced"] == 1
        assert [use.count for use in memory.uses([a, b])] == [2, 1]
        below = memory.namespace("deep").add("rain below").uid
        memory.recall("rain", scope="below", reinforce=True)
        assert memory.namespace("deep").uses(below)[0].count == 2
        assert memory.uses(a)[0].count == 3
    with recollect.open(path, read_only=True) as memory:
        assert memory.recall("rain", reinforce=True).trace["reinforced"] == 0
        assert memory.uses(a)[0].count == 3
        with pytest.raises(StoreReadOnly):
            memory.reinforce(a)


def test_base_level_counts_beside_the_other_signals(memory):
    a, b = add(memory, "The red boat is in the harbour.", "The blue boat is in the harbour.")
    add(memory, "Nothing about it.")
    for days in range(1, 6):
        memory.reinforce(b, now=START + days * DAY)
    now = START + 6 * DAY
    hits = memory.recall("boat in the harbour", base_level=1.0, now=now)
    assert next(hit.uid for hit in hits) == b
    signal = next(x for x in hits[0].signals if x.name == "base level")
    assert signal.rank == 1
    assert signal.share > 0
    assert signal.score == pytest.approx(memory.uses(b, now=now)[0].base_level, abs=1e-5)
    with pytest.raises(InvalidArgument, match="base_level"):
        memory.recall("boat", base_level=-1)
    with pytest.raises(InvalidArgument, match="base_level"):
        memory.recall("boat", base_level=1, fusion="rrf")
    del a


def test_what_is_held_back_can_be_seen(memory):
    old, kept, rule = (
        memory.add(f"boat {word}", now=START, kind=kind).uid
        for word, kind in [("old", "episodic"), ("pinned", "episodic"), ("rule", "instruction")]
    )
    memory.pin(kept)
    now = START + 100 * DAY
    new = memory.add("boat new", now=now - timedelta(seconds=10)).uid
    mortal = memory.add("boat mortal", now=START, ttl=DAY).uid
    least = -3.0
    hits = memory.recall("boat", min_base_level=least, now=now)
    assert {hit.uid for hit in hits} == {kept, rule, new}
    back = memory.suppressed("boat", min_base_level=least, now=now)
    assert {hit.uid for hit in back} == {old, mortal}
    assert {hit.uid for hit in memory.suppressed("boat", now=now)} == {mortal}
    memory.unpin(kept)
    assert kept not in [hit.uid for hit in memory.recall("boat", min_base_level=least, now=now)]
    with pytest.raises(InvalidArgument, match="budget"):
        memory.suppressed("boat", budget=10)


def test_prune_by_threshold_share_and_chance(memory):
    uids = add(memory, *(f"fact {at}" for at in range(10)))
    for at, uid in enumerate(uids[5:]):
        memory.reinforce(uid, now=START + (at + 1) * DAY)
    memory.pin(uids[0])
    now = START + 30 * DAY
    level = memory.uses(uids[1], now=now)[0].base_level
    receipt = memory.prune(below=level + 1e-6, now=now)
    assert receipt.deleted == tuple(uids[1:5])
    assert "activation below" in memory.history(uids[1])[-1].reason
    assert memory.prune(share=0.5, now=now).deleted == tuple(sorted(uids[5:7], key=uids.index))
    chance = memory.prune(sampled=True, decay=Ebbinghaus(), now=now, seed=3)
    again = set(uids[7:]) - set(chance.deleted)
    assert memory.count() == 1 + len(again)
    assert memory.get(uids[0])


def test_models_that_prune_go_by(memory):
    a, b = add(memory, "one", "two")
    memory.reinforce(b, now=START + 5 * DAY)
    now = START + 6 * DAY
    assert memory.prune(below=math.exp(-1), decay=Ebbinghaus(), now=now).deleted == (a,)
    assert memory.prune(below=0.9, decay=PowerLaw(), now=now).deleted == ()
    assert memory.prune(below=0.6, decay=PowerLaw(), now=now + DAY).deleted == (b,)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({}, InvalidArgument),
        ({"below": 1, "share": 0.5}, InvalidArgument),
        ({"share": 2}, InvalidArgument),
        ({"sampled": True}, InvalidArgument),
        ({"below": "much"}, WrongType),
        ({"below": 1, "decay": 0.5}, WrongType),
    ],
)
def test_prune_refuses_what_it_cannot_read(memory, options, error):
    add(memory, "one")
    with pytest.raises(error):
        memory.prune(**options)
    assert memory.count() == 1


def test_prune_by_utility(memory):
    bad, fair, few = add(memory, "bad", "fair", "few")
    for at in range(5):
        memory.feedback(bad, 1 if at < 2 else -1)
        memory.feedback(fair, 1 if at < 3 else -1)
        if at < 4:
            memory.feedback(few, -1)
    assert memory.prune_by_utility().deleted == (bad,)


POLICIES = {
    "fifo": [0, 1],
    "lifo": [5, 4],
    "lru": [0, 4],
    "mvfo": [3, 1],
    "lvfo": [0, 4],
    "utility": [2, 0],
    "base_level": [0, 4],
    "frequency_age": [0, 4],
}


@pytest.mark.parametrize("policy", POLICIES)
def test_eviction_takes_what_a_policy_values_least(memory, policy):
    uids = [memory.add(f"number {at}", now=START + timedelta(hours=at)).uid for at in range(6)]
    for at, uses in enumerate([0, 2, 1, 3, 0, 1]):
        for day in range(uses):
            memory.reinforce(uids[at], now=START + (at + day + 1) * DAY)
    # Number 4 came to be after number 0, and neither was used since.
    memory.feedback(uids[2], -1)
    memory.feedback([uid for uid in uids if uid not in (uids[0], uids[2])], 1)
    receipt = memory.evict(4, policy, now=START + 20 * DAY)
    assert sorted(receipt.deleted) == sorted(uids[at] for at in POLICIES[policy])
    assert memory.count() == 4


def test_eviction_spares_pins_sinks_and_the_recent(memory):
    uids = add(memory, *(f"number {at}" for at in range(8)))
    rule = memory.add("a rule", kind="instruction").uid
    memory.pin(uids[3])
    assert memory.evict(4, "fifo", sinks=1, recent=1).deleted == tuple(uids[at] for at in (1, 2, 4, 5))
    assert {record.uid for record in memory.list()} == {uids[0], uids[3], uids[6], uids[7], rule}
    with pytest.raises(InvalidArgument, match="capacity"):
        memory.evict(1, sinks=2)
    assert memory.evict(10).deleted == ()
    assert memory.evict(0, "fifo", filter={"uid": uids[0]}, erase=True).erased == (uids[0],)


def test_rehearsal_is_drawn_by_age(memory):
    uids = [memory.add(f"number {at}", now=START + at * DAY).uid for at in range(10)]
    now = START + 10 * DAY
    drawn = [memory.rehearse(1, now=now, seed=seed)[0].uid for seed in range(400)]
    counts = [drawn.count(uid) for uid in uids]
    assert counts[9] > counts[5] > counts[0]
    assert abs(counts[9] / 400 - 0.3414) < 0.07
    assert len(memory.rehearse(99, now=now)) == 10


def test_select_weighs_similarity_by_utility(memory):
    near, useful = add(memory, "the red boat in the harbour", "a red boat in some harbour or other place")
    add(memory, *(f"remark {at}" for at in range(5)))
    query = "red boat in the harbour"
    assert memory.select(query, 1, candidates=2)[0].uid == near
    for _ in range(5):
        memory.feedback(useful, 1)
        memory.feedback(near, -0.5)
    best = memory.select(query, 1, candidates=2, utility_weight=0.8)
    assert best[0].uid == useful
    assert best[0].rank == 1
    assert memory.select(query, 1, candidates=2, utility_weight=0.0)[0].uid == near
    assert [hit.uid for hit in memory.select(query, 3, candidates=2, floor=0.0)] == [useful]
    good, bad = (memory.cases(query).good, memory.cases(query).bad)
    assert [hit.uid for hit in good] == [useful]
    assert [hit.uid for hit in bad] == [near]


def test_uses_survive_reopening_and_go_with_the_memory(tmp_path):
    path = tmp_path / "a.rcl"
    with recollect.open(path) as memory:
        a, b = add(memory, "one", "two")
        memory.reinforce([a, b], now=START + DAY)
        memory.feedback(a, 1, now=START + DAY)
        memory.pin(a)
        before = memory.uses([a, b], now=START + 2 * DAY)
    for _ in range(2):
        with recollect.open(path) as memory:
            assert memory.uses([a, b], now=START + 2 * DAY) == before
            memory.checkpoint()
    with recollect.open(path) as memory:
        memory.forget(a, erase=True)
        with pytest.raises(UnknownMemory):
            memory.uses(a)
        with pytest.raises(UnknownMemory):
            memory.reinforce([b, a])
        assert memory.uses(b, now=START + 2 * DAY) == before[1:]
