"""Attention while the context is said again (Kim and others, "KVzip", 2025)."""

import numpy as np

from recollect.errors import DimensionMismatch, InvalidArgument
from recollect.kvcache.arrays import Array, Foreign, numbers, received
from recollect.kvcache.layer import Layer, Sequence
from recollect.kvcache.softmax import softmax

__all__ = ["reconstruction"]

_BLOCK = 64


def reconstruction(layer: Layer, *, replay: Foreign) -> Foreign:
    """Score by the most that any query of a replay pays to a token.

    A product of matrices: on a CPU NumPy does it in float64, whatever the backend of the layer.

    Parameters
    ----------
    layer
        Its keys.
    replay
        Queries of a pass that repeats the context after the context, ``[batch, query_heads, w, d]``: they see
        all tokens. The caller runs that pass.

    Returns
    -------
    array
        float32 ``[batch, heads, tokens]``, 0 to 1.

    Raises
    ------
    InvalidArgument
        If the replay has other sequences, heads or dimensions.
    """
    if layer.has_kernels():
        from recollect.kvcache.cuda.voting import greatest_votes

        return layer.by_kernels(
            lambda cached: greatest_votes(cached, _fitting(cached.received(replay, "replay", 4), layer))
        )
    heads, dim = layer.shape[1], layer.shape[3]
    queries = _fitting(received(replay, "replay", 4), layer)

    def score(one: Sequence) -> Array:
        rows = numbers(queries[one.index]).astype(np.float64)
        rows = rows[:, np.isfinite(rows).all((0, 2))].reshape(heads, -1, dim)
        most = np.zeros((heads, len(one)))
        for start in range(0, rows.shape[1], _BLOCK):
            logits = rows[:, start : start + _BLOCK] @ one.keys.swapaxes(1, 2) / np.sqrt(dim)
            most = np.maximum(most, softmax(logits).max(1))
        return most

    return layer.scored(score)


def _fitting(queries: Array, layer: Layer) -> Array:
    batch, heads, _, dim = layer.shape
    if queries.shape[0] != batch or queries.shape[1] % heads or not queries.shape[1]:
        raise InvalidArgument(f"replay: expected {batch} sequences and a multiple of {heads} heads, "
                              f"found {queries.shape}")  # fmt: skip
    if queries.shape[3] != dim:
        raise DimensionMismatch(f"replay: expected {dim} dimensions, found {queries.shape[3]}")
    return queries
