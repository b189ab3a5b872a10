"""One memory as one line: what an export writes and an import reads."""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, TypeAlias

import numpy as np

from recollect.checks import KINDS, count_of, json_text, one_of, text_of, texts_of, unit
from recollect.embedding.protocol import Vectors
from recollect.errors import InvalidArgument, LimitExceeded, WrongType
from recollect.records import Record
from recollect.rows import SpaceRow
from recollect.times import duration_micros, from_micros, to_micros

__all__ = ["LONGEST_LINE", "Line", "LinkLine", "read_jsonl", "read_text", "write_line"]

LinkLine: TypeAlias = tuple[str, str, float, int, float]
"""A link: uid of the other memory, relation, weight, time, trust."""

LONGEST_LINE = 16 << 20
"""Most bytes of a line."""
_MOST_VECTORS = 4096


@dataclass(frozen=True, slots=True)
class Line:
    """One memory that was read."""

    number: int
    """Line in the file, from 1."""
    end: int
    """Bytes of the file up to the end of the line."""
    text: str
    shared: str = "{}"
    """JSON of the arguments that a transaction has once: kind, ttl, sliding, source, principal, trust."""
    fields: dict[str, Any] = field(default_factory=dict)
    """Arguments that each memory has: at, until, speaker and so on."""
    uid: str | None = None
    """Identity in the store it was exported from."""
    parents: tuple[str, ...] = ()
    namespace: tuple[str, ...] = ()
    """Relative to the namespace that imports."""
    vectors: Vectors | None = None
    space: SpaceRow | None = None
    """Where the vectors lie; none for that of the store that imports."""
    links: tuple[LinkLine, ...] = ()
    """Those that lead to others, made by the caller."""
    pinned: bool = False


def write_line(
    record: Record,
    own: int,
    vectors: Vectors | None,
    space: SpaceRow | None,
    links: Sequence[LinkLine] = (),
    pinned: bool = False,
) -> str:
    """Return the line of a record with its vectors; `own` is the length of the path of what is exported."""
    values: dict[str, Any] = {
        "uid": record.uid,
        "namespace": list(record.namespace[own:]),
        "kind": record.kind,
        "text": record.text,
        "at": None if record.at is None else record.at.isoformat(),
        "until": None if record.until is None else record.until.isoformat(),
        "speaker": record.speaker,
        "session": record.session,
        "metadata": record.metadata,
        "tags": list(record.tags),
        "turn": record.turn,
        "importance": record.importance,
        "confidence": record.confidence,
        "source": record.source,
        "principal": record.principal,
        "trust": record.trust,
        "parents": list(record.parents),
        "ttl": None if record.ttl is None else record.ttl.total_seconds(),
        "sliding": record.sliding or None,
        "vectors": None
        if vectors is None
        else [b64encode(row.astype("<f4").tobytes()).decode() for row in vectors],
        "space": None if vectors is None or space is None else list(space),
        "links": [
            [dst, relation, weight, from_micros(at).isoformat(), trust]
            for dst, relation, weight, at, trust in links
        ],
        "pinned": pinned or None,
    }
    kept = {name: value for name, value in values.items() if value is not None and value not in ("", [], {})}
    return json.dumps(kept | {"text": record.text}, ensure_ascii=False) + "\n"


def _time(value: Any, argument: str) -> int:  # noqa: ANN401 -- whatever JSON holds
    return to_micros(value, argument)


def _list(value: object, argument: str) -> list[str]:
    return texts_of(value, argument)


def _metadata(value: Any, argument: str) -> Any:  # noqa: ANN401 -- whatever JSON holds
    json_text(value, argument)
    return value


def _flag(value: object, argument: str) -> bool:
    if not isinstance(value, bool):
        raise WrongType(f"{argument}: expected true or false, found {type(value).__name__}")
    return value


def _seconds(value: Any, argument: str) -> Any:  # noqa: ANN401 -- whatever JSON holds
    duration_micros(value, argument)
    return value


_SHARED: dict[str, Callable[[Any, str], Any]] = {
    "kind": lambda value, argument: one_of(value, KINDS, argument),
    "ttl": _seconds,
    "sliding": _flag,
    "source": text_of,
    "principal": text_of,
    "trust": unit,
}
_EACH: dict[str, Callable[[Any, str], Any]] = {
    "at": _time,
    "until": _time,
    "speaker": text_of,
    "session": text_of,
    "metadata": _metadata,
    "tags": _list,
    "turn": count_of,
    "importance": unit,
    "confidence": unit,
}
_OTHER = frozenset({"text", "uid", "parents", "namespace", "vectors", "space", "links", "pinned"})


