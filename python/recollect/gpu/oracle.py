"""Similarity in NumPy: what every kernel is measured against, and what runs where there is no GPU.

A score is the f32 sum of products in 32 lanes, component ``j`` in lane ``j % 32``, without fused adds; then
lane ``i`` takes lane ``i + 16``, halving down to one. :class:`recollect.VectorIndex` adds in this order too,
so that all of them agree in every bit.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from recollect.checks import Ids
from recollect.embedding.protocol import Vectors

__all__ = ["best_rows", "exact_scores", "normalised", "widened"]

_LANES = 32
_AT_ONCE = 1 << 24
Mask = npt.NDArray[np.bool_]


def exact_scores(query: Vectors, rows: Vectors, euclidean: bool = False) -> Vectors:
    """Return the scores of a query ``[d]`` with rows ``[n, d]`` in lane order, float32 ``[n]``."""
    dim = len(query)
    with np.errstate(over="ignore", under="ignore"):
        terms = np.square(query - rows) if euclidean else query * rows
        lanes = np.zeros((len(rows), _LANES), dtype=np.float32)
        for start in range(0, dim, _LANES):
            part = terms[:, start : start + _LANES]
            lanes[:, : part.shape[1]] += part
        width = _LANES // 2
        while width:
            lanes = lanes[:, :width] + lanes[:, width : 2 * width]
            width //= 2
    sums = lanes[:, 0]
    return np.float32(0) - sums if euclidean else sums


def normalised(rows: Vectors) -> Vectors:
    """Return rows of length one as the index makes them: the squared norm in float64 over 16 lanes."""
    lanes = np.zeros((len(rows), 16))
    for start in range(0, rows.shape[1], 16):
        part = rows[:, start : start + 16].astype(np.float64)
        lanes[:, : part.shape[1]] += part * part
    width = 8
    while width:
        lanes = lanes[:, :width] + lanes[:, width : 2 * width]
        width //= 2
    norms = np.sqrt(lanes)
    with np.errstate(under="ignore"):
        return np.where(norms > 0, rows / np.where(norms > 0, norms, 1), rows).astype(np.float32)


def widened(rows: npt.NDArray[Any], form: str, scales: Vectors | None) -> Vectors:
    """Return rows of a form as float32; bf16 comes as the upper halves of floats, uint16."""
    if form == "bf16":
        return (rows.astype(np.uint32) << 16).view(np.float32)
    wide: Vectors = rows.astype(np.float32)
    if form == "int8":
        assert scales is not None
        wide *= scales[:, None]
    return wide


def best_rows(
    queries: Vectors, rows: Vectors, k: int, mask: Mask | None = None, euclidean: bool = False
) -> tuple[Ids, Vectors]:
    """Return the best `k` rows of each query by their exact scores, ties to the lower row.

    Parameters
    ----------
    queries, rows
        float32 ``[q, d]`` and ``[n, d]``.
    k
        Results; where there are fewer, -1 and minus infinity follow.
    mask
        ``[n]`` or ``[q, n]``: the rows that may be found.
    """
    count, dim = rows.shape
    found = np.full((len(queries), k), -1, dtype=np.int64)
    scores = np.full((len(queries), k), -np.inf, dtype=np.float32)
    squares = np.einsum("ij,ij->i", rows, rows, dtype=np.float64)
    norm = float(np.sqrt(squares.max(initial=0)))
    step = max(1, _AT_ONCE // max(count, 1))
    for start in range(0, len(queries), step):
        part = queries[start : start + step]
        rough = np.asarray(part @ rows.T, dtype=np.float64)
        lengths = np.sqrt(np.einsum("ij,ij->i", part, part, dtype=np.float64))
        # What any order of adding in f32 can be off, for both sides of the comparison.
        error = 2.0**-23 * (dim + 8) * lengths * norm
        if euclidean:
            rough = 2 * rough - squares
            error = 2 * error + 2.0**-22 * (dim + 8) * (norm * norm + lengths * lengths)
        for at in range(len(part)):
            allowed = None if mask is None else mask if mask.ndim == 1 else mask[start + at]
            who = np.arange(count) if allowed is None else np.flatnonzero(allowed)
            mine = rough[at][who]
            if len(who) > k:
                least = np.partition(mine, len(mine) - k)[len(mine) - k]
                who = who[mine >= least - 2 * error[at] - 1e-40]
            exact = exact_scores(part[at], rows[who], euclidean)
            order = np.lexsort((who, -exact))[:k]
            found[start + at, : len(order)] = who[order]
            scores[start + at, : len(order)] = exact[order]
    return found, scores
