"""Products of attention with the parts of quantizers: by the native half, or by the codec."""

import numpy as np

from recollect import _native
from recollect.kvcache.arrays import Array
from recollect.kvcache.backends import threads_for
from recollect.kvcache.quantizers.codec import Codec, Parts, lent_by

__all__ = ["decoded", "logits", "weighted"]


def decoded(
    codec: Codec, parts: Parts, heads: int, n: int, d: int, backend: str, threads: int | None = None
) -> Array:
    """Return the rows that parts stand for, float32 ``[heads, n, d]``; the same bits on both backends."""
    lent = lent_by(codec, parts, n, d) if backend == "rust" and heads and n else None
    if lent is None:
        return codec.decode(parts, n, d).astype(np.float32)
    found = _native.kvcache_decoded(lent, heads, n, d, threads_for(threads, heads * n * d * 4))
    return found.reshape(heads, n, d)


def logits(
    codec: Codec, queries: Array, parts: Parts, n: int, backend: str, threads: int | None = None
) -> Array:
    """Return products of queries ``[heads, w, d]`` with `n` rows a head, ``[heads, w, n]``.

    Rust adds up in float32, NumPy in float64.
    """
    heads, w, d = queries.shape
    lent = lent_by(codec, parts, n, d) if backend == "rust" and heads and w else None
    if lent is None:
        return codec.logits(queries.astype(np.float64), parts, n)
    flat = np.ascontiguousarray(queries, dtype=np.float32).reshape(-1)
    working = threads_for(threads, heads * n * d * 2)
    return _native.kvcache_products(flat, w, lent, heads, n, d, working).reshape(heads, w, n)


def weighted(
    codec: Codec, weights: Array, parts: Parts, d: int, backend: str, threads: int | None = None
) -> Array:
    """Return sums of rows of `d` elements by weights ``[heads, w, n]``, ``[heads, w, d]``."""
    heads, w, n = weights.shape
    lent = lent_by(codec, parts, n, d) if backend == "rust" and heads and w else None
    if lent is None:
        return codec.weighted(weights.astype(np.float64), parts, d)
    flat = np.ascontiguousarray(weights, dtype=np.float32).reshape(-1)
    working = threads_for(threads, heads * n * d * 2)
    return _native.kvcache_weighted_sums(flat, w, lent, heads, n, d, working).reshape(heads, w, d)
