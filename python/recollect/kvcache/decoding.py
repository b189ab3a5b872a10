"""Attention over a cache whose pieces are kept in different ways, one piece at a time.

Each piece gives an output and the logarithm of its sum; these are enough to make the whole out of pieces
(Milakov and Gimelshein, "Online normalizer calculation for softmax", 2018).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np

from recollect import _native
from recollect.errors import DimensionMismatch, InvalidArgument
from recollect.kvcache.arrays import Array, Foreign, numbers, opened, received, returned, table_of
from recollect.kvcache.backends import chosen, threads_for
from recollect.kvcache.layer import arrays_of
from recollect.kvcache.quantizers.codec import lent_by
from recollect.kvcache.quantizers.on_gpu import coded_on, parts_on_host
from recollect.kvcache.quantizers.quantized import Quantized
from recollect.kvcache.segments import Segment, Segmented

if TYPE_CHECKING:
    from recollect.gpu.device import Device
    from recollect.kvcache.cuda.coded import Coded
    from recollect.kvcache.cuda.coded_attention import CodedSegment

__all__ = ["Attended", "decode_attention", "merged"]

_KNOWN: "WeakKeyDictionary[Quantized, tuple[Device, Coded]]" = WeakKeyDictionary()
"""Parts that lie on a device, as its kernels read them."""


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
    received
        What each position got of all queries, averaged over the query heads of a head, float32
        ``[batch, heads, tokens seen]``, zero where nothing is kept; None unless asked for.
    """

    output: Foreign
    lse: Foreign
    received: Foreign | None = None


def decode_attention(
    queries: Foreign,
    cache: Segmented,
    *,
    positions: Foreign | None = None,
    scale: float | None = None,
    with_received: bool = False,
    backend: str | None = None,
    threads: int | None = None,
) -> Attended:
    """Attend to a cache; a query sees what has its position or an earlier one.

    One that sees nothing gets zeros. What is not a number, in a query or in what it sees, gives NaN.

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
    with_received
        Also return what each position got, which is how heavy hitters are known; NumPy does this part,
        but for plain keys and values on a GPU.
    backend
        ``"rust"``, which is the default and adds up in float32, ``"numpy"``, which does in float64, or
        ``"cuda"``, the default for queries on a GPU, which adds up in float32. A cache with parts of float64
        is read by NumPy, and so is one with codes that is asked for what was received, where a GPU is chosen.
    threads
        Threads that work on it; by default as many as are worth it. No bit depends on them.

    Raises
    ------
    InvalidArgument
        If the queries do not belong to the cache.
    DimensionMismatch
        If they have another dimension than its keys.
    """
    own = chosen(backend, queries)
    asked = arrays_of(own, {"queries": queries})["queries"]
    batch, query_heads, w, dim = asked.shape
    if batch != len(cache.seen) or not query_heads or query_heads % cache.heads:
        raise InvalidArgument(f"queries: {asked.shape} do not belong to {len(cache.seen)} sequences of "
                              f"{cache.heads} heads")  # fmt: skip
    if dim != cache.dim and len(cache.seen) and cache.seen.any():
        raise DimensionMismatch(f"queries: expected {cache.dim} dimensions, found {dim}")
    if positions is None:
        places = cache.seen[:, None] - w + np.arange(w)
    else:
        places = table_of(positions, "positions")
        if places.shape != (batch, w) or places.dtype.kind not in "iu":
            raise InvalidArgument(f"positions: expected whole numbers ({batch}, {w}), found {places.shape}")
    group = query_heads // cache.heads
    if own == "cuda" and w:
        there = _on_gpu(queries, asked, places, cache, dim**-0.5 if scale is None else scale, with_received)
        if there is not None:
            return there
    rows = numbers(opened(asked, "queries")).astype(np.float64)
    grouped = rows.reshape(batch, cache.heads, group * w, dim) * (dim**-0.5 if scale is None else scale)
    output = np.zeros((*grouped.shape[:3], cache.value_dim))
    lse = np.full(grouped.shape[:3], -np.inf)
    got = np.zeros((batch, cache.heads, int(cache.seen.max(initial=0))))
    native = _natively(grouped, places, cache, threads) if own == "rust" and w else None
    if native is not None:
        output, lse = native
    for index in range(batch):
        visible_until = np.tile(places[index], group)
        for segment in cache.segments(index) if native is None else ():
            heads = segment.heads
            found = _of_segment(grouped[index, heads], segment, visible_until)
            output[index, heads], lse[index, heads] = _joined(output[index, heads], lse[index, heads], *found)
        for segment in cache.segments(index) if with_received else ():
            # Only the whole sum makes probabilities out of the logits of a piece.
            base = lse[index, segment.heads, :, None]
            sees = np.isfinite(base)
            logits = _logits(grouped[index, segment.heads], segment, visible_until)
            paid = np.exp(np.where(sees, logits - np.where(sees, base, 0), -np.inf)).sum(1) / group
            got[index][segment.heads, segment.positions] += paid
    shape = (batch, query_heads, w)
    parts = [output.reshape(*shape, cache.value_dim), lse.reshape(shape), *([got] if with_received else ())]
    return Attended(*(returned(part.astype(np.float32), queries) for part in parts))