def read_jsonl(file: BinaryIO, size: int) -> Iterator[Line]:
    """Yield a line for each JSON object; blank lines are passed over.

    Raises
    ------
    InvalidArgument, WrongType, LimitExceeded
        If a line is no such object; the message begins with its number.
    """
    for number, end, text in _lines(file):
        argument = f"line {number}"
        try:
            values = json.loads(text, parse_constant=_refuse_constant)
        except RecursionError:
            raise LimitExceeded(f"{argument}: nested too deep") from None
        except ValueError as error:
            raise InvalidArgument(f"{argument}: not JSON: {error}") from None
        if not isinstance(values, dict):
            raise WrongType(f"{argument}: expected a JSON object, found {type(values).__name__}")
        yield _line(values, number, end)


def read_text(file: BinaryIO, size: int) -> Iterator[Line]:
    """Yield a line for each line of text that is not blank.

    Raises
    ------
    InvalidArgument, LimitExceeded
        If a line is not UTF-8, or too long; the message begins with its number.
    """
    for number, end, text in _lines(file):
        yield Line(number, end, text.strip())


def _lines(file: BinaryIO) -> Iterator[tuple[int, int, str]]:
    end = number = 0
    while raw := file.readline(LONGEST_LINE + 1):
        number += 1
        end += len(raw)
        if len(raw) > LONGEST_LINE:
            raise LimitExceeded(f"line {number}: longer than the limit of {LONGEST_LINE} bytes")
        try:
            text = raw.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise InvalidArgument(f"line {number}: not UTF-8: {error.reason} at byte {error.start}") from None
        if text.strip():
            yield number, end, text


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON number")


def _line(values: dict[str, Any], number: int, end: int) -> Line:
    argument = f"line {number}"
    unknown = values.keys() - _SHARED.keys() - _EACH.keys() - _OTHER
    if unknown:
        known = ", ".join(sorted(_SHARED.keys() | _EACH.keys() | _OTHER))
        raise InvalidArgument(
            f"{argument}: unknown field {min(unknown)[:40]!r}; put it under metadata. Fields: {known}"
        )
    if "text" not in values:
        raise InvalidArgument(f"{argument}: has no text")
    given = {name: value for name, value in values.items() if value is not None}
    return Line(
        number,
        end,
        text_of(values["text"], f"{argument}: text"),
        json.dumps(
            {
                name: read(given[name], f"{argument}: {name}")
                for name, read in _SHARED.items()
                if name in given
            }
        ),
        {name: read(given[name], f"{argument}: {name}") for name, read in _EACH.items() if name in given},
        text_of(given["uid"], f"{argument}: uid") if "uid" in given else None,
        tuple(_list(given.get("parents", []), f"{argument}: parents")),
        tuple(_list(given.get("namespace", []), f"{argument}: namespace")),
        _vectors(given["vectors"], f"{argument}: vectors") if "vectors" in given else None,
        _space(given["space"], f"{argument}: space") if "space" in given else None,
        _links(given.get("links", []), f"{argument}: links"),
        _flag(given.get("pinned", False), f"{argument}: pinned"),
    )


def _links(value: object, argument: str) -> tuple[LinkLine, ...]:
    if not isinstance(value, list):
        raise WrongType(f"{argument}: expected a list, found {type(value).__name__}")
    found = []
    for at, link in enumerate(value):
        here = f"{argument}[{at}]"
        match link:
            case [str(dst), str(relation), int() | float() as weight, str(time), int() | float() as trust]:
                found.append((dst, relation, float(weight), to_micros(time, here), unit(trust, here)))
            case _:
                raise InvalidArgument(f"{here}: expected [uid, relation, weight, time, trust]")
    return tuple(found)


def _space(value: object, argument: str) -> SpaceRow:
    match value:
        case [str(name), int(dim), str(metric)]:
            return name, dim, metric
    raise InvalidArgument(f"{argument}: expected [name, dimensions, metric]")


def _vectors(value: object, argument: str) -> Vectors | None:
    """Return ``[m, d]`` out of a list of base64 texts, each the little-endian float32 of one vector."""
    encoded = texts_of(value, argument)
    if len(encoded) > _MOST_VECTORS:
        raise LimitExceeded(f"{argument}: {len(encoded)} is over the limit of {_MOST_VECTORS}")
    rows = []
    for at, one in enumerate(encoded):
        try:
            raw = b64decode(one, validate=True)
        except ValueError:
            raise InvalidArgument(f"{argument}[{at}]: not base64") from None
        if not raw or len(raw) % 4:
            raise InvalidArgument(f"{argument}[{at}]: {len(raw)} bytes are no float32 vector")
        rows.append(np.frombuffer(raw, dtype="<f4"))
        if len(rows[at]) != len(rows[0]):
            raise InvalidArgument(
                f"{argument}[{at}]: expected {len(rows[0])} dimensions, found {len(rows[at])}"
            )
    return np.stack(rows).astype(np.float32) if rows else None
