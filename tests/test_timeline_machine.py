"""The timeline against a plain dict, over sequences of calls that Hypothesis invents."""

import tempfile
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from recollect import Timeline, UnknownMemory

HOUR = 3_600_000_000
STARTS = st.integers(-60, 60).map(lambda hours: hours * HOUR)
ENDS = st.sampled_from([1, HOUR, 30 * HOUR, None])
IDS = st.integers(0, 9)
OPEN = 2**63 - 1


class Machine(RuleBasedStateMachine):
    """One timeline and its model: start, end and session by id."""

    def __init__(self) -> None:
        super().__init__()
        self.timeline = Timeline(gap=1.5 * 3600)
        self.events: dict[int, tuple[int, int, str | None]] = {}
        self.greatest = -1

    @rule(id=IDS, start=STARTS, length=ENDS, session=st.sampled_from([None, "a", "b"]))
    def append(self, id: int, start: int, length: int | None, session: str | None) -> None:
        if id in self.events:
            return
        end = OPEN if length is None else start + length
        until = "open" if length is None else end
        assert self.timeline.append(start, until=until, session=session, id=id) == id
        self.events[id] = (start, end, session)
        self.greatest = max(self.greatest, id)

    @rule(starts=st.lists(STARTS, max_size=5))
    def extend(self, starts: list[int]) -> None:
        ids = self.timeline.extend(starts).tolist()
        assert ids == list(range(self.greatest + 1, self.greatest + 1 + len(starts)))
        self.events |= {id: (start, start + 1, None) for id, start in zip(ids, starts, strict=True)}
        self.greatest += len(starts)

    @rule(id=IDS)
    def remove(self, id: int) -> None:
        if id in self.events:
            self.timeline.remove([id])
            del self.events[id]
        else:
            with pytest.raises(UnknownMemory):
                self.timeline.remove([id])

    @rule(watermark=STARTS)
    def advance(self, watermark: int) -> None:
        self.timeline.advance(watermark)
        assert self.timeline.advance(watermark) == []

    @rule()
    def reload(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "timeline"
            self.timeline.save(path)
            before = [self.timeline.nodes(level) for level in self.timeline.levels]
            self.timeline = Timeline.load(path)
            assert [self.timeline.nodes(level) for level in self.timeline.levels] == before

    @rule(start=STARTS, length=st.integers(1, 40).map(lambda hours: hours * HOUR), k=st.integers(0, 4))
    def ask(self, start: int, length: int, k: int) -> None:
        end = start + length
        inside = {id for id, (a, b, _) in self.events.items() if a < end and b > start}
        assert set(self.timeline.between(start, end).tolist()) == inside

        def far(id: int) -> int:
            a, b, _ = self.events[id]
            return a - start if start < a else max(0, start - b + 1)

        nearest = self.timeline.nearest(start, k).tolist()
        assert [far(id) for id in nearest] == sorted(map(far, self.events))[:k]

    @invariant()
    def the_tree_holds_each_event_once(self) -> None:
        assert len(self.timeline) == len(self.events)
        starts = [self.events[id][0] for id in self.timeline]
        assert starts == sorted(starts)
        for level in ("session", "day", "week", "month", "persona"):
            nodes = self.timeline.nodes(level)
            held = [id for node in nodes for id in self.timeline.events_of(node).tolist()]
            assert sorted(held) == sorted(self.events)
        for node in self.timeline.nodes("session"):
            held = self.timeline.events_of(node).tolist()
            assert {self.events[id][2] for id in held} == {node.session}
            if node.session is None:
                times = [self.events[id][0] for id in held]
                assert all(b - a <= 1.5 * HOUR for a, b in pairwise(times))


Machine.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestTimeline = Machine.TestCase
