"""Scores weighed by what the value does to the output (Feng and others, "CriticalKV", 2025)."""

import numpy as np

from recollect import _native
from recollect.errors import InvalidArgument
from recollect.kvcache.arrays import Array, Foreign, numbers, received
from recollect.kvcache.layer import Layer, Sequence

__all__ = ["value_weighted"]


def value_weighted(
    layer: Layer, *, scores: Foreign, output: Foreign | None = None, order: int = 1, epsilon: float = 1e-4
) -> Foreign:
    """Score by ``(s + epsilon) |W v|``.

    Parameters
    ----------
    layer
        Its values.
    scores
        Of another method, ``[batch, heads, tokens]``, none below zero but the minus infinity of padding.
    output
        The projection of each query head to the output, ``[query_heads, d_v, hidden]``, averaged over the
        query heads of a head; None leaves values as they are. With it NumPy does the work: it is a product
        of matrices.
    order
        1 for the sum of sizes, 2 for the length.
    epsilon
        Added to the score, so that values count where the score is zero.

    Returns
    -------
    array
        float32 ``[batch, heads, tokens]``; infinite stays infinite.

    Raises
    ------
    InvalidArgument
        If shapes do not belong together, a score is below zero, or the layer has no values.
    """
    layer.needs("values", by="value_weighted")
    if order not in (1, 2):
        raise InvalidArgument(f"order: expected 1 or 2, found {order}")
    if layer.has_kernels() and output is None:
        from recollect.kvcache.cuda.rows import weighed_lengths

        return layer.by_kernels(
            lambda cached: weighed_lengths(
                cached, _fitting(cached.received(scores, "scores", 3), layer), order, epsilon
            )
        )
    given: Array = _fitting(numbers(received(scores, "scores", 3)), layer).astype(np.float64)
    heads = layer.shape[1]
    weights = None if output is None else numbers(received(output, "output", 3)).astype(np.float64)
    if weights is not None and (weights.shape[0] % heads or not len(weights)):
        raise InvalidArgument(f"output: expected a multiple of {heads} heads, found {weights.shape}")
    if weights is not None and layer.values is not None and weights.shape[1] != layer.values.shape[3]:
        raise InvalidArgument(
            f"output: expected {layer.values.shape[3]} dimensions, found {weights.shape[1]}"
        )

    native = layer.native() if weights is None else None
    if native is not None:
        sizes = _native.kvcache_lengths(
            native.keys, native.values, native.present, True, order, native.threads
        ).reshape(layer.shape[:3])
        with np.errstate(over="ignore"):
            weighed = ((given + epsilon) * sizes).astype(np.float32)
            # Minus infinity where a token does not count, whatever its score was.
            base = np.where(np.isnan(sizes), np.nan, given).astype(np.float32)
        return layer.finished(np.where(np.isfinite(base), weighed, base))

    def score(one: Sequence) -> Array:
        projected = one.values[:, None]
        if weights is not None:
            projected = projected @ weights.reshape(heads, -1, *weights.shape[1:])
        size = np.linalg.norm(projected, ord=order, axis=-1).mean(1)
        base: Array = given[one.index][:, one.tokens]
        return np.where(np.isfinite(base), (base + epsilon) * size, base)

    return layer.scored(score)


def _fitting(scores: Array, layer: Layer) -> Array:
    if scores.shape != layer.shape[:3]:
        raise InvalidArgument(f"scores: expected the shape {layer.shape[:3]}, found {scores.shape}")
    if ((scores < 0) & (scores > -np.inf)).any():
        raise InvalidArgument(
            "scores: expected none below 0, as they are multiplied; take ranks of them first"
        )
    return scores
