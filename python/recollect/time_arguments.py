"""Checks of what timelines, facts and segmentation are given: each returns what the native half takes."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from recollect.checks import Ids, text_of
from recollect.errors import DimensionMismatch, InvalidArgument, LimitExceeded, WrongType
from recollect.times import Time, to_micros

__all__ = [
    "EARLIEST",
    "OPEN",
    "Words",
    "end_of",
    "ends_of",
    "float_of",
    "id_of",
    "name_of",
    "range_of",
    "sessions_of",
    "times_array",
    "vector_of",
    "words_of",
]

OPEN = (1 << 63) - 1
"""The end of what has none."""

EARLIEST = -(1 << 63)
"""The beginning of what has none."""

Words: TypeAlias = Mapping[str, int] | Iterable[str]
"""Words with how often they occur, or words one by one."""


def id_of(value: object, argument: str) -> int:
    """Return a whole number of 64 bits."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise WrongType(f"{argument}: expected int, found {type(value).__name__}")
    number = int(value)
    if not EARLIEST <= number <= OPEN:
        raise LimitExceeded(f"{argument}: {number} does not fit into 64 bits")
    return number


def float_of(value: object, argument: str) -> float:
    """Return a number."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise WrongType(f"{argument}: expected a number, found {type(value).__name__}")
    return float(value)


def name_of(value: object, argument: str) -> str:
    """Return a text that is not empty."""
    if type(value) is str and value and value.isascii():
        return value
    name = text_of(value, argument)
    if not name:
        raise InvalidArgument(f"{argument}: expected a name, found an empty text")
    return name


def end_of(value: Time | None, start: int, argument: str = "until") -> int:
    """Return the end of an event: after one microsecond, at a time, or ``"open"``."""
    if value is None:
        return start + 1
    if isinstance(value, str) and value == "open":
        return OPEN
    return to_micros(value, argument)


def range_of(start: Time | None, end: Time | None) -> tuple[int, int]:
    """Return a half-open range; None is an open end."""
    return (
        EARLIEST if start is None else to_micros(start, "start"),
        OPEN if end is None else to_micros(end, "end"),
    )


def times_array(value: object, argument: str) -> Ids:
    """Return times as int64 microseconds ``[n]``."""
    if isinstance(value, np.ndarray):
        if value.dtype.kind == "M":
            if np.isnat(value).any():
                raise InvalidArgument(f"{argument}: not a time (NaT)")
            value = value.astype("datetime64[us]").astype(np.int64)
        if value.dtype.kind not in "iu":
            raise WrongType(f"{argument}: expected whole microseconds or datetime64, found {value.dtype}")
        if value.ndim != 1:
            raise InvalidArgument(f"{argument}: expected the shape (n,), found {value.shape}")
        return np.ascontiguousarray(value, dtype=np.int64)
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
        raise WrongType(f"{argument}: expected an array or a list of times, found {type(value).__name__}")
    return np.array([to_micros(item, f"{argument}[{at}]") for at, item in enumerate(value)], dtype=np.int64)


def ends_of(value: object, starts: Ids) -> Ids:
    """Return one end for each event, or none for instants."""
    if value is None:
        return np.empty(0, dtype=np.int64)
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        if len(value) != len(starts):
            raise InvalidArgument(f"until: {len(value)} ends for {len(starts)} events")
        pairs = zip(value, starts.tolist(), strict=True)
        found = [end_of(item, start, f"until[{at}]") for at, (item, start) in enumerate(pairs)]
        return np.array(found, dtype=np.int64)
    ends = times_array(value, "until")
    if len(ends) != len(starts):
        raise InvalidArgument(f"until: {len(ends)} ends for {len(starts)} events")
    return ends


def sessions_of(value: object, count: int) -> tuple[list[str], Ids | None]:
    """Return distinct sessions and which each event has; -1 for none."""
    if value is None:
        return [], None
    if isinstance(value, str):
        return [name_of(value, "session")], np.zeros(count, dtype=np.int64)
    if not isinstance(value, (Sequence, np.ndarray)):
        raise WrongType(f"session: expected str or a list of them, found {type(value).__name__}")
    if len(value) != count:
        raise InvalidArgument(f"session: {len(value)} sessions for {count} events")
    numbers: dict[str, int] = {}
    codes = np.empty(count, dtype=np.int64)
    for at, name in enumerate(value):
        codes[at] = -1 if name is None else numbers.setdefault(name_of(name, f"session[{at}]"), len(numbers))
    return list(numbers), codes


def vector_of(value: object, dim: int, argument: str, rows: int | None = None) -> npt.NDArray[np.float32]:
    """Return a vector, or so many rows of them, as one float32 array ``[n * d]``."""
    try:
        found = np.asarray(value)
    except (ValueError, TypeError) as error:
        raise InvalidArgument(f"{argument}: rows of different lengths are no array of vectors") from error
    if found.dtype.kind not in "fiu":
        raise WrongType(f"{argument}: expected real numbers, found {found.dtype}")
    shape = (dim,) if rows is None else (rows, dim)
    if found.ndim != len(shape) or (rows is not None and len(found) != rows):
        raise InvalidArgument(f"{argument}: expected the shape {shape}, found {found.shape}")
    if found.shape[-1] != dim:
        raise DimensionMismatch(f"{argument}: expected {dim} dimensions, found {found.shape[-1]}")
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(found, dtype=np.float32).reshape(-1)


def words_of(value: object, argument: str = "words") -> list[tuple[str, int]]:
    """Return words with their counts."""
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise WrongType(f"{argument}: expected words, found {type(value).__name__}")
    if not isinstance(value, Mapping):
        return [(name_of(word, argument), 1) for word in value]
    pairs = []
    for word, count in value.items():
        number = id_of(count, argument)
        if not 0 < number < 1 << 32:
            raise InvalidArgument(f"{argument}: expected a count from 1 to 2**32 - 1, found {number}")
        pairs.append((name_of(word, argument), number))
    return pairs
