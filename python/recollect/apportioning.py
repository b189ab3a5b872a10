"""Recall with a number of hits for each kind of memory, so that none crowds another out."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from recollect import recalling
from recollect.checks import KINDS, count_of, one_of
from recollect.errors import InvalidArgument, WrongType
from recollect.handle import Handle
from recollect.packing import in_order
from recollect.records import Recall

__all__ = ["apportioned"]


def apportioned(
    handle: Handle, query: str | None, budgets: Mapping[str, int], options: dict[str, Any]
) -> Recall:
    """Return the best of each kind, kinds in the order given; the state is that of the surest kind."""
    if not isinstance(budgets, Mapping):
        raise WrongType(f"budgets: expected a mapping of kinds to numbers, found {type(budgets).__name__}")
    if not budgets:
        raise InvalidArgument("budgets: expected at least one kind")
    for name in ("kinds", "budget"):
        if options.get(name) is not None:
            raise InvalidArgument(f"{name}: has no meaning beside budgets")
    shares = {
        one_of(kind, KINDS, "budgets"): count_of(number, f"budgets[{kind!r}]", 1)
        for kind, number in budgets.items()
    }
    ordered = bool(options.get("ordered"))
    own = {
        kind: recalling.recall(handle, query, number, **{**options, "kinds": kind, "ordered": False})
        for kind, number in shares.items()
    }
    surest = max(own.values(), key=lambda recall: recall.confidence)
    hits = [hit for recall in own.values() for hit in recall]
    hits = [replace(hit, rank=rank) for rank, hit in enumerate(hits, 1)]
    surest.trace["budgets"] = {kind: {"kept": len(own[kind]), "of": shares[kind]} for kind in shares}
    return replace(surest, hits=tuple(in_order(hits) if ordered else hits))
