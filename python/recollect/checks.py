"""Checks of single arguments: each returns the value as the store takes it, or raises naming the argument."""

import json
import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from recollect.embedding.protocol import Vectors
from recollect.errors import DimensionMismatch, InvalidArgument, LimitExceeded, WrongType

__all__ = [
    "KEEPS",
    "KINDS",
    "Ids",
    "column_of",
    "count_of",
    "ids_of",
    "json_text",
    "kinds_of",
    "matrix",
    "number_of",
    "one_of",
    "relation_of",
    "seed_of",
    "text_of",
    "texts_of",
    "uids_of",
    "unit",
]

KINDS = ("episodic", "semantic", "procedural", "core", "working", "instruction")
"""The kinds of memory."""

KEEPS = ("f32", "f16", "int8")
"""The forms in which vectors are kept."""

Ids = npt.NDArray[np.int64]
"""Identities of vectors."""

_DEEPEST = 64
_INT64 = np.dtype(np.int64)


def text_of(value: object, argument: str) -> str:
    """Return a text that can be written as UTF-8."""
    if not isinstance(value, str):
        raise WrongType(f"{argument}: expected str, found {type(value).__name__}")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise InvalidArgument(f"{argument}: character {error.start} is half a surrogate pair") from None
    return value


def texts_of(value: object, argument: str) -> list[str]:
    """Return a list of texts; one text alone is refused, because it is a sequence of texts by accident."""
    if isinstance(value, (str, bytes)) or not isinstance(value, (Sequence, np.ndarray, set, frozenset)):
        raise WrongType(f"{argument}: expected a list of texts, found {type(value).__name__}")
    return [text_of(item, f"{argument}[{at}]") for at, item in enumerate(value)]


def uids_of(value: object, argument: str = "uid") -> list[str]:
    """Return a list of identities out of one or several; whole records are understood too."""
    many = (
        value
        if isinstance(value, (Sequence, np.ndarray)) and not isinstance(value, (str, bytes))
        else [value]
    )
    return [text_of(getattr(item, "uid", item), argument if many is not value else f"{argument}[{at}]")
            for at, item in enumerate(many)]  # fmt: skip


def one_of(value: object, allowed: Sequence[str], argument: str) -> str:
    """Return a word out of a closed list."""
    if not isinstance(value, str):
        raise WrongType(f"{argument}: expected one of {', '.join(allowed)}, found {type(value).__name__}")
    if value not in allowed:
        raise InvalidArgument(f"{argument}: expected one of {', '.join(allowed)}, found {value[:40]!r}")
    return value


def kinds_of(value: object, argument: str = "kinds") -> list[str] | None:
    """Return a list of kinds out of None, one or several."""
    if value is None:
        return None
    many = [value] if isinstance(value, str) else texts_of(value, argument)
    return [one_of(kind, KINDS, argument) for kind in many]


def column_of(value: object, argument: str, count: int) -> npt.NDArray[np.float32]:
    """Return one number, or as many as `count`, as float32."""
    try:
        found = np.asarray(value)
    except (ValueError, TypeError) as error:
        raise InvalidArgument(f"{argument}: expected numbers") from error
    if found.dtype.kind not in "fiu":
        raise WrongType(f"{argument}: expected real numbers, found {found.dtype}")
    if found.ndim > 1 or (found.ndim == 1 and len(found) != count):
        raise InvalidArgument(f"{argument}: expected a number or the shape ({count},), found {found.shape}")
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(found.reshape(-1), dtype=np.float32)


def count_of(value: object, argument: str, least: int = 0) -> int:
    """Return a whole number that is not below `least`."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise WrongType(f"{argument}: expected int, found {type(value).__name__}")
    if value < least:
        raise InvalidArgument(f"{argument}: expected at least {least}, found {value}")
    if value >= 1 << 63:
        raise LimitExceeded(f"{argument}: {value} is over the limit of {(1 << 63) - 1}")
    return int(value)


def seed_of(value: object) -> int:
    """Return where random numbers come from, 0 to 2**64 - 1."""
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool):
        raise WrongType(f"seed: expected int, found {type(value).__name__}")
    if not 0 <= value < 1 << 64:
        raise InvalidArgument(f"seed: expected 0 to 2**64 - 1, found {value}")
    return int(value)


def unit(value: object, argument: str) -> float:
    """Return a number between 0 and 1."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise WrongType(f"{argument}: expected a number, found {type(value).__name__}")
    if not 0 <= value <= 1:
        raise InvalidArgument(f"{argument}: expected a number between 0 and 1, found {value!r}")
    return float(value)


