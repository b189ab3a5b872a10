"""Share of the length in a window, of keys and values (Sengupta and others, "CurDKV", 2025)."""

import numpy as np

from recollect import _native
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

    def shared(keys: Array, values: Array, places: Array) -> Array:
        shares = _shares(keys, window) * _shares(values, window)
        total = shares.sum(-1, keepdims=True)
        return np.where(places < n_sink, np.inf, shares / np.where(total > 0, total, 1))

    if layer.has_kernels():
        from recollect.kvcache.cuda.windows import window_shares

        return layer.by_kernels(lambda cached: cached.with_sinks(window_shares(cached, window), n_sink))
    native = layer.native()
    if native is not None:
        given = native.keys, native.values, native.present
        lengths = [
            _native.kvcache_lengths(*given, of_values, 2, native.threads).reshape(layer.shape[:3])
            for of_values in (False, True)
        ]
        scores = np.full(layer.shape[:3], np.nan, dtype=np.float32)
        for index, present in enumerate(layer.present):
            counts = present & ~np.isnan(lengths[0][index, 0])
            of_keys, of_values = (part[index][:, counts].astype(np.float64) ** 2 for part in lengths)
            places = np.flatnonzero(counts[present])
            scores[index][:, counts] = shared(of_keys, of_values, places)
        return layer.finished(scores)

    def score(one: Sequence) -> Array:
        return shared((one.keys**2).sum(-1), (one.values**2).sum(-1), one.places)

    return layer.scored(score)


def _shares(squares: Array, window: int) -> Array:
    heads, count = squares.shape
    padded = np.pad(squares, ((0, 0), (0, -count % window))).reshape(heads, -1, window)
    total = padded.sum(-1, keepdims=True)
    return (padded / np.where(total > 0, total, 1)).reshape(heads, -1)[:, :count]
