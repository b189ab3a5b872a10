"""The timeline of a memory after any writes, updates, deletions and erasures is the one made anew."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import recollect
from recollect import Record
from recollect.derived import BELOW

START = datetime(2026, 3, 27, 22, tzinfo=UTC)
"""Two days before clocks change in Brussels."""
LEVELS = [
    ("segment", "session", "day", "week", "month", "persona"),
    ("segment", "day"),
    ("session", "month"),
    ("hour", "year"),
]

minutes = st.integers(-3_000, 6_000)
ats = st.one_of(minutes, st.sampled_from([0, 0, 1, 1_440]), st.none())
sessions = st.sampled_from([None, None, "a", "b"])
texts = st.sampled_from(["the red boat", "a boat on the quay", "bread and jam", "jam", "the quay at night"])
rows = st.integers(0, 3)


def vector(row):
    return np.eye(4, 6, dtype=np.float32)[row] + np.float32(0.1)


def moment(at):
    return None if at is None else START + timedelta(minutes=at)


def told(timeline):
    """All that a tree says, in terms that mean the same in every tree."""
    out = []

    def child(item):
        return item.uid if isinstance(item, Record) else (item.level, item.start, item.segment)

    for level in timeline.levels:
        for node in timeline.nodes(level):
            out.append(
                (
                    level,
                    node.start,
                    node.end,
                    node.events,
                    node.salience,
                    node.session,
                    node.segment,
                    tuple(sorted((child(item) for item in timeline.children(node)), key=repr)),
                    tuple(timeline.mean(node).tolist()),
                    tuple(sorted(timeline.words(node).items())),
                )
            )
    # Nodes that start together stand in any order.
    return sorted(out, key=repr)


class Follows(RuleBasedStateMachine):
    @initialize(
        levels=st.sampled_from(LEVELS),
        embedded=st.booleans(),
        zone=st.sampled_from(["UTC", "Europe/Brussels"]),
    )
    def begin(self, levels, embedded, zone):
        self.memory = recollect.open(clock=lambda: self.now)
        self.now = START
        self.options = {"levels": levels, "zone": zone, "max_size": 4, "words": 8}
        self.embedded, self.uids, self.gone = embedded, [], []
        self.timeline = self.memory.timeline(**self.options)

    def teardown(self):
        if hasattr(self, "memory"):
            self.memory.close()

    @rule(
        at=ats,
        session=sessions,
        text=texts,
        row=rows,
        importance=st.sampled_from([0.25, 0.5, 1.0]),
        lasts=st.booleans(),
    )
    def add(self, at, session, text, row, importance, lasts):
        when = moment(at)
        until = when + timedelta(hours=3) if when is not None and lasts else None
        given = {"vector": vector(row)} if self.embedded else {}
        outcome = self.memory.add(
            text, at=when, until=until, session=session, importance=importance, duplicates="keep", **given
        )
        self.uids.append(outcome.uid)

    @rule(many=st.lists(st.tuples(ats, sessions, texts, rows), min_size=1, max_size=12))
    def add_many(self, many):
        given = {"vectors": [vector(row) for *_, row in many]} if self.embedded else {}
        outcomes = self.memory.add_many(
            [text for _, _, text, _ in many],
            at=[moment(at) for at, *_ in many],
            session=[session for _, session, *_ in many],
            duplicates="keep",
            **given,
        )
        self.uids += [outcome.uid for outcome in outcomes]

    @precondition(lambda self: self.uids)
    @rule(data=st.data(), at=minutes, text=st.none() | texts)
    def update(self, data, at, text):
        uid = data.draw(st.sampled_from(self.uids))
        given = {"vector": vector(1)} if self.embedded and text else {}
        self.memory.update(uid, at=moment(at), text=text, **given)

    @precondition(lambda self: self.uids)
    @rule(data=st.data(), erase=st.booleans())
    def forget(self, data, erase):
        uid = data.draw(st.sampled_from(self.uids))
        self.uids.remove(uid)
        self.memory.forget(uid, erase=erase)
        self.gone.append(uid)

    @rule(at=minutes, session=sessions)
    def expires(self, at, session):
        self.memory.add("for an hour", at=moment(at), session=session, ttl=3600, duplicates="keep")
        self.now += timedelta(minutes=40)

    @rule(until=minutes)
    def consolidate(self, until):
        self.timeline.consolidate(until=moment(until))

    @invariant()
    def is_the_one_made_anew(self):
        if not hasattr(self, "memory"):
            return
        anew = self.memory.timeline(**self.options)
        assert told(self.timeline) == told(anew)
        told_of = {uid for one in self.memory.namespace(BELOW).list() for uid in one.parents}
        assert told_of.isdisjoint(self.gone)
        live = self.memory.list()
        assert len(self.timeline) == len(live)
        when = lambda record: record.at or record.ingested  # noqa: E731 -- a key
        assert [when(record) for record in self.timeline.between()] == sorted(when(record) for record in live)
        start, end = START, START + timedelta(hours=20)
        inside = {
            r.uid for r in live if when(r) < end and (r.until or when(r) + timedelta(microseconds=1)) > start
        }
        assert {record.uid for record in self.timeline.between(start, end)} == inside
        assert {r.uid for r in self.memory.list(between=(start, end))} == inside
        for record in live:
            if record.at is None and record.session is None:
                assert self.timeline.neighbours(record) == ([], [])


TestFollows = Follows.TestCase
TestFollows.settings = settings(
    max_examples=25, stateful_step_count=15, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


@pytest.mark.parametrize("seed", range(4))
def test_late_arrivals_in_any_order(seed):
    rng = np.random.default_rng(seed)
    with recollect.open() as memory, recollect.open() as other:
        count = 300
        at = [START + timedelta(minutes=int(x)) for x in np.sort(rng.choice(40_000, count, replace=False))]
        session = [None if x < 5 else f"s{x}" for x in rng.integers(0, 9, count)]
        vectors = rng.normal(size=(count, 8)).astype(np.float32)
        texts = [f"number {x}" for x in range(count)]
        followed = memory.timeline(zone="America/New_York")
        for part in np.array_split(rng.permutation(count), 30):
            memory.add_many(
                [texts[i] for i in part],
                at=[at[i] for i in part],
                session=[session[i] for i in part],
                vectors=vectors[part],
            )
            assert len(followed) == memory.count()
        other.add_many(texts, at=at, session=session, vectors=vectors)

        def shape(timeline):
            return [
                (
                    level,
                    n.start,
                    n.end,
                    n.events,
                    n.session,
                    n.segment,
                    timeline.mean(n).tolist(),
                    [r.text for r in timeline.records(n)],
                )
                for level in timeline.levels
                for n in timeline.nodes(level)
            ]

        assert shape(followed) == shape(other.timeline(zone="America/New_York"))
