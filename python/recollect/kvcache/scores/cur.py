"""Share of the length in a window, of keys and values (Sengupta and others, "CurDKV", 2025)."""

import numpy as np

from recollect.checks import count_of
from recollect.kvcache.arrays import Array, Foreign
from recollect.kvcache.layer import Layer, Sequence

__all__ = ["cur"]


def cur(layer: Layer, *, window: int = 16, n_sink: int = 4) -> Foreign:
    """Score by the squared length of the key in that of its window, times the same of the value.

    Parameters
    ----------
    layer
        Its keys and values.
    window
        Tokens whose lengths are compared.
    n_sink
        First tokens that stay.

    Returns
    -------
    array
        float32 ``[batch, heads, tokens]``; sums to one over a head before sinks become infinite.

    Raises
    ------
    InvalidArgument
        If the layer has no values.
    """
    layer.needs("values", by="cur")
    window, n_sink = count_of(window, "window", 1), count_of(n_sink, "n_sink")

    def score(one: Sequence) -> Array:
        shares = _shares(one.keys, window) * _shares(one.values, window)
        total = shares.sum(-1, keepdims=True)
        return np.where(one.places < n_sink, np.inf, shares / np.where(total > 0, total, 1))

    return layer.scored(score)


def _shares(rows: Array, window: int) -> Array:
    squares = (rows**2).sum(-1)
    heads, count = squares.shape
    padded = np.pad(squares, ((0, 0), (0, -count % window))).reshape(heads, -1, window)
    total = padded.sum(-1, keepdims=True)
    return (padded / np.where(total > 0, total, 1)).reshape(heads, -1)[:, :count]
