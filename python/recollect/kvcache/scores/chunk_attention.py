"""Attention within chunks, both ways in time (Chari and Van Durme, "Compactor", 2025)."""

import numpy as np

from recollect.checks import count_of
from recollect.errors import InvalidArgument
from recollect.kvcache.arrays import Array, Foreign
from recollect.kvcache.layer import Layer, Sequence
from recollect.kvcache.pooling import pooled, standardised
from recollect.kvcache.softmax import over_group, softmax

__all__ = ["chunk_attention"]


def chunk_attention(
    layer: Layer, *, chunk: int = 256, scale: bool = True, kernel: int = 3, reduce: str = "mean"
) -> Foreign:
    """Score by what all queries of the same chunk pay, earlier ones too, weighed by the length of the value.

    A product of matrices in float64: NumPy does it, whatever the backend of the layer.

    Parameters
    ----------
    layer
        Its keys, its values and the queries of all tokens.
    chunk
        Tokens that see each other.
    scale
        Divide logits by the root of the dimension, as attention does; off reproduces the published code.
    kernel
        Neighbours over which scores are averaged; odd.
    reduce
        How the query heads of a head become one score: ``"mean"``, ``"max"`` or ``"sum"``.

    Returns
    -------
    array
        float32 ``[batch, heads, tokens]``, with mean 0 and deviation 1 within a head.

    Raises
    ------
    InvalidArgument
        If the layer lacks values, or queries of some tokens.
    """
    layer.needs("queries", "values", by="chunk_attention")
    chunk = count_of(chunk, "chunk", 1)
    if layer.queries is not None and layer.queries.shape[2] != layer.shape[2]:
        raise InvalidArgument(
            f"queries: of {layer.queries.shape[2]} tokens, chunk_attention needs {layer.shape[2]}"
        )

    def score(one: Sequence) -> Array:
        paid = np.zeros((len(one.keys), len(one)))
        for start in range(0, one.length, chunk):
            keys = (one.places >= start) & (one.places < start + chunk)
            rows = (one.query_places >= start) & (one.query_places < start + chunk)
            logits = one.queries[:, :, rows] @ one.keys[:, None, keys].swapaxes(-1, -2)
            logits /= np.sqrt(one.keys.shape[-1]) if scale else 1.0
            paid[:, keys] = over_group(softmax(logits).sum(2), reduce)
        return standardised(pooled(paid * np.sqrt((one.values**2).sum(-1)), kernel))

    return layer.scored(score)
