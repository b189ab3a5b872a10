"""What the course of a conversation adds to recall."""

import numpy as np
import pytest

import recollect


@pytest.fixture
def memory():
    with recollect.open() as opened:
        yield opened


def shares(hit):
    return {signal.name: signal.share for signal in hit.signals}


def test_the_answer_comes_with_the_question(memory):
    turns = [
        ("Ana", "Which dish did you bring to the summer party?"),
        ("Ben", "My walnut tart, with honey."),
        ("Ana", "I always bring the same salad."),
    ]
    outcomes = memory.add_many(
        [text for _, text in turns], speaker=[speaker for speaker, _ in turns], session="chat"
    )
    memory.add_many([f"Unrelated remark number {at}." for at in range(60)], session="other", speaker="Cleo")
    hits = memory.recall("dish for the summer party", k=3)
    assert outcomes[1].uid in [hit.uid for hit in hits]
    answer = next(hit for hit in hits if hit.uid == outcomes[1].uid)
    assert shares(answer)["replies"] > 0
    question = next(hit for hit in hits if hit.uid == outcomes[0].uid)
    assert shares(question)["replies"] == -0.5
    assert hits.trace["conversation"]["replies"] == 1
    off = memory.recall("dish for the summer party", k=3, signals=["words"])
    assert all("replies" not in shares(hit) for hit in off)


def test_nobody_answers_themselves_and_roles_do_not(memory):
    memory.add_many(["Where is the key to the shed?", "Under the third pot."], session="a", speaker="Ana")
    memory.add_many(
        ["Where is the key to the cellar?", "In the drawer."], session="b", speaker=["user", "assistant"]
    )
    memory.add_many([f"Remark {at}." for at in range(60)])
    hits = memory.recall("where is the key", k=10)
    assert hits.trace["conversation"]["replies"] == 0


def chat(memory):
    memory.add_many(
        [
            "My sister keeps bees in Oslo.",
            "Bees need water in summer; a sister hive helps.",
            "I planted clover for the bees.",
            "Clover feeds bees well.",
        ],
        speaker=["user", "assistant", "user", "assistant"],
        session="chat",
    )


@pytest.mark.parametrize(
    ("query", "role"),
    [
        ("what did I plant for the bees", "user"),
        ("what have you said about bees", "assistant"),
        ("the clover you recommended for my bees", "assistant"),
        ("bees and clover", None),
    ],
)
def test_whom_the_query_speaks_of(memory, query, role):
    chat(memory)
    hits = memory.recall(query, k=4)
    assert hits.trace["conversation"]["speaker"] == role
    for hit in hits:
        assert shares(hit).get("speaker", 0) == (2 if hit.record.speaker == role else 0)
    off = memory.recall(query, k=4, signals=["words", "links"])
    assert off.trace["conversation"]["speaker"] is None


def test_i_is_nobody_where_one_side_speaks_or_in_another_language():
    with recollect.open() as memory:
        memory.add("I planted clover.", speaker="user", session="a")
        assert memory.recall("what did I plant").trace["conversation"]["speaker"] is None
    with recollect.open(language=None) as memory:
        chat(memory)
        assert memory.recall("what did I plant").trace["conversation"]["speaker"] is None


def test_a_turn_goes_on_with_what_was_said_last(memory):
    memory.add_many([f"We talked of boats, part {at}." for at in range(300)], session="s")
    turn = "We bought a boat. It leaks a little. What shall we do about boats now?"
    hits = memory.recall(turn, k=5)
    assert [hit.text for hit in hits] == [f"We talked of boats, part {at}." for at in range(299, 294, -1)]
    assert hits.trace["conversation"]["recency"] is True
    assert shares(hits[0])["recency"] == 2.0
    assert not memory.recall("What of boats?").trace["conversation"]["recency"]
    assert not memory.recall(turn, signals=["words"]).trace["conversation"]["recency"]


def test_without_sessions_nothing_is_recent(memory):
    memory.add_many([f"We talked of boats, part {at}." for at in range(30)])
    turn = "We bought a boat. It leaks a little. What shall we do about boats now?"
    assert not memory.recall(turn).trace["conversation"]["recency"]


def test_neighbours_and_session_can_be_left_out(memory):
    memory.add_many(["The boiler broke on Friday.", "It will be mended soon.", "Good to hear."], session="a")
    memory.add_many([f"Remark {at}." for at in range(60)], session="b")
    names = {name for hit in memory.recall("boiler", k=3) for name in shares(hit)}
    assert {"words", "neighbours", "session"} <= names
    for left_out in ("neighbours", "session"):
        kept = [name for name in ("words", "vectors", "neighbours", "session") if name != left_out]
        hits = memory.recall("boiler", k=3, signals=kept)
        assert left_out not in {name for hit in hits for name in shares(hit)}
        assert hits[0].text.startswith("The boiler")
    assert len(memory.recall("boiler", signals=["words"])) == 1


def test_short_memories_lean_on_those_around_them(memory):
    rng = np.random.default_rng(3)
    topics = np.eye(4, 16, dtype=np.float32)
    rows = topics[np.repeat([0, 1, 2, 3], 10)] + 0.3 * rng.standard_normal((40, 16)).astype(np.float32)
    texts = [f"Remark {at}." for at in range(40)]
    outcomes = memory.add_many(texts, session=[f"talk {at // 10}" for at in range(40)], vectors=rows)
    hits = memory.recall("nothing of the kind", k=40, vector=topics[2])
    own = [hit.uid for hit in hits[:10]]
    assert sum(outcome.uid in own for outcome in outcomes[20:30]) >= 9
    inside = {outcome.uid for outcome in outcomes[20:30]}
    shared = {hit.uid: shares(hit) for hit in hits}
    lowest = min(inside, key=lambda uid: shared[uid]["vectors"])
    assert shared[lowest]["context"] > 0
    plain = memory.recall("nothing of the kind", k=40, vector=topics[2], signals=["words", "vectors"])
    assert all("context" not in shares(hit) for hit in plain)
    assert sum(hit.score for hit in hits) == pytest.approx(
        sum(sum(shares(hit).values()) for hit in hits), rel=1e-3, abs=1e-3
    )


def test_long_memories_do_not(memory):
    rng = np.random.default_rng(4)
    pages = [" ".join(f"word{at}x{n}" for n in range(300)) for at in range(12)]
    memory.add_many(pages, session="book", vectors=rng.standard_normal((12, 16)).astype(np.float32))
    hits = memory.recall("word3x5", k=5, vector=np.ones(16, np.float32))
    assert all("context" not in shares(hit) for hit in hits)
