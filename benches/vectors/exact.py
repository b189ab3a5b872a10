"""The nearest vectors by brute force, which recall is counted against."""

import numpy as np

from benches.quality.retrieval_set import Array
from benches.vectors.engine import Ids

_BLOCK = 131_072


def nearest(base: Array, queries: Array, k: int) -> tuple[Ids, Array]:
    """Return the positions of the k largest inner products of each query and their values, largest first."""
    best = np.full((len(queries), k), -1, dtype=np.int64)
    scores = np.full((len(queries), k), -np.inf, dtype=np.float32)
    for start in range(0, len(base), _BLOCK):
        found = queries @ base[start : start + _BLOCK].T
        kept = min(k, found.shape[1])
        top = np.argpartition(found, -kept, axis=1)[:, -kept:]
        scores = np.concatenate([scores, np.take_along_axis(found, top, axis=1)], axis=1)
        best = np.concatenate([best, top + start], axis=1)
        order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        scores, best = np.take_along_axis(scores, order, axis=1), np.take_along_axis(best, order, axis=1)
    return best, scores


def overlap(truth: Ids, answer: Ids) -> float:
    """Return the share of the true neighbours that an answer names."""
    return len(set(truth.tolist()) & set(answer.tolist())) / len(truth)
