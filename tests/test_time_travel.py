"""Recall as of two times."""

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import recollect
from recollect.embedding.hashing import HashingEmbedder
from recollect.errors import InvalidArgument

WORDS = ["apple", "river", "cloud", "walked", "home", "bright"]
QUERIES = ["apple river", "walked home?", "bright"]


def told(recall: recollect.Recall) -> list[tuple[str, float, tuple[Any, ...]]]:
    return [(hit.text, hit.score, hit.signals) for hit in recall]


def test_what_was_true_then(memory: recollect.Memory) -> None:
    memory.semantic.learn("The shop is on Kerkstraat.", at="2020-01-01", until="2022-01-01")
    memory.semantic.learn("The shop is on Havenlaan.", at="2022-01-01")
    memory.episodic.record("We opened the shop.", at="2021-05-05")
    memory.semantic.learn("A shop sells things.")
    always = "A shop sells things."
    assert {hit.text for hit in memory.recall("shop", valid_at="2019-01-01")} == {always}
    assert {hit.text for hit in memory.recall("shop", valid_at="2021-01-01")} == {
        always,
        "The shop is on Kerkstraat.",
    }
    assert {hit.text for hit in memory.recall("shop", valid_at="2023-01-01")} == {
        always,
        "The shop is on Havenlaan.",
        "We opened the shop.",
    }
    found = memory.recall("shop", valid_at="2019-01-01")
    assert found.trace["as_of"] == {"valid_at": "2019-01-01T00:00:00+00:00"}
    assert memory.recall("shop").trace["as_of"] is None


def test_what_was_known_then(memory: recollect.Memory) -> None:
    uid = memory.add("Milo is a puppy.", now=1_000).uid
    memory.add("Ada bakes bread.", now=2_000)
    memory.update(uid, text="Milo is a dog.", now=3_000)
    memory.delete(uid, now=4_000)
    assert [hit.text for hit in memory.recall("Milo", signals=["words"])] == []
    assert [hit.text for hit in memory.recall("Milo", signals=["words"], known_at=3_999)] == [
        "Milo is a dog."
    ]
    assert [hit.text for hit in memory.recall("Milo", signals=["words"], known_at=2_999)] == [
        "Milo is a puppy."
    ]
    assert [hit.text for hit in memory.recall("Milo", signals=["words"], known_at=999)] == []
    assert [x.text for x in memory.list(known_at=1_500)] == ["Milo is a puppy."]
    assert [memory.count(known_at=at) for at in (500, 1_500, 2_500, 3_500, 4_500)] == [0, 1, 2, 2, 1]
    # A budget reads the same past.
    assert [hit.text for hit in memory.recall("Milo", signals=["words"], known_at=1_500, budget=100)] == [
        "Milo is a puppy."
    ]


def test_what_was_erased_was_never_known(memory: recollect.Memory) -> None:
    uid = memory.add("the secret is 4711", now=1_000).uid
    memory.add("tea at four", now=1_000)
    assert len(memory.recall("secret", signals=["words"], known_at=1_500)) == 1
    memory.forget(uid, erase=True, now=2_000)
    assert len(memory.recall("secret", signals=["words"], known_at=1_500)) == 0
    assert [x.text for x in memory.list(known_at=1_500)] == ["tea at four"]


def test_a_time_to_live_runs_in_the_past_too(memory: recollect.Memory) -> None:
    memory.add("short", ttl=1, now=0)
    assert [x.text for x in memory.list(known_at=999_999)] == ["short"]
    assert memory.list(known_at=1_000_000) == []
    assert [x.text for x in memory.list(known_at=1_000_000, now=5)] == ["short"]


def test_namespaces_below(memory: recollect.Memory) -> None:
    memory.add("apple pie", now=1_000)
    memory.namespace("b").add("apple tart", now=2_000)
    assert [len(memory.recall("apple", scope="below", known_at=at)) for at in (500, 1_500, 2_500)] == [
        0,
        1,
        2,
    ]


def test_errors(memory: recollect.Memory) -> None:
    with pytest.raises(InvalidArgument, match=r"^reinforce: "):
        memory.recall("x", known_at=5, reinforce=True)
    with pytest.raises(InvalidArgument, match=r"^known_at: "):
        memory.recall("x", known_at="then")
    with pytest.raises(InvalidArgument, match=r"^valid_at: "):
        memory.list(valid_at="then")


_text = st.lists(st.sampled_from(WORDS), min_size=1, max_size=5).map(" ".join)
_step = st.one_of(
    st.tuples(st.just("add"), _text, st.sampled_from([None, "Ana", "Bo"]), st.sampled_from([None, "s"])),
    st.tuples(st.just("update"), st.integers(0, 9), _text),
    st.tuples(st.just("delete"), st.integers(0, 9)),
    st.tuples(st.just("link"), st.integers(0, 9), st.integers(0, 9)),
    st.tuples(st.just("use"), st.integers(0, 9)),
    st.tuples(st.just("learn"), st.sampled_from(WORDS)),
)


def _play(memory: recollect.Memory, uids: list[str], step: tuple[Any, ...], now: int) -> None:
    verb, *rest = step
    pick = [uids[n % len(uids)] for n in rest if isinstance(n, int)] if uids else []
    if verb == "add":
        text, speaker, session = rest
        uids.append(memory.add(text, speaker=speaker, session=session, duplicates="keep", now=now).uid)
    elif verb == "learn":
        # What is known already keeps its identity.
        uid = memory.semantic.learn(subject="a", predicate="is", object=rest[0], now=now).uid
        uids[:] = [one for one in dict.fromkeys((*uids, uid)) if one in {x.uid for x in memory.list(now=now)}]
    elif pick and verb == "update":
        memory.update(pick[0], text=rest[1], now=now)
    elif pick and verb == "delete":
        memory.delete(pick[0], now=now)
        uids.remove(pick[0])
    elif verb == "link" and len(set(pick)) == 2:
        memory.link(pick[0], pick[1], "causes", now=now)
    elif pick and verb == "use":
        memory.reinforce(pick, now=now)


@settings(max_examples=25, deadline=None)
@given(steps=st.lists(_step, min_size=1, max_size=14), cut=st.integers(0, 13))
@example(
    steps=[("learn", "apple"), ("add", "apple", None, None), ("learn", "apple"), ("delete", 0), ("use", 1)],
    cut=0,
)
def test_the_past_is_the_journal_up_to_then(steps: list[tuple[Any, ...]], cut: int) -> None:
    cut = min(cut, len(steps) - 1)
    whole, part = recollect.open(embedder=HashingEmbedder()), recollect.open(embedder=HashingEmbedder())
    with whole, part:
        for memory, until in ((whole, len(steps)), (part, cut + 1)):
            uids: list[str] = []
            for at, step in enumerate(steps[:until]):
                _play(memory, uids, step, 1_000 * (at + 1))
        then = 1_000 * (cut + 1)
        for query in QUERIES:
            options: dict[str, Any] = {"base_level": 0.5, "k": 50}
            past = whole.recall(query, known_at=then, **options)
            replayed = part.recall(query, now=then, **options)
            # Identities are drawn at random, and decide between equals.
            assert sorted(told(past)) == sorted(told(replayed))
        assert sorted(x.text for x in whole.list(known_at=then)) == sorted(
            x.text for x in part.list(now=then)
        )
