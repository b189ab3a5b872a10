"""Moving the boundary of an event to where its two sides are most alike within and least across.

Sources: Newman, "Modularity and community structure in networks" (2006); Fountas and others, "Human-like
episodic memory for infinite context LLMs" (2024).
"""

import numpy as np
import numpy.typing as npt

from recollect.checks import one_of
from recollect.errors import InvalidArgument
from recollect.kvcache.arrays import Array, Foreign, numbers, received

__all__ = ["refined", "similarity", "split_quality"]

Starts = npt.NDArray[np.int64]

MEASURES = ("modularity", "conductance")
SIMILARITIES = ("relu_cosine", "dot")


def similarity(keys: Foreign, *, kind: str = "relu_cosine") -> Array:
    """Return how alike tokens are, summed over all heads and layers given, float32 ``[n, n]``.

    Parameters
    ----------
    keys
        ``[..., n, d]``.
    kind
        ``"relu_cosine"``, none below zero, so that quality is defined; or ``"dot"``, as published.

    Raises
    ------
    InvalidArgument
        If there is no such kind.
    """
    rows = numbers(received(keys, "keys")).astype(np.float64)
    rows = rows.reshape(-1, *rows.shape[-2:])
    if one_of(kind, SIMILARITIES, "kind") == "dot":
        return np.asarray((rows @ rows.swapaxes(1, 2)).sum(0), dtype=np.float32)
    length = np.sqrt((rows**2).sum(-1, keepdims=True))
    rows = rows / np.where(length > 0, length, 1)
    return np.asarray(np.maximum(rows @ rows.swapaxes(1, 2), 0).sum(0), dtype=np.float32)


def split_quality(alike: npt.ArrayLike, *, measure: str = "modularity", volume: str = "within") -> Array:
    """Return how good it is to cut before each token, float64 ``[n]``: higher is better.

    All cuts together take the square of `n` steps; before the first token is minus infinity.

    Parameters
    ----------
    alike
        Symmetric, ``[n, n]``.
    measure
        ``"modularity"``, or ``"conductance"``, here with a minus: the worse of both sides' share of what is
        cut.
    volume
        Of a side in the conductance: ``"within"`` it, as published, or the ``"degree"`` of its tokens, as is
        usual.

    Raises
    ------
    InvalidArgument
        If it is no square, or there is no such measure.
    """
    matrix = np.asarray(alike, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise InvalidArgument(f"alike: expected a square, found {matrix.shape}")
    measure, volume = one_of(measure, MEASURES, "measure"), one_of(volume, ("within", "degree"), "volume")
    n = len(matrix)
    quality = np.full(n, -np.inf)
    total, degree = matrix.sum(), np.concatenate([[0.0], np.cumsum(matrix.sum(1))])
    if n < 2 or total <= 0:
        return quality
    before = np.concatenate([[0.0], np.cumsum(np.diag(matrix) + 2 * np.tril(matrix, -1).sum(1))])[1:n]
    left, right = degree[1:n], total - degree[1:n]
    across = left - before
    after = right - across
    if measure == "modularity":
        quality[1:] = (before + after - (left**2 + right**2) / total) / (2 * total)
        return quality
    shares = []
    for side in (left, right) if volume == "degree" else (before, after):
        smaller = np.minimum(side, total - side)
        shares.append(np.where(smaller > 0, across / np.where(smaller > 0, smaller, 1), np.inf))
    quality[1:] = -np.minimum(*shares)
    return quality


def refined(
    starts: npt.ArrayLike,
    keys: Foreign,
    *,
    measure: str = "modularity",
    kind: str = "relu_cosine",
    least: int = 8,
) -> Starts:
    """Move each boundary to the best cut between half the event before it and half the event behind it.

    Parameters
    ----------
    starts
        Where events begin, as :func:`boundaries` gives them.
    keys
        Of all tokens, ``[..., n, d]``: higher layers tell events apart better.
    measure, kind
        As for :func:`split_quality` and :func:`similarity`.
    least
        Tokens of an event.

    Returns
    -------
    numpy.ndarray
        As many boundaries, ascending; one that no cut improves stays.

    Raises
    ------
    InvalidArgument
        If boundaries do not ascend from 0 within the tokens.
    """
    found = numbers(received(keys, "keys"))
    moved = np.array(starts, dtype=np.int64).reshape(-1)
    count = found.shape[-2]
    if len(moved) and (moved[0] != 0 or (np.diff(moved) <= 0).any() or moved[-1] >= count):
        raise InvalidArgument(f"starts: expected to ascend from 0 below {count}")
    ends = np.append(moved[1:], count)
    for at in range(1, len(moved)):
        low = max(moved[at - 1] + least, moved[at] - (moved[at] - moved[at - 1]) // 2)
        high = min(ends[at] - least, moved[at] + (ends[at] - moved[at]) // 2)
        start, end = moved[at - 1], ends[at]
        quality = split_quality(similarity(found[..., start:end, :], kind=kind), measure=measure)
        cuts = np.arange(low, high + 1)
        if len(cuts) and quality[cuts - start].max() > quality[moved[at] - start]:
            moved[at] = cuts[np.argmax(quality[cuts - start])]
    return moved