def _on_gpu(
    queries: Foreign, asked: Array, places: Array, cache: Segmented, scale: float, with_received: bool
) -> Attended | None:
    """Return what kernels give; None where they do not know the parts."""
    # Loaded for those alone who use it.
    from recollect.kvcache.cuda import coded_attention, segment_attention, working
    from recollect.kvcache.cuda.handing import FORMS

    (batch, query_heads, w, _), heads = asked.shape, cache.heads
    with working.working(queries) as device:
        if asked.dtype == np.float64:
            return None
        rows = segment_attention.grouped(device, asked, heads)
        until = np.tile(np.clip(places, -1, np.iinfo(np.int32).max), query_heads // heads).astype(np.int32)
        plain = segment_attention.plain_segments(device, cache, batch)
        found: tuple[Array, ...]
        if plain is not None:
            received_too = (int(cache.seen.max(initial=0)), query_heads // heads) if with_received else None
            form = FORMS.get(asked.dtype.name, "F32")
            found = segment_attention.attended(
                device, rows, until, plain, cache.value_dim, scale, received_too, form
            )
        elif with_received:
            return None
        else:
            coded = _coded_segments(device, cache, batch)
            there = coded and coded_attention.attended_to_codes(
                device, rows, until, coded, cache.value_dim, scale
            )
            if not there:
                return None
            found = there
        output, lse, *got = found
        shape = (batch, query_heads, w)
        parts = [output.reshape(*shape, cache.value_dim), lse.reshape(shape), *got]
        return Attended(*(returned(part, queries) for part in parts))


def _coded_segments(device: "Device", cache: Segmented, batch: int) -> "list[CodedSegment] | None":
    """Return what a cache holds as kernels read it; None where they do not know a part."""
    from recollect.kvcache.cuda.coded_attention import CodedSegment

    found = []
    for index in range(batch):
        for one in cache.segments(index):
            n = one.keys.shape[1]
            if not n:
                continue
            keys, values = _coded(device, one.keys), _coded(device, one.values)
            if keys is None or values is None:
                return None
            start = int(one.positions[0])
            # They ascend, so the ends say whether any is missing between them.
            whole = int(one.positions[-1]) - start == n - 1
            places = None if whole else device.xp.asarray(one.positions.astype(np.int32))
            found.append(CodedSegment(index * cache.heads + one.first, keys, values, start, places))
    return found


def _coded(device: "Device", held: Quantized) -> "Coded | None":
    """Return what a cache holds as kernels read it; parts that lie on the device are looked at once."""
    known = _KNOWN.get(held)
    if known is not None and known[0] is device:
        return known[1]
    found = coded_on(device, held.codec, held.parts, *held.shape[-2:])
    if found is not None and any(found.codes is part for part in held.parts.values()):
        _KNOWN[held] = device, found
    return found


def _natively(
    grouped: Array, places: Array, cache: Segmented, threads: int | None
) -> tuple[Array, Array] | None:
    """Return output and logarithms of sums by the native half; None where it does not know the parts."""
    batch, heads, rows, dim = grouped.shape
    segments, nbytes = [], 0
    for index in range(batch):
        for one in cache.segments(index):
            many, n = one.keys.shape[:2]
            if n:
                keys = lent_by(one.keys.codec, parts_on_host(one.keys.parts), n, dim)
                values = lent_by(one.values.codec, parts_on_host(one.values.parts), n, one.values.shape[2])
                if keys is None or values is None:
                    return None
                positions = np.ascontiguousarray(one.positions, dtype=np.int64)
                segments.append((index * heads + one.first, many, n, keys, values, positions))
                nbytes += 2 * many * n * (dim + one.values.shape[2])
    until = np.repeat(np.tile(places, (1, rows // max(places.shape[1], 1)))[:, None], heads, 1)
    output, lse = _native.kvcache_attend(
        np.ascontiguousarray(grouped, dtype=np.float32).reshape(-1),
        np.ascontiguousarray(until, dtype=np.int64).reshape(-1),
        rows,
        dim,
        cache.value_dim,
        segments,
        threads_for(threads, nbytes),
    )
    return output.reshape(*grouped.shape[:3], cache.value_dim), lse.reshape(grouped.shape[:3])


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
    logits = _logits(queries, segment, visible_until)
    top = logits.max(-1, keepdims=True)
    powers = np.exp(logits - np.where(np.isfinite(top), top, 0))
    total = powers.sum(-1, keepdims=True)
    weights = powers / np.where(total > 0, total, 1)
    with np.errstate(divide="ignore"):
        lse = np.log(total[..., 0]) + np.where(np.isfinite(top[..., 0]), top[..., 0], 0)
    parts = parts_on_host(segment.values.parts)
    return segment.values.codec.weighted(weights, parts, segment.values.shape[2]), lse


def _logits(queries: Array, segment: Segment, visible_until: Array) -> Array:
    parts = parts_on_host(segment.keys.parts)
    logits = segment.keys.codec.logits(queries, parts, segment.keys.shape[1])
    return np.where(segment.positions <= visible_until[:, None], logits, -np.inf)


def _joined(output: Array, lse: Array, other: Array, other_lse: Array) -> tuple[Array, Array]:
    whole = np.logaddexp(lse, other_lse)
    base = np.where(np.isfinite(whole), whole, 0)
    joined = output * np.exp(lse - base)[..., None] + other * np.exp(other_lse - base)[..., None]
    return joined, whole
