"""Whether an answer is there: the epistemic state of a recall, and the ladder that goes by it."""

import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import recollect
from recollect import Reconsolidate
from recollect.errors import InvalidArgument, WrongType

TALK = [
    "The half marathon in Antwerp is on the 26th of April.",
    "Biscuit gets her medicine twice a day.",
    "Pottery class moved to Mondays.",
    "The train leaves Brussels at 6:25.",
    "Ilse wants to paint the shed green.",
    "We planted three apple trees behind the house.",
]
FILLER = [f"Remark {at} about the weather in week {at % 7}." for at in range(60)]


@pytest.fixture
def talk(memory: recollect.Memory) -> recollect.Memory:
    """Return a memory of episodes."""
    memory.add_many(TALK + FILLER)
    return memory


def test_what_was_said_is_known_and_what_was_not_is_unknown(talk: recollect.Memory) -> None:
    asked = talk.recall("When does the train leave Brussels?")
    assert asked.state == "known"
    assert asked[0].text == TALK[3]
    other = talk.recall("Which violin concerto did Sigrid rehearse?")
    assert other.state == "unknown"
    assert 0 <= other.confidence < asked.confidence <= 1
    assert set(asked.trace["evidence"]) == {"known", "covered", "lead", "addressed"}
    assert pickle.loads(pickle.dumps(asked)).state == "known"


def test_nothing_found_is_unknown(lexical: recollect.Memory) -> None:
    assert lexical.recall("anything").state == "unknown"
    assert lexical.recall("anything").confidence == 0
    lexical.add("Pottery class moved to Mondays.")
    assert lexical.recall("violin").confidence == 0
    assert lexical.recall("When is pottery class?").state == "known"


def test_it_depends_neither_on_k_nor_on_explanations_nor_on_a_budget(talk: recollect.Memory) -> None:
    query = "medicine for Biscuit"
    confidence = talk.recall(query).confidence
    for options in ({"k": 1}, {"k": 50}, {"explain": False}, {"budget": 40}, {"budget": 100_000}):
        found = talk.recall(query, **options).confidence  # type: ignore[arg-type]
        assert found == pytest.approx(confidence, abs=0.01)


def test_what_somebody_else_said_is_less_sure(memory: recollect.Memory) -> None:
    memory.add_many(
        ["I adopted a puppy from the shelter in June.", "How lovely, mine is a parrot.", *FILLER],
        speaker=["Ana", "Ben", *("Ana", "Ben") * 30],
        session="chat",
    )
    right = memory.recall("When did Ana adopt a puppy from the shelter?")
    wrong = memory.recall("When did Ben adopt a puppy from the shelter?")
    assert right[0].uid == wrong[0].uid
    assert (right.trace["evidence"]["addressed"], wrong.trace["evidence"]["addressed"]) == (1.0, 0.0)
    assert wrong.confidence < right.confidence


@pytest.mark.parametrize("fusion", ["adaptive", "rrf", "convex"])
@given(words=st.lists(st.sampled_from(["train", "pottery", "violin", "sigrid", "green"]), max_size=6))
def test_confidence_is_a_share(fusion: Any, words: list[str]) -> None:
    with recollect.open() as memory:
        memory.add_many(TALK[: len(words)] or TALK[:1])
        found = memory.recall(" ".join(words) or "green", fusion=fusion)
        assert 0 <= found.confidence <= 1
        assert found.state in ("known", "familiar", "unknown")
        assert 0 <= found.trace["evidence"]["covered"] <= found.trace["evidence"]["known"] + 1e-6


def test_several_namespaces_are_judged_as_one(talk: recollect.Memory) -> None:
    below = talk.namespace("travel")
    below.add("The ferry to Oslo sails on Thursdays.")
    assert talk.recall("When does the ferry to Oslo sail?").state != "known"
    wide = talk.recall("When does the ferry to Oslo sail?", scope="below")
    assert wide.state == "known"
    assert wide[0].text == "The ferry to Oslo sails on Thursdays."


def test_a_note_that_answers_is_the_only_stage(talk: recollect.Memory) -> None:
    note = talk.add("Ilse's favourite colour is green.", kind="semantic")
    calls: list[Reconsolidate] = []
    found = talk.escalate("What is Ilse's favourite colour?", on_reconsolidate=calls.append)
    assert found.stages == ("semantic",)
    assert [hit.uid for hit in found] == [note.uid]
    assert found.state == "known"
    assert found.reconsolidate is None
    assert calls == []


def test_episodes_that_answer_what_notes_do_not_ask_for_reconsolidation(talk: recollect.Memory) -> None:
    note = talk.add("Ilse's favourite colour is green.", kind="semantic")
    calls: list[Reconsolidate] = []
    query = "When does the train leave Brussels?"
    found = talk.escalate(query, on_reconsolidate=calls.append)
    assert found.stages == ("semantic", "episodic")
    assert found[0].text == TALK[3]
    assert found.reconsolidate is not None
    assert calls == [found.reconsolidate]
    assert found.reconsolidate.query == query
    assert found.reconsolidate.episodes[0] == found[0].uid
    assert set(found.reconsolidate.notes) <= {note.uid}
    assert [stage["name"] for stage in found.trace["stages"]] == ["semantic", "episodic"]


def test_what_is_nowhere_is_unknown_after_all_stages(talk: recollect.Memory) -> None:
    talk.add("Ilse's favourite colour is green.", kind="semantic")
    found = talk.escalate("Which violin concerto did Sigrid rehearse?")
    assert found.stages == ("semantic", "episodic", "below")
    assert found.state == "unknown"
    assert found.reconsolidate is None


def test_the_wider_scope_comes_last(talk: recollect.Memory) -> None:
    talk.namespace("travel").add("The ferry to Oslo sails on Thursdays.", kind="procedural")
    found = talk.escalate("When does the ferry to Oslo sail?")
    assert found.stages == ("semantic", "episodic", "below")
    assert found[0].text == "The ferry to Oslo sails on Thursdays."
    assert found.state == "known"


def test_the_caller_judges_what_suffices(talk: recollect.Memory) -> None:
    seen: list[int] = []

    def enough(recall: recollect.Recall) -> bool:
        seen.append(len(recall))
        return any("Brussels" in hit.text for hit in recall)

    found = talk.escalate("train", k=3, stages=("core", "all"), sufficient=enough)
    assert found.stages == ("core", "all")
    assert seen == [0, 3]
    never = talk.escalate("train", stages=("semantic", "episodic"), sufficient=lambda recall: False)
    assert never.stages == ("semantic", "episodic")
    assert never.reconsolidate is None
    assert never[0].text == TALK[3]


def test_stages_are_checked(talk: recollect.Memory) -> None:
    with pytest.raises(InvalidArgument, match=r"stages\[1\]"):
        talk.escalate("train", stages=("semantic", "nowhere"))
    with pytest.raises(InvalidArgument, match="twice"):
        talk.escalate("train", stages=("all", "all"))
    with pytest.raises(InvalidArgument, match="at least one"):
        talk.escalate("train", stages=())
    with pytest.raises(InvalidArgument, match="scope"):
        talk.escalate("train", scope="below")
    with pytest.raises(WrongType, match="sufficient"):
        talk.escalate("train", sufficient=3)  # type: ignore[arg-type]
