"""Length of the key (Devoto and others, "A simple and effective L2 norm-based strategy", 2024)."""

import numpy as np

from recollect import _native
from recollect.kvcache.arrays import Foreign
from recollect.kvcache.layer import Layer

__all__ = ["key_norm"]


def key_norm(layer: Layer) -> Foreign:
    """Score by minus the length of the key: short keys draw attention.

    Returns
    -------
    array
        float32 ``[batch, heads, tokens]``.
    """
    if layer.has_kernels():
        from recollect.kvcache.cuda.rows import lengths

        return layer.by_kernels(lambda cached: lengths(cached, factor=-1.0))
    native = layer.native()
    if native is not None:
        found = _native.kvcache_lengths(native.keys, native.values, native.present, False, 2, native.threads)
        return layer.finished(np.negative(found, out=found))
    return layer.scored(lambda one: -np.sqrt((one.keys**2).sum(-1)))
