"""Attention of the last query, for all heads the same: TOVA.

Source: Oren and others, "Transformers are multi-state RNNs" (2024).
"""

import numpy as np

from recollect import _native
from recollect.kvcache.arrays import Array, Foreign
from recollect.kvcache.layer import Layer, Sequence
from recollect.kvcache.softmax import probabilities

__all__ = ["last_query"]


def last_query(layer: Layer) -> Foreign:
    """Score by what the last query pays, averaged over all query heads; the last token stays.

    Returns
    -------
    array
        float32 ``[batch, heads, tokens]``, equal over heads, infinite for the last token.

    Raises
    ------
    InvalidArgument
        If the layer has no queries.
    """
    layer.needs("queries", by="last_query")

    if layer.has_kernels(queries=True):
        from recollect.kvcache.cuda.voting import last_votes

        return layer.by_kernels(last_votes)
    native = layer.native(queries=True)
    if native is not None:
        given = native.keys, native.values, native.queries, native.present
        paid = _native.kvcache_received(*given, 1, 1.0, native.threads)[0]
        batch, heads, tokens, _ = layer.shape
        mean = paid.reshape(batch, heads * layer.group, tokens).mean(1)
        scores = np.repeat(mean[:, None], heads, axis=1)
        for index, present in enumerate(layer.present):
            last = np.flatnonzero(present)[-1:]
            scores[index][:, last] = np.where(np.isnan(scores[index][:, last]), np.nan, np.inf)
        return layer.finished(scores)

    def score(one: Sequence) -> Array:
        paid = probabilities(one, slice(-1, None)).mean((0, 1)).sum(0)
        return np.tile(np.where(one.places == one.length - 1, np.inf, paid), (len(one.keys), 1))

    return layer.scored(score)
