"""Attention over a cache whose pieces are kept in different ways, one piece at a time.

Each piece gives an output and the logarithm of its sum; these are enough to make the whole out of pieces
(Milakov and Gimelshein, "Online normalizer calculation for softmax", 2018).
"""

from dataclasses import dataclass

import numpy as np

from recollect.errors import InvalidArgument
from recollect.kvcache.arrays import Array, Foreign, numbers, received, returned
from recollect.kvcache.backends import chosen
from recollect.kvcache.segments import Segment, Segmented

__all__ = ["Attended", "decode_attention", "merged"]


@dataclass(frozen=True, slots=True, eq=False)
class Attended:
    """What attention gives.

    Attributes
    ----------
    output
        float32 ``[batch, query_heads, w, d_v]``, zeros for a query that sees nothing.
    lse
        Logarithm of the sum of exponentials, float32 ``[batch, query_heads, w]``; minus infinity for such a
        query.
    """

    output: Foreign
    lse: Foreign


def decode_attention(
    queries: Foreign,
    cache: Segmented,
    *,
    positions: Foreign | None = None,
    scale: float | None = None,
    backend: str | None = None,
) -> Attended:
    """Attend to a cache; a query sees what has its position or an earlier one.

    Parameters
    ----------
    queries
        ``[batch, query_heads, w, d]``.
    cache
        What was kept.
    positions
        Of the queries, ``[batch, w]``; by default those of the newest tokens of each sequence.
    scale
        What products are multiplied by; by default one by the root of the dimension.
    backend
        ``"numpy"``.

    Raises
    ------
    InvalidArgument
        If the queries do not belong to the cache.
    """
    chosen(backend)
    rows = numbers(received(queries, "queries", 4)).astype(np.float64)
    batch, query_heads, w, dim = rows.shape
    if batch != len(cache.seen) or not query_heads or query_heads % cache.heads:
        raise InvalidArgument(f"queries: {rows.shape} do not belong to {len(cache.seen)} sequences of "
                              f"{cache.heads} heads")  # fmt: skip
    if positions is None:
        places = cache.seen[:, None] - w + np.arange(w)
    else:
        places = np.asarray(positions)
        if places.shape != (batch, w) or places.dtype.kind not in "iu":
            raise InvalidArgument(f"positions: expected whole numbers ({batch}, {w}), found {places.shape}")
    grouped = rows.reshape(batch, cache.heads, -1, dim) * (dim**-0.5 if scale is None else scale)
    output = np.zeros((*grouped.shape[:3], cache.value_dim))
    lse = np.full(grouped.shape[:3], -np.inf)
    for index in range(batch):
        visible_until = np.tile(places[index], query_heads // cache.heads)
        for segment in cache.segments(index):
            heads = segment.heads
            found = _of_segment(grouped[index, heads], segment, visible_until)
            output[index, heads], lse[index, heads] = _joined(output[index, heads], lse[index, heads], *found)
    shape = (batch, query_heads, w)
    whole = output.astype(np.float32).reshape(*shape, -1), lse.astype(np.float32).reshape(shape)
    return Attended(returned(whole[0], queries), returned(whole[1], queries))


def merged(first: Attended, second: Attended) -> Attended:
    """Return attention over two caches out of attention over each, for the same queries.

    Raises
    ------
    InvalidArgument
        If they are of different shapes.
    """
    parts = [numbers(received(one, "output", 4)).astype(np.float64) for one in (first.output, second.output)]
    sums = [numbers(received(one, "lse", 3)).astype(np.float64) for one in (first.lse, second.lse)]
    if parts[0].shape != parts[1].shape:
        raise InvalidArgument(f"second: of the shape {parts[1].shape}, the first is {parts[0].shape}")
    output, lse = _joined(parts[0], sums[0], parts[1], sums[1])
    return Attended(
        returned(output.astype(np.float32), first.output), returned(lse.astype(np.float32), first.output)
    )


def _of_segment(queries: Array, segment: Segment, visible_until: Array) -> tuple[Array, Array]:
    n = segment.keys.shape[1]
    if not n:
        return np.zeros((*queries.shape[:2], segment.values.shape[2])), np.full(queries.shape[:2], -np.inf)
    logits = segment.keys.codec.logits(queries, segment.keys.parts, n)
    logits = np.where(segment.positions <= visible_until[:, None], logits, -np.inf)
    top = logits.max(-1, keepdims=True)
    powers = np.exp(logits - np.where(np.isfinite(top), top, 0))
    total = powers.sum(-1, keepdims=True)
    weights = powers / np.where(total > 0, total, 1)
    with np.errstate(divide="ignore"):
        lse = np.log(total[..., 0]) + np.where(np.isfinite(top[..., 0]), top[..., 0], 0)
    return segment.values.codec.weighted(weights, segment.values.parts, segment.values.shape[2]), lse


def _joined(output: Array, lse: Array, other: Array, other_lse: Array) -> tuple[Array, Array]:
    whole = np.logaddexp(lse, other_lse)
    base = np.where(np.isfinite(whole), whole, 0)
    joined = output * np.exp(lse - base)[..., None] + other * np.exp(other_lse - base)[..., None]
    return joined, whole
