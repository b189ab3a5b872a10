"""The filter language: a dict in, JSON text out, checked on the way."""

import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, TypeAlias, cast

import numpy as np

from recollect.checks import text_of
from recollect.errors import InvalidArgument, LimitExceeded, WrongType
from recollect.times import Time, to_micros

__all__ = ["Filter", "filter_text"]

Filter: TypeAlias = Mapping[str, Any]
"""``{"field": value}`` or ``{"field": {"$gte": value}}``, joined by ``$and``, ``$or`` and ``$not``."""

_TIMES = frozenset({"at", "until", "ingested"})
_UNITS = frozenset({"importance", "confidence", "trust", "utility"})
"""Kept as float32; the value compared with must be the same one."""
_ORDER = frozenset({"$eq", "$ne", "$gt", "$gte", "$lt", "$lte"})
_LISTS = frozenset({"$in", "$nin"})
_OPERATORS = _ORDER | _LISTS | {"$exists"}
_JOINS = frozenset({"$and", "$or", "$not"})
_DEEPEST = 32


def filter_text(filter: Filter | None, argument: str = "filter") -> str | None:
    """Return the JSON text of a filter, with every time in microseconds.

    Parameters
    ----------
    filter
        None or an empty dict keeps everything. ``{"field": value}`` means ``$eq``; the operators are ``$eq
        $ne $gt $gte $lt $lte $in $nin $exists``, joined by ``$and $or`` (lists) and ``$not``. Fields are
        those of a record, and ``pinned``, ``utility``, ``judged`` and ``success_rate`` of its uses; any other
        name is a path into the metadata (``"a.b"``), and ``"metadata.kind"`` forces it.
    argument
        Its name for messages.

    Raises
    ------
    WrongType
        If the filter, or a value in it, has a type that no filter can hold.
    InvalidArgument
        If an operator is unknown, or a time cannot be read; the message names the path.
    """
    if filter is None:
        return None
    clean = _filter(filter, argument, 0)
    return json.dumps(clean) if clean else None


def _filter(value: object, path: str, depth: int) -> dict[str, Any]:
    if depth > _DEEPEST:
        raise LimitExceeded(f"filter: nested deeper than the limit of {_DEEPEST}")
    if not isinstance(value, Mapping):
        raise WrongType(f"{path}: expected a dict, found {type(value).__name__}")
    clean: dict[str, Any] = {}
    for key, item in value.items():
        name = text_of(key, f"{path}: a key")
        here = f"{path}.{name}"
        if name == "$not":
            clean[name] = _filter(item, here, depth + 1)
        elif name in _JOINS:
            if not isinstance(item, (list, tuple)):
                raise WrongType(f"{here}: expected a list of filters, found {type(item).__name__}")
            clean[name] = [_filter(one, f"{here}[{at}]", depth + 1) for at, one in enumerate(item)]
        elif name.startswith("$"):
            known = "a field" if name not in _OPERATORS else "a field around it"
            raise InvalidArgument(f"{here}: expected {known}, or one of {', '.join(sorted(_JOINS))}")
        elif isinstance(item, Mapping):
            clean[name] = _conditions(name, item, here)
        else:
            clean[name] = {"$eq": _value(name, item, here)}
    return clean


def _conditions(field: str, conditions: Mapping[object, object], path: str) -> dict[str, Any]:
    clean: dict[str, Any] = {}
    for key, item in conditions.items():
        operator = text_of(key, f"{path}: a key")
        here = f"{path}.{operator}"
        if operator not in _OPERATORS:
            raise InvalidArgument(f"{here}: expected one of {', '.join(sorted(_OPERATORS))}")
        if operator == "$exists":
            if not isinstance(item, bool):
                raise WrongType(f"{here}: expected bool, found {type(item).__name__}")
            clean[operator] = item
        elif operator in _LISTS:
            if not isinstance(item, (list, tuple, set, frozenset, np.ndarray)):
                raise WrongType(f"{here}: expected a list of values, found {type(item).__name__}")
            clean[operator] = [_value(field, one, f"{here}[{at}]") for at, one in enumerate(item)]
        else:
            clean[operator] = _value(field, item, here)
    return clean


def _value(field: str, value: object, path: str) -> Any:  # noqa: ANN401 -- a JSON value
    if value is None:
        return None
    if field in _TIMES:
        return to_micros(cast("Time", value), path)
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, str):
        return text_of(value, path)
    if isinstance(value, float) and not np.isfinite(value):
        raise InvalidArgument(f"{path}: {value} compares with nothing")
    if isinstance(value, (int, float)) and field in _UNITS and not isinstance(value, bool):
        return float(np.float32(value))
    if isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, (list, tuple)):
        return [_value(field, one, f"{path}[{at}]") for at, one in enumerate(value)]
    raise WrongType(
        f"{path}: expected a text, a number, a bool, a time or a list, found {type(value).__name__}"
    )
