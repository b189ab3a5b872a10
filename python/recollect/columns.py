"""Arguments of many texts as columns: one value for all of them, or one for each."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from recollect.checks import json_text, text_of
from recollect.errors import InvalidArgument, WrongType

__all__ = ["column", "filled", "json_column", "list_column", "single_column"]

T = TypeVar("T")


def _many(value: object) -> bool:
    return isinstance(value, (Sequence, np.ndarray)) and not isinstance(value, (str, bytes))


def _same_length(value: Any, count: int, argument: str) -> None:  # noqa: ANN401 -- any sequence
    if len(value) != count:
        raise InvalidArgument(f"{argument}: expected one for each of {count} texts, found {len(value)}")


def column(value: object, count: int, argument: str, one: Callable[[Any, str], T]) -> list[T | None] | None:
    """Return a column.

    Parameters
    ----------
    value
        None, one value, or a list or an array of `count` values, among which None means none.
    count
        Number of texts.
    argument
        Its name for messages.
    one
        Reads one value, given the value and its name.

    Raises
    ------
    InvalidArgument
        If there are more or fewer values than texts.
    """
    if value is None:
        return None
    if not _many(value):
        return [one(value, argument)] * count
    assert isinstance(value, (Sequence, np.ndarray))
    _same_length(value, count, argument)
    return [None if item is None else one(item, f"{argument}[{at}]") for at, item in enumerate(value)]


def filled(values: list[T | None] | None, argument: str) -> list[T] | None:
    """Return a column in which no value is missing."""
    if values is None:
        return None
    for at, value in enumerate(values):
        if value is None:
            raise WrongType(f"{argument}[{at}]: expected a number, found None")
    return [value for value in values if value is not None]


def single_column(value: object, argument: str, one: Callable[[Any, str], T]) -> list[T | None] | None:
    """Return the column of one text, to which a list is no value."""
    return None if value is None else [one(value, argument)]


def json_column(value: object, count: int, argument: str) -> list[str | None] | None:
    """Return a column of JSON objects as text: one dict for all texts, or one for each."""
    if isinstance(value, Mapping):
        return [json_text(value, argument)] * count
    return column(value, count, argument, json_text)


def list_column(value: object, count: int, argument: str) -> list[list[str]] | None:
    """Return a column of lists of texts: one list for all texts, or a list of lists."""
    if isinstance(value, (set, frozenset)):
        value = sorted(value)
    if value is None or (_many(value) and not len(value)):  # type: ignore[arg-type]
        return None
    if not _many(value):
        raise WrongType(f"{argument}: expected a list of texts, found {type(value).__name__}")
    assert isinstance(value, (Sequence, np.ndarray))
    if not any(_many(item) or item is None for item in value):
        return [[text_of(item, f"{argument}[{at}]") for at, item in enumerate(value)]] * count
    _same_length(value, count, argument)
    lists: list[list[str]] = []
    for at, item in enumerate(value):
        if item is not None and not _many(item):
            raise WrongType(f"{argument}[{at}]: expected a list of texts, found {type(item).__name__}")
        lists.append([text_of(one, f"{argument}[{at}][{i}]") for i, one in enumerate(item or ())])
    return lists
