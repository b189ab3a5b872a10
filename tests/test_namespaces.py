"""Namespaces are worlds of their own."""

from typing import Any

import pytest

import recollect
from recollect.errors import (
    InvalidArgument,
    UnknownMemory,
    WrongType,
)


def test_each_is_its_own_world(memory: recollect.Memory) -> None:
    one, two = memory.namespace("user", "1"), memory.namespace("user", "2")
    one.add("tea with milk")
    two.add("tea with lemon")
    assert [hit.text for hit in one.recall("tea")] == ["tea with milk"]
    assert memory.recall("tea").hits == ()
    assert one.list()[0].namespace == ("user", "1")
    assert (one.namespace_path, memory.namespace_path) == (("user", "1"), ())
    with pytest.raises(UnknownMemory):
        two.get(one.list()[0].uid)


def test_those_below_that_hold_data(memory: recollect.Memory) -> None:
    memory.namespace("user", "1").add("x")
    memory.namespace("user", "1", "chat/7").add("x")
    memory.namespace("team").add("x")
    memory.namespace("empty")
    assert memory.namespaces() == [("team",), ("user", "1"), ("user", "1", "chat/7")]
    user = memory.namespace("user")
    assert user.namespaces() == [("1",), ("1", "chat/7")]
    assert [user.namespace(*path).count() for path in user.namespaces()] == [1, 1]


def test_recall_below_and_in_a_list(memory: recollect.Memory) -> None:
    user = memory.namespace("user")
    user.add("tea in the user")
    user.namespace("1").add("tea in one")
    user.namespace("2").add("tea in two")
    memory.namespace("other").add("tea elsewhere")

    def found(scope: Any) -> set[str]:
        return {hit.text for hit in user.recall("tea", scope=scope)}

    assert found("exact") == {"tea in the user"}
    assert found("below") == {"tea in the user", "tea in one", "tea in two"}
    assert found([["1"], ["2"]]) == {"tea in one", "tea in two"}
    assert found([[], ["2"]]) == {"tea in the user", "tea in two"}
    assert found(user.namespaces()) == {"tea in one", "tea in two"}
    assert len(memory.recall("tea", scope="below")) == 4


@pytest.mark.parametrize("bad", [("",), ("a", "\0"), ("x" * 300,), tuple("x" * 40)])
def test_what_is_no_path(memory: recollect.Memory, bad: tuple[str, ...]) -> None:
    with pytest.raises(InvalidArgument, match=r"^namespace"):
        memory.namespace(*bad)


def test_scopes_that_are_none(memory: recollect.Memory) -> None:
    for bad, error in (
        ("all", InvalidArgument),
        (3, WrongType),
        (["user"], WrongType),
        ([], InvalidArgument),
    ):
        with pytest.raises(error, match=r"^scope"):
            memory.recall("tea", scope=bad)  # type: ignore[arg-type]
