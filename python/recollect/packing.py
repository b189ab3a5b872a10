"""Recall under a budget of tokens: all where all fits, else the most valuable selection that fits."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import recollect._native as _native
from recollect.checks import count_of
from recollect.errors import InvalidArgument, WrongType
from recollect.records import Hit, Record

__all__ = ["CountTokens", "estimate_tokens", "everything", "packed", "token_counter"]

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
    costs = [tokens(hit.text) for hit in hits]
    kept = _native.pack([hit.score for hit in hits], costs, budget)
    return [replace(hits[at], rank=rank) for rank, at in enumerate(kept, 1)], sum(costs[at] for at in kept)
