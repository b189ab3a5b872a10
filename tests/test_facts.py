"""Facts under two times against known answers, and against a list."""

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

import recollect.facts
from recollect import Facts, UnknownMemory
from recollect.errors import InvalidArgument, WrongType

OPEN = 2**63 - 1


def moved(**options) -> Facts:
    facts = Facts()
    facts.add("Alice", "lives in", "Paris", since="2020-01-01", recorded="2020-01-05", **options)
    facts.add("Alice", "lives in", "Berlin", since="2023-06-01", recorded="2023-07-01", **options)
    return facts


def test_what_was_true_and_what_was_known():
    facts = moved()
    home = ("Alice", "lives in")
    assert facts.value(*home, at="2023-06-15", known="2023-06-20") == "Paris"
    assert facts.value(*home, at="2023-06-15", known="2023-07-02") == "Berlin"
    for known in ("2020-01-05", "2021-06-01", "2023-07-01", None):
        assert facts.value(*home, at="2021-01-01", known=known) == "Paris"
    assert facts.as_of(*home, at="2021-01-01", known="2019-01-01") == []
    assert facts.value(*home) == "Berlin"
    assert facts.value("Bob", "lives in") is None
    assert [fact.object for fact in facts.as_of(object="Paris", at="2022-01-01")] == ["Paris"]
    assert [fact.object for fact in facts.range("2023-05-01", "2023-07-01")] == ["Paris", "Berlin"]
    assert [fact.object for fact in facts.range(end="2023-05-01", subject="Alice")] == ["Paris"]
    assert facts.stats()["standing"] == 2
    with pytest.raises(UnknownMemory):
        facts[3]
    assert facts[2].stands
    assert not facts[0].stands


def test_a_hundred_overwrites():
    facts = Facts()
    for value in range(101):
        facts.add("key", "is", f"value {value}", since=value, recorded=value)
        assert facts.value("key", "is", at=value) == f"value {value}"
    history = facts.history("key", "is")
    assert {fact.object for fact in history} == {f"value {value}" for value in range(101)}
    for then in range(101):
        assert facts.value("key", "is", at=then, known=then) == f"value {then}"
    assert facts.contradictions() == []


def test_policies():
    both = moved(policy="keep_both")
    ((old, new),) = both.contradictions("Alice")
    assert (old.object, new.object) == ("Paris", "Berlin")
    assert both.contradictions(known="2021-01-01") == []
    latest = moved(policy="latest_wins")
    assert latest.value("Alice", "lives in", at="2021-01-01") is None
    sure = moved(policy="by_confidence")
    done = sure.add(
        "Alice", "lives in", "Rome", recorded="2024-01-01", confidence=0.3, policy="by_confidence"
    )
    assert done.archived
    assert sure.value("Alice", "lives in") == "Berlin"
    assert len(sure.history(object="Rome")) == 1
    assert sure.as_of(object="Rome") == []


def test_a_judge_is_asked_of_each_conflict():
    facts = moved(policy="keep_both")
    asked = []

    def judge(old, new):
        asked.append((old.object, new.object))
        return {"Paris": "contradicts", "Berlin": "extends"}[old.object]

    done = facts.add("Alice", "lives in", "Potsdam", since="2023-08-01", recorded="2023-09-01", policy=judge)
    assert asked == [("Paris", "Potsdam"), ("Berlin", "Potsdam")]
    assert done.closed == (0, 1)
    assert facts[done.facts[0]].since == facts[1].since
    before = len(facts)
    with pytest.raises(InvalidArgument):
        facts.add("Alice", "lives in", "Bonn", policy=lambda old, new: "maybe")
    with pytest.raises(ZeroDivisionError):
        facts.add("Alice", "lives in", "Bonn", policy=lambda old, new: 1 / 0)
    assert len(facts) == before


def test_sources_and_what_they_leave_unsupported():
    facts = Facts()
    facts.add("Ilse", "works at", "harbour", recorded=1, source="episode 1")
    again = facts.add("Ilse", "works at", "harbour", recorded=2, source="episode 2")
    assert again.facts == ()
    assert facts[0].sources == ("episode 1", "episode 2")
    assert facts.withdraw("episode 1") == []
    (left,) = facts.withdraw("episode 2")
    assert (left.object, left.sources) == ("harbour", ())
    assert facts.supported_by("episode 2") == []


def test_many_objects_and_retracting():
    facts = Facts()
    facts.set_many("likes")
    added = facts.extend(
        ["Tom"] * 3,
        ["likes"] * 3,
        ["tea", "rain", "boats"],
        since=[0] * 3,
        recorded=[1] * 3,
        sources=["a", None, "b"],
    )
    assert added == 3
    facts.retract("Tom", "likes", "rain", since=5, until=9, recorded=2)
    assert [fact.object for fact in facts.as_of("Tom", at=6)] == ["tea", "boats"]
    assert [fact.object for fact in facts.as_of("Tom", at=6, known=1)] == ["tea", "rain", "boats"]
    assert {fact.object for fact in facts.as_of("Tom", at=9)} == {"tea", "rain", "boats"}
    assert facts.retract("Nobody", recorded=3) == ((), (), (), False)
    # A clock that goes back: the record is not before the one it ends.
    late = facts.retract("Tom", "likes", "tea", recorded=0)
    assert facts[late.closed[0]].closed == 2


def test_bad_arguments_change_nothing():
    facts = moved()
    for error, call in (
        (InvalidArgument, lambda: facts.add("a", "b", "c", since=5, until=5)),
        (InvalidArgument, lambda: facts.add("a", "b", "")),
        (InvalidArgument, lambda: facts.add("a", "b", "c", confidence=2)),
        (InvalidArgument, lambda: facts.add("a", "b", "c", policy="newest")),
        (InvalidArgument, lambda: facts.retract()),
        (InvalidArgument, lambda: facts.retract("Alice", since=5, until=4)),
        (WrongType, lambda: facts.add(1, "b", "c")),
        (WrongType, lambda: facts.value("Alice", "lives in", at=1.5)),
        (InvalidArgument, lambda: facts.extend(["a"], ["b"], [], recorded=[1])),
        (
            InvalidArgument,
            lambda: facts.extend(
                ["a"] * 2, ["b"] * 2, ["c"] * 2, recorded=[1, 1], since=[0, 0], until=[1, 0]
            ),
        ),
        (WrongType, lambda: facts.extend("ab", ["b"], ["c"], recorded=[1])),
    ):
        with pytest.raises(error):
            call()
        assert len(facts) == 3


CLAIMS = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 12), st.integers(1, 8), st.integers(0, 2)), max_size=30
)


@given(CLAIMS)
def test_beliefs_are_those_of_a_list(claims):
    facts, belief, past, now = Facts(), [None] * 20, [], 0
    for value, since, length, step in claims:
        now += step
        facts.add("s", "p", str(value), since=since, until=since + length, recorded=now)
        belief[since : since + length] = [str(value)] * length
        past = [*(x for x in past if x[0] != now), (now, list(belief))]
    for known, told in past:
        assert [facts.value("s", "p", at=at, known=known) for at in range(20)] == told
        assert all(len(facts.as_of("s", "p", at=at, known=known)) <= 1 for at in range(20))


def test_the_example_is_right():
    assert doctest.testmod(recollect.facts).failed == 0
