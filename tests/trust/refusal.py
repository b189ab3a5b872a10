"""What a refusal must be: typed, naming the argument, and before anything was written."""

from collections.abc import Callable
from typing import Any

import pytest

from recollect import Memory
from recollect.errors import RecollectError

__all__ = ["check_refused", "deep"]


def check_refused(
    memory: Memory, call: Callable[[Memory], object], errors: type | tuple[type, ...], *named: str
) -> None:
    """Check that a call raises one of the errors, names what was wrong, and writes nothing."""
    before = memory.count(), memory.list()
    with pytest.raises(errors) as raised:
        call(memory)
    for word in named:
        assert word in str(raised.value), str(raised.value)
    assert isinstance(raised.value, RecollectError)
    assert (memory.count(), memory.list()) == before


def deep(levels: int) -> dict[str, Any]:
    """A dict in a dict in a dict."""
    inside: dict[str, Any] = {}
    for _ in range(levels):
        inside = {"x": inside}
    return inside
