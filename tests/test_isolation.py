"""What one namespace answers is the same, to the last bit, whatever its neighbours do."""

import random
import struct
from collections.abc import Iterator
from pathlib import Path

import recollect
from recollect import Memory, Recall
from tests.trust.workload import WORDS, embedder

QUERIES = ("river copper lantern", "the garden", "compiler thread of a kernel", "invoice deadline", "Kraków")


def _write_own(memory: Memory) -> Iterator[None]:
    """The writes of namespace A, one step at a time."""
    dice, uids = random.Random(7), []
    for number in range(40):
        texts = [f"{number} {' '.join(dice.choices(WORDS, k=dice.randint(2, 30)))}" for _ in range(4)]
        uids += [
            outcome.uid for outcome in memory.add_many(texts, now=1_000_000 * number, metadata={"n": number})
        ]
        if number % 5 == 4:
            memory.update(uids[number], text=f"changed {number} river", now=1_000_000 * number)
            memory.delete(uids[number + 3], now=1_000_000 * number)
        if number % 10 == 9:
            memory.forget(uids[number + 7], erase=True, now=1_000_000 * number)
        yield


def _disturb(root: Memory, dice: random.Random, number: int) -> None:
    """Neighbours above, below, beside and with look-alike names write, delete, erase and recall."""
    for path in (("b",), (), ("a", "below"), ("aa",), ("A",), ("a ",)):
        space = root.namespace(*path)
        texts = [" ".join(dice.choices(WORDS, k=20)) + f" {number} {n}" for n in range(5)]
        outcomes = space.add_many(texts)
        space.recall("river copper", k=5)
        if number % 3 == 0:
            space.delete(outcomes[0].uid)
            space.forget(outcomes[1].uid, erase=True)
    if number % 8 == 0:
        root.checkpoint()


def _bits(recall: Recall) -> list[object]:
    """Everything of an answer but the identities, and the order of equal scores, which they decide."""
    assert [hit.rank for hit in recall] == list(range(1, len(recall) + 1))
    return [
        (hit.text, struct.pack("<d", hit.score), hit.record.turn, hit.record.version, hit.record.metadata,
         [(s.name, struct.pack("<dd", s.score, s.share)) for s in hit.signals])
        for hit in sorted(recall, key=lambda hit: (-hit.score, hit.text))
    ]  # fmt: skip


def _answers(path: Path, disturbed: bool) -> list[object]:
    dice, answers = random.Random(11), []
    with recollect.open(path, embedder=embedder, durability="normal") as root:
        own = root.namespace("a")
        for number, _ in enumerate(_write_own(own)):
            if disturbed:
                _disturb(root, dice, number)
            if number % 4 == 3:
                answers += [_bits(own.recall(query, k=200, now=10**9)) for query in QUERIES]
    with recollect.open(path, embedder=embedder) as root:
        own = root.namespace("a")
        for signals in (("words",), ("vectors",), ("words", "vectors")):
            for fusion in ("adaptive", "convex"):
                answers += [
                    _bits(own.recall(query, k=200, signals=signals, fusion=fusion, now=10**9))
                    for query in QUERIES
                ]
        answers.append([(r.text, r.turn, r.version) for r in own.list(order="ingested")])
        answers.append(
            [[(c.op, c.version, c.seq) for c in own.history(r.uid)] for r in own.list(order="ingested")]
        )
        answers.append(own.count({"n": {"$gte": 20}}))
        answers.append(own.namespaces() if not disturbed else [])
    return answers


def test_neighbours_change_no_bit_of_an_answer(tmp_path: Path) -> None:
    alone = _answers(tmp_path / "alone.rcl", disturbed=False)
    beside = _answers(tmp_path / "beside.rcl", disturbed=True)
    for number, (one, other) in enumerate(zip(alone, beside, strict=True)):
        assert one == other, f"answer {number}"


def test_no_identity_opens_a_neighbour(tmp_path: Path) -> None:
    import pytest

    from recollect.errors import UnknownMemory

    with recollect.open(tmp_path / "a.rcl") as root:
        own, other = root.namespace("a"), root.namespace("b")
        uid = own.add("a copper river", key="key").uid
        for use in (
            lambda: other.get(uid),
            lambda: other.history(uid),
            lambda: other.update(uid, text="stolen"),
            lambda: other.delete(uid),
            lambda: other.forget(uid, erase=True),
            lambda: other.episodic.around(uid),
        ):
            with pytest.raises(UnknownMemory):
                use()
        assert other.add("a copper harbour", key="key").uid != uid, "keys are of one namespace"
        assert [hit.text for hit in other.recall("river harbour", k=10)] == ["a copper harbour"]
        assert [record.text for record in own.list()] == ["a copper river"]


def test_no_filter_and_no_query_reaches_a_neighbour(tmp_path: Path) -> None:
    payloads = (
        "' OR 1=1 --", '") OR ("', "alpha) OR ns:(b", "NEAR(secret)", "* secret", "secret OR 1", "b/secret",
        "../b", "$where", "{'$ne': null}", "\0secret", "secret^1000",
    )  # fmt: skip
    with recollect.open(tmp_path / "a.rcl") as root:
        root.namespace("b").add("the secret of b", metadata={"ns": "b"}, tags=["secret"])
        own = root.namespace("a")
        own.add("nothing here", metadata={"ns": "a"})
        for payload in payloads:
            assert {hit.text for hit in own.recall(payload, k=100)} <= {"nothing here"}
            assert own.list({"tags": payload}) == []
            assert {r.text for r in own.list({"ns": {"$ne": payload}})} <= {"nothing here"}
        assert own.count({"$or": [{"ns": "b"}, {"namespace": "b"}, {"tags": "secret"}]}) == 0
        assert own.count({"$not": {"ns": "zzz"}}) == 1