def number_of(value: object, argument: str) -> float:
    """Return a finite number."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise WrongType(f"{argument}: expected a number, found {type(value).__name__}")
    number = float(value)
    if not math.isfinite(number):
        raise InvalidArgument(f"{argument}: expected a finite number, found {number}")
    return number


def relation_of(value: object, argument: str = "relation") -> str:
    """Return the name of a relation that edges may have."""
    name = text_of(value, argument)
    if not name:
        raise InvalidArgument(f"{argument}: expected a name, found an empty text")
    return name


def json_text(value: object, argument: str) -> str:
    """Return a JSON object as text; the message names the path of what is not JSON."""
    if not isinstance(value, Mapping):
        raise WrongType(f"{argument}: expected a dict, found {type(value).__name__}")
    if not value:
        return "{}"
    _check_json(value, argument, 0)
    return json.dumps(value if isinstance(value, dict) else dict(value))


def _check_json(value: object, path: str, depth: int) -> None:
    if depth > _DEEPEST:
        raise LimitExceeded(f"{path.partition('.')[0]}: nested deeper than the limit of {_DEEPEST}")
    if isinstance(value, str):
        text_of(value, path)
    elif isinstance(value, (dict, Mapping)):
        if not isinstance(value, dict) and depth:
            raise WrongType(f"{path}: expected a dict, found {type(value).__name__}")
        for key, item in value.items():
            if not isinstance(key, str):
                raise WrongType(f"{path}: expected keys of type str, found {type(key).__name__}")
            _check_json(item, f"{path}.{text_of(key, path)}", depth + 1)
    elif isinstance(value, (list, tuple)):
        for at, item in enumerate(value):
            _check_json(item, f"{path}[{at}]", depth + 1)
    elif isinstance(value, float):
        if not np.isfinite(value):
            raise InvalidArgument(f"{path}: {value} cannot be written as JSON")
    elif isinstance(value, int):
        if not -(1 << 63) <= value < 1 << 64:
            raise LimitExceeded(f"{path}: a whole number beyond 64 bits cannot be kept")
    elif value is not None:
        raise WrongType(
            f"{path}: {type(value).__name__} is no JSON value; use str, int, float, bool, None, list or dict"
        )


def matrix(value: object, argument: str, dim: int | None = None) -> Vectors:
    """Return one vector or several as float32 ``[m, d]``, contiguous and finite.

    Parameters
    ----------
    value
        An array or nested lists of real numbers, ``[d]`` or ``[m, d]``, in any order and stride.
    argument
        Its name for messages.
    dim
        The number of components it must have.
    """
    try:
        found = np.asarray(value)
    except (ValueError, TypeError) as error:
        raise InvalidArgument(f"{argument}: rows of different lengths are no array of vectors") from error
    if found.dtype.kind not in "fiu":
        raise WrongType(f"{argument}: expected real numbers, found {found.dtype}")
    if found.ndim not in (1, 2) or 0 in found.shape:
        raise InvalidArgument(
            f"{argument}: expected the shape (d,) or (m, d) without zeros, found {found.shape}"
        )
    rows = found.reshape(-1, found.shape[-1])
    if dim is not None and rows.shape[1] != dim:
        raise DimensionMismatch(f"{argument}: expected {dim} dimensions, found {rows.shape[1]}")
    with np.errstate(over="ignore"):
        vectors = np.ascontiguousarray(rows, dtype=np.float32)
    finite = np.isfinite(vectors).all(axis=1)
    if not finite.all():
        where = f"[{int(np.argmin(finite))}]" if found.ndim == 2 else ""
        raise InvalidArgument(f"{argument}{where}: a component is not finite in float32")
    return vectors


def ids_of(value: object, argument: str, count: int | None = None) -> Ids:
    """Return whole numbers of 64 bits as int64 ``[n]``, contiguous; one alone is one of one.

    Parameters
    ----------
    value
        An array, a number or a sequence of them.
    argument
        Its name for messages.
    count
        The vectors that they are given to, where there must be as many.
    """
    if (
        type(value) is np.ndarray
        and value.dtype == _INT64
        and value.ndim == 1
        and value.flags.c_contiguous
        and count in (None, len(value))
    ):
        return value
    try:
        found = np.asarray(value)
    except (ValueError, TypeError) as error:
        raise InvalidArgument(f"{argument}: lists of different lengths are no array of ids") from error
    if found.dtype.kind not in "iu" and found.size:
        raise WrongType(f"{argument}: expected whole numbers, found {found.dtype}")
    if found.ndim > 1:
        raise InvalidArgument(f"{argument}: expected the shape (n,), found {found.shape}")
    ids = found.reshape(-1)
    if ids.dtype.kind == "u" and ids.size and int(ids.max()) >= 1 << 63:
        raise LimitExceeded(f"{argument}: {ids.max()} is over the limit of {(1 << 63) - 1}")
    if count is not None and len(ids) != count:
        raise InvalidArgument(f"{argument}: {len(ids)} ids for {count} vectors")
    return np.ascontiguousarray(ids, dtype=np.int64)
