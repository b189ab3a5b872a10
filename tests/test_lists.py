"""Lists, counts and the filter language."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from conftest import NOON, Clock

import recollect
from recollect.errors import (
    InvalidArgument,
    LimitExceeded,
    WrongType,
)


def texts(memory: recollect.Memory, *args: Any, **kwargs: Any) -> list[str]:
    """Return the texts of a list."""
    return [record.text for record in memory.list(*args, **kwargs)]


@pytest.fixture(autouse=True)
def filled(memory: recollect.Memory, clock: Clock) -> None:
    """Fill a memory with five notes."""
    for day, (text, speaker) in enumerate(
        [("e", "Ilse"), ("a", "Bram"), ("d", "Ilse"), ("b", None), ("c", "Odile")], 1
    ):
        clock.forward(minutes=1)
        memory.add(
            text,
            at=f"2026-01-{10 - day:02}",
            speaker=speaker,
            session=f"s{day % 2}",
            importance=day / 5,
            tags=[text, "all"],
            metadata={
                "n": day,
                "even": day % 2 == 0,
                "deep": {"er": text},
                "many": [day, day + 10],
                "kind": "note",
            },
            kind="semantic" if day == 5 else "episodic",
            source="chat",
        )


def test_orders(memory: recollect.Memory) -> None:
    assert "".join(texts(memory)) == "cbdae"
    assert "".join(texts(memory, order="-time")) == "eadbc"
    assert "".join(texts(memory, order="ingested")) == "eadbc"
    assert "".join(texts(memory, order="-ingested")) == "cbdae"
    assert "".join(texts(memory, limit=2, offset=1)) == "bd"
    assert texts(memory, limit=0) == []


def test_kinds_and_times(memory: recollect.Memory) -> None:
    assert texts(memory, kind="semantic") == ["c"]
    assert len(texts(memory, kind=["semantic", "episodic"])) == 5
    assert "".join(texts(memory, between=("2026-01-06", "2026-01-08"))) == "bd"
    assert "".join(texts(memory, between=(None, "2026-01-06"))) == "c"
    assert "".join(texts(memory, between=("2026-01-09", None))) == "e"


@pytest.mark.parametrize(
    ("filter", "expected"),
    [
        ({}, "abcde"),
        ({"speaker": "Ilse"}, "de"),
        ({"speaker": {"$eq": "Ilse"}}, "de"),
        ({"speaker": {"$ne": "Ilse"}}, "abc"),
        ({"speaker": {"$exists": False}}, "b"),
        ({"speaker": {"$exists": True}}, "acde"),
        ({"speaker": {"$in": ["Bram", "Odile"]}}, "ac"),
        ({"speaker": {"$nin": ["Bram", "Odile"]}}, "bde"),
        ({"tags": "a"}, "a"),
        ({"tags": {"$in": ["a", "b"]}}, "ab"),
        ({"session": "s1", "speaker": "Ilse"}, "de"),
        ({"n": 3}, "d"),
        ({"n": {"$gt": 3}}, "bc"),
        ({"n": {"$gte": 3}}, "bcd"),
        ({"n": {"$lt": 3}}, "ae"),
        ({"n": {"$lte": 3}}, "ade"),
        ({"n": {"$gt": 1, "$lt": 4}}, "ad"),
        ({"n": np.int64(3)}, "d"),
        ({"even": True}, "ab"),
        ({"deep.er": "a"}, "a"),
        ({"metadata.deep.er": "a"}, "a"),
        ({"many": 13}, "d"),
        ({"many": {"$in": [11, 12]}}, "ae"),
        ({"kind": "semantic"}, "c"),
        ({"metadata.kind": "note"}, "abcde"),
        ({"nothing": {"$exists": True}}, ""),
        ({"at": "2026-01-09"}, "e"),
        ({"at": {"$gte": "2026-01-07"}}, "ade"),
        ({"at": {"$lt": datetime(2026, 1, 6, tzinfo=UTC)}}, "c"),
        ({"ingested": {"$lte": NOON + timedelta(minutes=2)}}, "ae"),
        ({"importance": 0.4}, "a"),
        ({"importance": {"$gte": 0.6}}, "bcd"),
        ({"importance": {"$in": [0.2, 0.8]}}, "be"),
        ({"source": "chat", "principal": ""}, "abcde"),
        ({"trust": 1}, "abcde"),
        ({"status": "active"}, "abcde"),
        ({"turn": {"$gte": 0}}, "abcde"),
        ({"$or": [{"n": 1}, {"n": 2}]}, "ae"),
        ({"$and": [{"n": {"$gt": 1}}, {"speaker": "Ilse"}]}, "d"),
        ({"$not": {"speaker": "Ilse"}}, "abc"),
        ({"$and": [{"$or": [{"n": 1}, {"n": 2}]}, {"$not": {"n": 2}}]}, "e"),
    ],
    ids=str,
)
def test_filters(memory: recollect.Memory, filter: dict[str, Any], expected: str) -> None:
    assert "".join(sorted(texts(memory, filter))) == expected
    assert memory.count(filter) == len(expected)
    assert "".join(sorted(hit.text for hit in memory.recall("a b c d e", filter=filter))) == expected


@pytest.mark.parametrize(
    ("filter", "error", "message"),
    [
        ([], WrongType, "^filter: expected a dict"),
        ({"a": {"$regex": "x"}}, InvalidArgument, r"^filter\.a\.\$regex: expected one of"),
        ({"$xor": []}, InvalidArgument, r"^filter\.\$xor: "),
        ({"$gt": 3}, InvalidArgument, r"^filter\.\$gt: expected a field around it"),
        ({"$or": {"a": 1}}, WrongType, r"^filter\.\$or: expected a list"),
        ({"$and": [{"a": {"b": 1}}]}, InvalidArgument, r"^filter\.\$and\[0\]\.a\.b: "),
        ({"a": {"$in": 3}}, WrongType, r"^filter\.a\.\$in: expected a list"),
        ({"a": {"$exists": 1}}, WrongType, r"^filter\.a\.\$exists: expected bool"),
        ({"a": object()}, WrongType, r"^filter\.a: "),
        ({"a": float("inf")}, InvalidArgument, r"^filter\.a: "),
        ({"at": "soon"}, InvalidArgument, r"^filter\.at: "),
        ({"at": {"$in": ["2026-01-01", 1.5]}}, WrongType, r"^filter\.at\.\$in\[1\]: "),
        ({1: 2}, WrongType, "^filter: a key: "),
    ],
)
def test_bad_filters_are_named_by_their_path(
    memory: recollect.Memory, filter: Any, error: type[Exception], message: str
) -> None:
    for call in (memory.list, memory.count):
        with pytest.raises(error, match=message):
            call(filter)


def test_a_filter_nested_without_end(memory: recollect.Memory) -> None:
    filter: dict[str, Any] = {"a": 1}
    for _ in range(100):
        filter = {"$not": filter}
    with pytest.raises(LimitExceeded, match=r"^filter: nested deeper"):
        memory.list(filter)


def test_other_bad_arguments(memory: recollect.Memory) -> None:
    for arguments, message in (
        ({"order": "random"}, "^order: "),
        ({"limit": -1}, "^limit: "),
        ({"offset": -1}, "^offset: "),
        ({"kind": "dream"}, "^kind: "),
        ({"between": ("2026-02-01", "2026-01-01")}, "^between: "),
    ):
        with pytest.raises(InvalidArgument, match=message):
            memory.list(**arguments)  # type: ignore[arg-type]
    with pytest.raises(WrongType, match=r"^between: expected a pair"):
        memory.list(between="2026-01-01")  # type: ignore[arg-type]
