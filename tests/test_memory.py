"""The operations of a memory."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import NOON, Clock

import recollect
from recollect.errors import (
    InvalidArgument,
    LimitExceeded,
    UnknownMemory,
    WrongType,
)


def texts(memory: recollect.Memory, *args: Any, **kwargs: Any) -> list[str]:
    """Return the texts of a list."""
    return [record.text for record in memory.list(*args, **kwargs)]


class TestAdd:
    def test_everything_given_comes_back(self, memory: recollect.Memory) -> None:
        parent = memory.add("parent", trust=0.5)
        outcome = memory.add(
            "We moved.",
            kind="semantic",
            at="2026-03-07T10:00Z",
            until="2026-03-07T18:00Z",
            speaker="Ilse",
            session="s1",
            metadata={"flat": {"rent": 985}, "n": [1, 2.5, None, True]},
            tags=["home", "big"],
            turn=7,
            importance=0.9,
            confidence=0.25,
            ttl=timedelta(days=400),
            sliding=True,
            source="conversation",
            principal="agent-7",
            trust=0.5,
            parents=[parent.uid],
        )
        record = memory.get(outcome.uid)
        assert (outcome.op, outcome.version, outcome.mentions) == ("added", 1, 1)
        assert record == recollect.Record(
            uid=outcome.uid,
            version=1,
            kind="semantic",
            status="active",
            text="We moved.",
            metadata={"flat": {"rent": 985}, "n": [1, 2.5, None, True]},
            tags=("home", "big"),
            speaker="Ilse",
            session="s1",
            at=datetime(2026, 3, 7, 10, tzinfo=UTC),
            until=datetime(2026, 3, 7, 18, tzinfo=UTC),
            ingested=NOON,
            turn=7,
            importance=0.9,
            confidence=0.25,
            source="conversation",
            principal="agent-7",
            trust=0.5,
            parents=(parent.uid,),
            ttl=timedelta(days=400),
            sliding=True,
            expires=NOON + timedelta(days=400),
            mentions=1,
            namespace=(),
        )

    def test_defaults(self, memory: recollect.Memory) -> None:
        record = memory.get(memory.add("x").uid)
        assert (record.kind, record.importance, record.confidence, record.trust) == (
            "episodic",
            0.5,
            1.0,
            1.0,
        )
        assert (record.at, record.speaker, record.tags, record.metadata, record.ttl) == (
            None,
            None,
            (),
            {},
            None,
        )

    def test_a_duplicate_is_counted_once_and_can_be_kept(self, memory: recollect.Memory) -> None:
        first = memory.add("The cat is called Biscuit.")
        second = memory.add("The cat is called Biscuit.")
        assert (second.op, second.uid, second.mentions) == ("noop", first.uid, 2)
        assert second.reason
        assert memory.get(first.uid).mentions == 2
        third = memory.add("The cat is called Biscuit.", duplicates="keep")
        assert third.op == "added"
        assert memory.count() == 2

    @pytest.mark.parametrize(
        "other",
        [
            {"kind": "semantic"},
            {"speaker": "Bram"},
            {"at": "2026-01-02"},
            {"tags": ["a"]},
            {"metadata": {"b": 1}},
        ],
    )
    def test_what_differs_is_no_duplicate(self, memory: recollect.Memory, other: dict[str, Any]) -> None:
        memory.add("same  text", speaker="Ilse", at="2026-01-01")
        same = {"text": "same text", "speaker": "Ilse", "at": "2026-01-01"}
        assert memory.add(**same).op == "noop"  # type: ignore[arg-type]
        assert memory.add(**{**same, **other}).op == "added"  # type: ignore[arg-type]

    def test_an_idempotency_key_writes_once(self, memory: recollect.Memory) -> None:
        first = memory.add("one", key="request-1")
        again = memory.add("something else", key="request-1")
        assert again.uid == first.uid
        assert texts(memory) == ["one"]

    def test_turns_count_by_themselves(self, memory: recollect.Memory) -> None:
        uids = [memory.add(f"turn {n}").uid for n in range(3)]
        turns = [memory.get(uid).turn for uid in uids]
        assert turns == sorted(set(turns))

    @pytest.mark.parametrize(
        ("arguments", "error", "message"),
        [
            ({"kind": "dream"}, InvalidArgument, "^kind: expected one of episodic"),
            ({"kind": None}, WrongType, "^kind: "),
            ({"at": "soon"}, InvalidArgument, "^at: "),
            ({"at": 1.5}, WrongType, "^at: "),
            ({"at": ["2026-01-01"]}, WrongType, "^at: "),
            ({"until": "2026-01-01"}, InvalidArgument, "^until: needs `at`"),
            ({"at": "2026-01-02", "until": "2026-01-01"}, InvalidArgument, "^until: must lie after"),
            ({"speaker": 3}, WrongType, "^speaker: "),
            ({"session": b"x"}, WrongType, "^session: "),
            ({"metadata": [1]}, WrongType, "^metadata: expected a dict"),
            ({"metadata": "x"}, WrongType, "^metadata: "),
            ({"metadata": {"a": {"b": {1, 2}}}}, WrongType, r"^metadata\.a\.b: set"),
            ({"metadata": {"a": [0, float("nan")]}}, InvalidArgument, r"^metadata\.a\[1\]: nan"),
            ({"metadata": {1: "x"}}, WrongType, "^metadata: expected keys of type str"),
            ({"metadata": {"a": "\ud800"}}, InvalidArgument, r"^metadata\.a: character 0"),
            ({"metadata": {"a": 1 << 70}}, LimitExceeded, r"^metadata\.a: "),
            ({"tags": "home"}, WrongType, "^tags: expected a list"),
            ({"tags": ["a", 1]}, WrongType, r"^tags\[1\]: "),
            ({"turn": -1}, InvalidArgument, "^turn: "),
            ({"turn": 1.0}, WrongType, "^turn: "),
            ({"importance": 1.5}, InvalidArgument, "^importance: expected a number between 0 and 1"),
            ({"importance": float("nan")}, InvalidArgument, "^importance: "),
            ({"importance": "high"}, WrongType, "^importance: "),
            ({"confidence": True}, WrongType, "^confidence: "),
            ({"trust": -0.1}, InvalidArgument, "^trust: "),
            ({"key": 1}, WrongType, "^key: "),
            ({"ttl": 0}, InvalidArgument, "^ttl: "),
            ({"sliding": 1}, WrongType, "^sliding: "),
            ({"source": None}, WrongType, "^source: "),
            ({"parents": ["xyz"]}, InvalidArgument, r"^parents\[0\]"),
            ({"duplicates": "drop"}, InvalidArgument, "^duplicates: "),
            ({"now": "later"}, InvalidArgument, "^now: "),
        ],
    )
    def test_bad_arguments_are_named_and_nothing_is_written(
        self, memory: recollect.Memory, arguments: dict[str, Any], error: type[Exception], message: str
    ) -> None:
        with pytest.raises(error, match=message):
            memory.add("x", **arguments)
        assert memory.count() == 0
        assert memory.stats()["events"] == 0

    @pytest.mark.parametrize(
        ("bad", "error"), [(None, WrongType), (b"x", WrongType), ("\ud800", InvalidArgument)]
    )
    def test_bad_texts(self, memory: recollect.Memory, bad: Any, error: type[Exception]) -> None:
        with pytest.raises(error, match=r"^text: "):
            memory.add(bad)
        with pytest.raises(error, match=r"^texts\[1\]: "):
            memory.add_many(["good", bad])
        assert memory.count() == 0


class TestAddMany:
    def test_one_value_for_all_or_one_for_each(self, memory: recollect.Memory) -> None:
        outcomes = memory.add_many(
            ["a", "b", "c"],
            at=np.array(["2026-01-01", "2026-01-02", "2026-01-03"], dtype="datetime64[D]"),
            speaker=["Ilse", None, "Bram"],
            session="s1",
            metadata=[{"n": 1}, None, {"n": 3}],
            tags=[["x"], [], ["y", "z"]],
            turn=np.array([10, 11, 12]),
            importance=np.linspace(0, 1, 3),
            confidence=0.5,
        )
        records = [memory.get(outcome.uid) for outcome in outcomes]
        assert [record.speaker for record in records] == ["Ilse", None, "Bram"]
        assert [record.metadata for record in records] == [{"n": 1}, {}, {"n": 3}]
        assert [record.tags for record in records] == [("x",), (), ("y", "z")]
        assert [record.turn for record in records] == [10, 11, 12]
        assert [record.importance for record in records] == [0.0, 0.5, 1.0]
        assert {record.session for record in records} == {"s1"}
        assert [record.at.day for record in records if record.at] == [1, 2, 3]

    def test_tags_for_all(self, memory: recollect.Memory) -> None:
        for outcome in memory.add_many(["a", "b"], tags=["x", "y"]):
            assert memory.get(outcome.uid).tags == ("x", "y")

    def test_nothing_is_nothing(self, memory: recollect.Memory) -> None:
        assert memory.add_many([]) == []
        assert memory.add_many(iter(())) == []

    @pytest.mark.parametrize(
        ("arguments", "error", "message"),
        [
            ({"at": ["2026-01-01"]}, InvalidArgument, "^at: expected one for each of 3 texts, found 1"),
            ({"at": ["2026-01-01", "x", None]}, InvalidArgument, r"^at\[1\]: "),
            (
                {"at": "2026-01-05", "until": [None, None, "2026-01-01"]},
                InvalidArgument,
                r"^until\[2\]: must lie after",
            ),
            ({"metadata": [{}, {"a": object()}, {}]}, WrongType, r"^metadata\[1\]\.a: object"),
            ({"importance": [0, 0.5, 2]}, InvalidArgument, r"^importance\[2\]: "),
            ({"importance": [0, None, 1]}, WrongType, r"^importance\[1\]: "),
            ({"tags": [["a"], ["b"], "c"]}, WrongType, r"^tags\[2\]: "),
            ({"tags": [["a"], ["b"]]}, InvalidArgument, "^tags: expected one for each of 3"),
            ({"keys": "k"}, WrongType, "^keys: "),
            ({"keys": ["k"]}, InvalidArgument, "^keys: "),
            ({"parents": [[], ["zz"], []]}, InvalidArgument, r"^parents\[1\]"),
        ],
    )
    def test_all_or_none(
        self, memory: recollect.Memory, arguments: dict[str, Any], error: type[Exception], message: str
    ) -> None:
        with pytest.raises(error, match=message):
            memory.add_many(["a", "b", "c"], **arguments)
        assert memory.count() == 0

    def test_one_text_is_no_list(self, memory: recollect.Memory) -> None:
        with pytest.raises(WrongType, match=r"^texts: expected a list"):
            memory.add_many("abc")

    def test_progress_counts_what_is_embedded(self, memory: recollect.Memory) -> None:
        seen: list[tuple[int, int]] = []
        memory.add_many(
            [f"text {n}" for n in range(2000)], progress=lambda done, all_: seen.append((done, all_))
        )
        assert seen == [(1024, 2000), (2000, 2000)]


class TestUpdate:
    def test_the_old_version_stays(self, memory: recollect.Memory, clock: Clock) -> None:
        uid = memory.add("We live at Kastanjestraat.", tags=["home"], metadata={"a": 1}).uid
        clock.forward(days=1)
        outcome = memory.update(uid, text="We live at Havenlaan.", metadata={"a": 2}, reason="moved")
        assert (outcome.uid, outcome.version, outcome.op) == (uid, 2, "updated")
        assert memory.get(uid).text == "We live at Havenlaan."
        assert memory.get(uid).tags == ("home",)
        assert memory.get(uid, version=1).text == "We live at Kastanjestraat."
        assert memory.get(uid, version=1).status == "archived"
        assert memory.recall("Kastanjestraat", signals=("words",)).hits == ()
        assert memory.recall("Havenlaan")[0].uid == uid
        changes = memory.history(uid)
        assert [(change.op, change.version, change.reason) for change in changes] == [
            ("added", 1, ""),
            ("updated", 2, "moved"),
        ]
        assert [change.at for change in changes] == [NOON, NOON + timedelta(days=1)]
        assert changes[0].record is not None
        assert changes[0].record.text == "We live at Kastanjestraat."

    def test_fields_can_be_emptied(self, memory: recollect.Memory) -> None:
        uid = memory.add("x", tags=["a"], metadata={"b": 1}).uid
        memory.update(uid, tags=(), metadata={})
        record = memory.get(uid)
        assert (record.tags, record.metadata) == ((), {})

    def test_an_expected_version_that_is_gone(self, memory: recollect.Memory) -> None:
        uid = memory.add("x").uid
        memory.update(uid, text="y", expect_version=1)
        with pytest.raises(InvalidArgument, match="version"):
            memory.update(uid, text="z", expect_version=1)
        assert memory.get(uid).text == "y"

    def test_errors(self, memory: recollect.Memory) -> None:
        uid = memory.add("x").uid
        with pytest.raises(UnknownMemory):
            memory.update("0" * 32, text="y")
        with pytest.raises(InvalidArgument, match="hexadecimal"):
            memory.update("nonsense", text="y")
        with pytest.raises(InvalidArgument, match=r"^expect_version: "):
            memory.update(uid, text="y", expect_version=0)
        with pytest.raises(WrongType, match=r"^text: "):
            memory.update(uid, text=3)  # type: ignore[arg-type]
        assert memory.get(uid).version == 1


class TestDeleteAndForget:
    def test_deleted_memories_leave_recall_and_keep_their_history(self, memory: recollect.Memory) -> None:
        uid, other = (outcome.uid for outcome in memory.add_many(["one thing", "another thing"]))
        (outcome,) = memory.delete(uid, reason="wrong")
        assert outcome.op == "deleted"
        assert [hit.uid for hit in memory.recall("thing")] == [other]
        assert texts(memory) == ["another thing"]
        with pytest.raises(UnknownMemory):
            memory.get(uid)
        assert memory.get(uid, version=1).text == "one thing"
        assert memory.history(uid)[-1].reason == "wrong"

    def test_several_at_once_or_none(self, memory: recollect.Memory) -> None:
        uids = [outcome.uid for outcome in memory.add_many(["a", "b", "c"])]
        with pytest.raises(UnknownMemory):
            memory.delete([uids[0], "0" * 32])
        assert memory.count() == 3
        memory.delete(uids[:2])
        assert texts(memory) == ["c"]

    def test_forget_by_filter(self, memory: recollect.Memory) -> None:
        memory.add_many(["a", "b", "c"], session=["s1", "s1", "s2"])
        receipt = memory.forget(filter={"session": "s1"})
        assert (receipt.state, len(receipt.deleted), receipt.erased) == ("done", 2, ())
        assert texts(memory) == ["c"]
        assert memory.forget(filter={"session": "s1"}).deleted == ()

    def test_erase_leaves_no_byte(self, path: Path) -> None:
        secret = "the unrepeatable word xylographic-quince"
        with recollect.open(path) as memory:
            uid = memory.add(secret, metadata={"pin": "4711-secret"}).uid
            memory.add("something harmless")
            receipt = memory.forget(uid, erase=True)
            assert receipt.erased == (uid,)
            assert receipt.state == "done"
            with pytest.raises(UnknownMemory):
                memory.get(uid)
            assert texts(memory) == ["something harmless"]
        for file in path.parent.iterdir():
            assert b"xylographic" not in file.read_bytes(), file
            assert b"4711-secret" not in file.read_bytes(), file
        with recollect.open(path) as memory:
            assert memory.verify().ok

    def test_what_to_forget_must_be_said(self, memory: recollect.Memory) -> None:
        memory.add("x")
        for arguments in ({}, {"uid": "0" * 32, "filter": {"a": 1}}, {"filter": {}}):
            with pytest.raises(InvalidArgument):
                memory.forget(**arguments)  # type: ignore[arg-type]
        assert memory.count() == 1

    def test_a_decision_not_to_write_is_recorded(self, memory: recollect.Memory) -> None:
        uid = memory.add("x").uid
        outcome = memory.noop("already known", uid=uid)
        assert (outcome.op, outcome.reason) == ("noop", "already known")
        assert memory.history(uid)[-1].op == "noop"
        assert memory.noop("nothing of interest").op == "noop"


class TestTimeToLive:
    def test_expired_memories_are_neither_recalled_nor_listed(
        self, memory: recollect.Memory, clock: Clock
    ) -> None:
        uid = memory.add("code 1234", ttl=timedelta(hours=1)).uid
        assert memory.get(uid).expires == NOON + timedelta(hours=1)
        assert memory.recall("code")
        assert not memory.recall("code", now=NOON + timedelta(hours=2))
        clock.forward(hours=2)
        assert not memory.recall("code")
        assert memory.list() == []
        assert memory.count() == 0
        assert memory.count(now=NOON) == 1

    def test_seconds_are_understood(self, memory: recollect.Memory) -> None:
        assert memory.get(memory.add("x", ttl=90).uid).ttl == timedelta(seconds=90)

    def test_recall_prolongs_a_sliding_life(self, memory: recollect.Memory, clock: Clock) -> None:
        memory.add("code 1234", ttl=timedelta(hours=2), sliding=True)
        memory.add("pin 5678", ttl=timedelta(hours=2))
        clock.forward(hours=1.5)
        assert memory.recall("code")
        memory.add("anything")  # what was recalled is recorded with the next write
        clock.forward(hours=1)
        assert texts(memory) == ["code 1234", "anything"]
