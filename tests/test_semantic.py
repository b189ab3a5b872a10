"""What is known."""

import pytest

import recollect
from recollect.errors import InvalidArgument, UnknownMemory, WrongType


def test_what_is_learned_about_a_subject(memory: recollect.Memory) -> None:
    known = memory.semantic
    known.learn("Biscuit is eleven.", subject="Biscuit", metadata={"sure": True})
    known.learn_many(["Biscuit is a cat.", "Biscuit hates liver."], subject="Biscuit", confidence=0.9)
    known.learn("Bram has a van.", subject="Bram")
    memory.add("Biscuit spat out the liver.", metadata={"subject": "Biscuit"})
    assert [record.text for record in known.about("Biscuit")] == [
        "Biscuit hates liver.",
        "Biscuit is a cat.",
        "Biscuit is eleven.",
    ]
    assert len(known.about("Biscuit", limit=1)) == 1
    assert known.about("Biscuit")[-1].metadata == {"sure": True, "subject": "Biscuit"}
    assert known.about("Odile") == []


def test_metadata_for_each(memory: recollect.Memory) -> None:
    memory.semantic.learn_many(["a", "b"], subject="s", metadata=[{"n": 1}, None])
    assert sorted(record.metadata.get("n", 0) for record in memory.semantic.about("s")) == [0, 1]


def test_revising_keeps_the_history(memory: recollect.Memory) -> None:
    uid = memory.semantic.learn("Ilse lives at Kastanjestraat.", subject="Ilse").uid
    outcome = memory.semantic.revise(uid, "Ilse lives at Havenlaan.", reason="moved", expect_version=1)
    assert outcome.version == 2
    (record,) = memory.semantic.about("Ilse")
    assert (record.text, record.metadata) == ("Ilse lives at Havenlaan.", {"subject": "Ilse"})
    assert [change.reason for change in memory.history(uid)] == ["", "moved"]
    assert memory.semantic.recall("where does Ilse live")[0].text == "Ilse lives at Havenlaan."


def test_a_hundred_overwrites(memory: recollect.Memory) -> None:
    uid = memory.semantic.learn("value 0", subject="key").uid
    for n in range(1, 101):
        memory.semantic.revise(uid, f"value {n}")
        assert memory.semantic.about("key")[0].text == f"value {n}"
    old = [change.record.text for change in memory.history(uid) if change.record]
    assert old == [f"value {n}" for n in range(101)]


def test_recall_finds_statements_alone(memory: recollect.Memory) -> None:
    memory.add("tea at four")
    memory.semantic.learn("Ilse likes tea")
    assert [hit.text for hit in memory.semantic.recall("tea")] == ["Ilse likes tea"]


def test_errors(memory: recollect.Memory) -> None:
    with pytest.raises(InvalidArgument, match=r"^metadata: its 'subject'"):
        memory.semantic.learn("x", subject="a", metadata={"subject": "b"})
    with pytest.raises(InvalidArgument, match=r"^metadata\[1\]: its 'subject'"):
        memory.semantic.learn_many(["x", "y"], subject="a", metadata=[{}, {"subject": "b"}])
    with pytest.raises(WrongType, match=r"^subject: "):
        memory.semantic.learn("x", subject=3)  # type: ignore[arg-type]
    with pytest.raises(WrongType, match=r"^subject: "):
        memory.semantic.about(None)  # type: ignore[arg-type]
    with pytest.raises(UnknownMemory):
        memory.semantic.revise("0" * 32, "x")
    assert memory.count() == 0
