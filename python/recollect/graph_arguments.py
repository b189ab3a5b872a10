"""Checks of what a graph is given: each returns the value as the native half takes it, or raises."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from recollect.checks import number_of, relation_of, text_of
from recollect.errors import InvalidArgument, LimitExceeded, WrongType
from recollect.graph_results import NodeId
from recollect.times import Time, to_micros

__all__ = [
    "Follow",
    "Nodes",
    "Seeds",
    "codes_of",
    "follow_of",
    "node_of",
    "nodes_of",
    "seeds_of",
    "times_of",
]

Nodes: TypeAlias = Sequence[NodeId] | npt.NDArray[np.integer] | Iterable[NodeId]
Seeds: TypeAlias = Mapping[NodeId, float] | Nodes | NodeId
Follow: TypeAlias = tuple[list[str] | None, str, bool]


def node_of(value: object, argument: str = "node") -> NodeId:
    """Return one id."""
    if isinstance(value, str):
        return text_of(value, argument)
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise WrongType(f"{argument}: expected str or int, found {type(value).__name__}")
    number = int(value)
    if not -(1 << 63) <= number < 1 << 63:
        raise LimitExceeded(f"{argument}: {number} does not fit into 64 bits")
    return number


def nodes_of(value: object, argument: str = "nodes") -> list[NodeId] | npt.NDArray[np.int64]:
    """Return ids as an array of numbers or a list; one alone is one of one."""
    if isinstance(value, np.ndarray) and value.dtype.kind in "iu":
        if value.ndim != 1:
            raise InvalidArgument(f"{argument}: expected the shape (n,), found {value.shape}")
        if value.dtype.kind == "u" and value.size and int(value.max()) >= 1 << 63:
            raise LimitExceeded(f"{argument}: {value.max()} does not fit into 64 bits")
        return np.ascontiguousarray(value, dtype=np.int64)
    if isinstance(value, (str, int, np.integer)):
        return [node_of(value, argument)]
    if isinstance(value, bytes) or not isinstance(value, Iterable):
        raise WrongType(f"{argument}: expected ids, found {type(value).__name__}")
    return [node_of(item, f"{argument}[{at}]") for at, item in enumerate(value)]


def seeds_of(value: object, argument: str = "seeds") -> list[tuple[NodeId, float]]:
    """Return seeds with their weights: a mapping, or ids that weigh 1 each."""
    if isinstance(value, Mapping):
        return [
            (node_of(node, f"{argument}[{at}]"), number_of(weight, f"{argument}[{at}]"))
            for at, (node, weight) in enumerate(value.items())
        ]
    nodes = nodes_of(value, argument)
    return [(node, 1.0) for node in (nodes.tolist() if isinstance(nodes, np.ndarray) else nodes)]


def codes_of(value: object, count: int) -> tuple[list[str], npt.NDArray[np.uint32]]:
    """Return the distinct relations of many edges, and which each edge has; no codes if all have one."""
    if isinstance(value, str):
        return [relation_of(value)], np.empty(0, dtype=np.uint32)
    if not isinstance(value, (Sequence, np.ndarray)):
        raise WrongType(f"relation: expected str or a list of them, found {type(value).__name__}")
    if len(value) != count:
        raise InvalidArgument(f"relation: {len(value)} relations for {count} edges")
    numbers: dict[str, int] = {}
    codes = np.empty(count, dtype=np.uint32)
    for at, name in enumerate(value):
        number = numbers.get(name) if type(name) is str else None
        codes[at] = (
            numbers.setdefault(relation_of(name, f"relation[{at}]"), len(numbers))
            if number is None
            else number
        )
    return list(numbers), codes


def times_of(value: object, count: int) -> npt.NDArray[np.int64]:
    """Return one time or one for each edge, as microseconds."""
    if isinstance(value, np.ndarray):
        if value.dtype.kind not in "iu":
            raise WrongType(f"time: expected whole microseconds, found {value.dtype}")
        if value.shape != (count,):
            raise InvalidArgument(f"time: expected the shape ({count},), found {value.shape}")
        return np.ascontiguousarray(value, dtype=np.int64)
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        if len(value) != count:
            raise InvalidArgument(f"time: {len(value)} times for {count} edges")
        return np.array([to_micros(item, f"time[{at}]") for at, item in enumerate(value)], dtype=np.int64)
    time: Time = value  # type: ignore[assignment]  # Checked where it is converted.
    return np.array([to_micros(time, "time")], dtype=np.int64)


def follow_of(relations: object, direction: str, trusted_only: bool) -> Follow:
    """Return which edges a walk follows."""
    if relations is None:
        names = None
    else:
        many = [relations] if isinstance(relations, str) else relations
        if not isinstance(many, Iterable):
            raise WrongType(f"relations: expected names, found {type(many).__name__}")
        names = [text_of(name, f"relations[{at}]") for at, name in enumerate(many)]
    return names, direction, bool(trusted_only)
