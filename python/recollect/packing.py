"""Recall under a budget of tokens: all where all fits, else the most valuable selection that fits."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

import recollect._native as _native
from recollect.checks import count_of
from recollect.errors import InvalidArgument, WrongType
from recollect.records import Hit, Record

__all__ = ["CountTokens", "estimate_tokens", "everything", "in_order", "packed", "token_counter", "worths"]

_LEVELS = ("instruction", "core", "semantic", "procedural", "working", "episodic")
_LEAST = 0.05
"""Least share of a lead, so that the last candidate is worth something too."""

CountTokens = Callable[[str], int]
"""Returns how many tokens a text has for the reader of the result."""


def estimate_tokens(text: str) -> int:
    """Return an estimate: one token for four bytes, and one for what stands around the text.

    English prose has about four bytes a token with the tokenizers in use; pass `count_tokens` for the exact
    number.
    """
    return len(text.encode()) // 4 + 1


def token_counter(count_tokens: CountTokens | None) -> CountTokens:
    """Return a counter whose answers are checked."""
    if count_tokens is None:
        return estimate_tokens
    if not callable(count_tokens):
        raise WrongType(f"count_tokens: expected a callable, found {type(count_tokens).__name__}")

    def counted(text: str) -> int:
        found = count_tokens(text)
        try:
            return count_of(found, "count_tokens", 0)
        except (InvalidArgument, WrongType) as error:
            raise type(error)(
                f"count_tokens: must return an int that is not negative, found {found!r}"
            ) from None

    return counted


def everything(pages: Iterator[Sequence[Record]], tokens: CountTokens, budget: int) -> list[Record] | None:
    """Return all records of the pages if they fit the budget together, else None as soon as they do not."""
    kept: list[Record] = []
    used = 0
    for page in pages:
        for record in page:
            used += tokens(record.text)
            if used > budget:
                return None
            kept.append(record)
    return kept


def packed(hits: Sequence[Hit], tokens: CountTokens, budget: int) -> tuple[list[Hit], int]:
    """Return the hits that a budget keeps, in order, and how many tokens they have."""
    costs = [tokens(hit.excerpt) for hit in hits]
    kept = _native.pack(worths([hit.score for hit in hits], costs), costs, budget)
    return [replace(hits[at], rank=rank) for rank, at in enumerate(kept, 1)], sum(costs[at] for at in kept)


def worths(scores: Sequence[float], costs: Sequence[int]) -> list[float]:
    """Return what each hit is worth in a packed context; scores from the best on.

    That is the sixth power of its lead over the last candidate, as a share of the lead of the first, times
    the root of its tokens: the chance that it holds the answer falls fast with the score, and is greater in a
    longer text. The scores themselves would trade the best hit for several short ones of no use.
    """
    if not scores:
        return []
    last, lead = scores[-1], max(scores[0] - scores[-1], 1e-9)
    shares = (max((score - last) / lead, _LEAST) if scores[0] > last else 1.0 for score in scores)
    return [share**6 * max(cost, 1) ** 0.5 for share, cost in zip(shares, costs, strict=True)]


def in_order(hits: Sequence[Hit]) -> list[Hit]:
    """Return hits in the order of reading: what holds always, then what happened, each by time."""

    def place(hit: Hit) -> tuple[int, datetime, str]:
        record = hit.record
        return _LEVELS.index(record.kind), record.at or record.ingested, record.uid

    return sorted(hits, key=place)
