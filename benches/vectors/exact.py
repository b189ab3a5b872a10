"""The nearest vectors by brute force, which recall is counted against."""

import numpy as np

from benches.quality.retrieval_set import Array
from benches.vectors.engine import Ids

K = 10
"""How many neighbours every search asks for."""

_ROWS, _QUERIES = 131_072, 256


def nearest(base: Array, queries: Array, k: int = K) -> tuple[Ids, Array]:
    """Return the positions of the k largest inner products of each query and their values, largest first."""
    parts = [_nearest(base, queries[at : at + _QUERIES], k) for at in range(0, len(queries), _QUERIES)]
    return np.concatenate([ids for ids, _ in parts]), np.concatenate([scores for _, scores in parts])


def overlap(truth: Ids, answer: Ids) -> float:
    """Return the share of the true neighbours that an answer names."""
    return len(set(truth.tolist()) & set(answer.tolist())) / len(truth)


def _nearest(base: Array, queries: Array, k: int) -> tuple[Ids, Array]:
    best = np.empty((len(queries), 0), dtype=np.int64)
    scores = np.empty((len(queries), 0), dtype=np.float32)
    for start in range(0, len(base), _ROWS):
        found = queries @ base[start : start + _ROWS].T
        top = np.argpartition(found, -k, axis=1)[:, -k:]
        scores = np.concatenate([scores, np.take_along_axis(found, top, axis=1)], axis=1)
        best = np.concatenate([best, top + start], axis=1)
        order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        scores, best = np.take_along_axis(scores, order, axis=1), np.take_along_axis(best, order, axis=1)
    return best, scores
