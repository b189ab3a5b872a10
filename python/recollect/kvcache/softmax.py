"""Attention probabilities of one sequence, a few queries at a time."""

from collections.abc import Iterator

import numpy as np

from recollect.errors import InvalidArgument
from recollect.kvcache.arrays import Array
from recollect.kvcache.layer import Sequence

__all__ = ["REDUCTIONS", "over_group", "probabilities", "query_blocks", "softmax"]

REDUCTIONS = ("mean", "max", "sum")
"""Ways in which the query heads of a group become one head."""

_BLOCK = 64
"""Queries at a time: what is held is proportional to it and to the tokens, never to the square of these."""


def softmax(logits: Array) -> Array:
    """Return the softmax over the last axis; a row of nothing but minus infinity becomes zeros."""
    if not logits.shape[-1]:
        return logits
    top = logits.max(-1, keepdims=True)
    powers = np.exp(logits - np.where(np.isfinite(top), top, 0))
    total = powers.sum(-1, keepdims=True)
    shares: Array = powers / np.where(total > 0, total, 1)
    return shares


def probabilities(sequence: Sequence, rows: slice) -> Array:
    """Return what some queries pay to the tokens, ``[heads, group, w, n]``; each sees up to itself."""
    queries, places = sequence.queries[:, :, rows], sequence.query_places[rows]
    heads, group, w, dim = queries.shape
    # One product a head: threads of small products wait for each other longer than they work.
    logits = queries.reshape(heads, group * w, dim) @ sequence.keys.swapaxes(-1, -2) / np.sqrt(dim)
    logits = logits.reshape(heads, group, w, len(sequence))
    return softmax(np.where(sequence.places <= places[:, None], logits, -np.inf))


def query_blocks(sequence: Sequence) -> Iterator[slice]:
    """Yield the queries of a sequence in blocks at places that do not depend on how many there are."""
    count = len(sequence.query_places)
    for start in range(0, count, _BLOCK):
        yield slice(start, min(start + _BLOCK, count))


def over_group(scores: Array, reduce: str, axis: int = 1) -> Array:
    """Return the scores of heads out of those of their query heads.

    Raises
    ------
    InvalidArgument
        If there is no such reduction.
    """
    if reduce not in REDUCTIONS:
        raise InvalidArgument(f"reduce: expected one of {', '.join(REDUCTIONS)}, found {reduce!r}")
    found: Array = getattr(np, reduce)(scores, axis=axis)
    return found
