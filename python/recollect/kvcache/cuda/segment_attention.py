"""Attention of few queries over segments of keys and values as they are, part by part."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from recollect.gpu.device import Array, Device, Kernel, address
from recollect.kvcache.cuda.cached import whole_rows
from recollect.kvcache.cuda.floats import floats_on
from recollect.kvcache.cuda.handing import Handed, handed
from recollect.kvcache.cuda.row_units import QUERIES, THREADS, row_units
from recollect.kvcache.cuda.sharing import LOG2E

__all__ = [
    "PART",
    "PlainSegment",
    "attended",
    "brought",
    "grouped",
    "join",
    "nothing_seen",
    "plain_segments",
    "works_of",
]

_THREADS = 256
_ALIGNED = 16
PART = 512
"""Tokens of a part: enough of them to be worth the sum that it writes, and few enough to fill a device."""


@dataclass(frozen=True, slots=True, eq=False)
class PlainSegment:
    """Tokens of some heads of one sequence.

    Attributes
    ----------
    first
        The first of its heads, counted over all sequences.
    keys, values
        ``[1, heads, n, d]`` and ``[1, heads, n, d_v]``, of one form.
    positions
        int32 ``[n]`` on the device; None where a token has its place.
    """

    first: int
    keys: Handed
    values: Handed
    positions: Array | None


def attended(
    device: Device,
    queries: Array,
    until: npt.NDArray[np.int32],
    segments: Sequence[PlainSegment],
    value_dim: int,
    scale: float,
    received: tuple[int, int] | None = None,
    form: str = "F32",
) -> tuple[Array, ...]:
    """Return attention over segments, and the logarithm of what each query weighs.

    Parameters
    ----------
    device
        Where all of it lies.
    queries
        float32 ``[batch, heads, rows, d]`` side by side: the queries of each head of keys.
    until
        The last position that each row sees, ``[batch, rows]``.
    segments
        What is attended to; heads may have several, and keys and values of all have one form.
    value_dim
        Dimensions of a value.
    scale
        What products are multiplied by.
    received
        Positions, and query heads of a head, if what each position got is asked for.
    form
        What queries were before they were float32.

    Returns
    -------
    output, lse
        float32 ``[batch, heads, rows, d_v]``, zeros where nothing is seen, and ``[batch, heads, rows]``.
    got
        If asked for, float32 ``[batch, heads, positions]``: the sum over queries, averaged over query heads.
    """
    xp, (batch, heads, rows, dim) = device.xp, queries.shape
    seen, group = received or (0, 1)
    got = [] if received is None else [xp.zeros((batch, heads, seen), np.float32)]
    works = works_of([(one.first, *one.keys.array.shape[1:3]) for one in segments])
    if not len(works) or not batch * heads * rows * value_dim:
        return *nothing_seen(device, (batch, heads, rows), value_dim), *got
    out, lse = (
        xp.empty((batch, heads, rows, value_dim), np.float32),
        xp.empty((batch, heads, rows), np.float32),
    )
    # Those of a head lie together, in the order of the segments.
    works = works[np.argsort(works[:, 3], kind="stable")]
    starts = np.searchsorted(works[:, 3], np.arange(batch * heads + 1)).astype(np.uint32)
    sums = xp.empty((len(works), rows, value_dim), np.float32)
    stats = xp.empty((len(works), rows, 2), np.float32)
    wide = 4 if segments[0].keys.form == "F32" else 8
    lanes = next(width for width in (8, 16, 32) if width >= min(-(-max(dim, value_dim) // wide), 32))
    together = next(width for width in (1, 2, 4, 8) if width >= min(rows, 8))
    threads = _THREADS if together <= 4 else _THREADS // 2
    described = np.array([_described(one) for one in segments], np.uint64)
    table, jobs, last, begins = brought(device, described, works.astype(np.uint32), until, starts)
    whole_keys, whole_values = (_whole(segments, part, wide) for part in ("keys", "values"))
    to_base = np.float32(scale * LOG2E)
    described_once = [last, np.uint32(rows), table, jobs, np.uint32(heads)]
    by_units = row_units(
        device, segments[0].keys.form, form, dim, value_dim, bool(whole_keys and whole_values)
    )
    tables = [None if by_units and not got else queries * to_base, *described_once, np.uint32(dim)]

    def kernel(name: str) -> Kernel:
        one = segments[0].keys.read_by(Kernel("attention_decode", name))
        return one.defining("LANES", str(lanes)).defining("ROWS", str(together))

    if by_units:
        device.launch(
            by_units,
            (len(works), -(-rows // QUERIES)),
            THREADS,
            [queries, *described_once, to_base, np.uint32(PART), sums, stats],
        )
    else:
        device.launch(
            kernel("attend_parts"),
            (len(works), -(-rows // together) * -(-value_dim // (lanes * wide))),
            threads,
            [*tables, np.uint32(value_dim), whole_keys, whole_values, np.uint32(PART), sums, stats],
        )
    join(device, sums, stats, begins, out, lse)
    for each in got:
        share = np.float32(1 / group)
        arguments = [*tables, whole_keys, np.uint32(PART), lse, share, np.uint32(seen), each]
        device.launch(kernel("receive_parts"), (len(works),), threads, arguments)
    return out, lse, *got


def join(device: Device, sums: Array, stats: Array, starts: Array, out: Array, lse: Array) -> None:
    """Join the parts of each head into what it attends to, in place.

    Parameters
    ----------
    device
        Where all of it lies.
    sums, stats
        float32 ``[parts, rows, d_v]``, and ``[parts, rows, 2]``: the greatest logit of a part, to the base 2,
        and what its sum weighs.
    starts
        uint32: the first part of each head of all sequences, and the end; those of a head lie together.
    out, lse
        float32 ``[batch, heads, rows, d_v]`` and ``[batch, heads, rows]``.
    """
    batch, heads, rows, value_dim = out.shape
    device.launch(
        Kernel("attention_decode", "join_parts"),
        (batch * heads * rows,),
        128,
        [sums, stats, starts, np.uint32(rows), np.uint32(value_dim), out, lse],
    )


def brought(device: Device, *tables: npt.NDArray[Any]) -> list[Array]:
    """Return tables of NumPy on the device, by one copy."""
    ends = np.cumsum([-(-table.nbytes // _ALIGNED) * _ALIGNED for table in tables]).tolist()
    held = np.empty(ends[-1], np.uint8)
    starts = [0, *ends[:-1]]
    for start, table in zip(starts, tables, strict=True):
        held[start : start + table.nbytes] = np.ascontiguousarray(table).view(np.uint8).reshape(-1)
    there = device.xp.asarray(held)
    return [
        there[start : start + table.nbytes].view(table.dtype).reshape(table.shape)
        for start, table in zip(starts, tables, strict=True)
    ]


def nothing_seen(device: Device, shape: tuple[int, int, int], value_dim: int) -> tuple[Array, Array]:
    """Return what queries get that see nothing: zeros, and minus infinity for what they weigh."""
    xp = device.xp
    return xp.zeros((*shape, value_dim), np.float32), xp.full(shape, -np.inf, np.float32)


def _whole(segments: Sequence[PlainSegment], part: str, wide: int) -> np.uint32:
    handed_over: list[Handed] = [getattr(one, part) for one in segments]
    return np.uint32(all(whole_rows(one, wide * one.array.itemsize) for one in handed_over))


def grouped(device: Device, queries: Array, heads: int) -> Array:
    """Return queries ``[batch, query_heads, w, d]`` as float32 rows of each head of keys."""
    wide = floats_on(device, queries)
    batch, query_heads, w, dim = wide.shape
    return wide.reshape(batch, heads, query_heads // heads * w, dim)


def plain_segments(device: Device, cache: Any, batch: int) -> list[PlainSegment] | None:
    """Return what a cache (:class:`recollect.kvcache.segments.Segmented`) holds as segments on the device.

    None if there are codes, or several forms.
    """
    found = []
    if (together := _together(device, cache)) is not None:
        return [together]
    for index in range(batch):
        for one in cache.segments(index):
            parts = one.keys.parts, one.values.parts
            if not all(set(part) == {"rows"} for part in parts):
                return None
            keys, values = (handed(device, device.xp.asarray(part["rows"])[None]) for part in parts)
            if keys is None or values is None:
                return None
            n = keys.array.shape[2]
            # They ascend, so the ends say whether each token has its place.
            placed = n == 0 or (int(one.positions[0]) == 0 and int(one.positions[-1]) == n - 1)
            positions = None if placed else device.xp.asarray(one.positions, dtype=np.int32)
            found.append(PlainSegment(index * cache.heads + one.first, keys, values, positions))
    forms = {part.form for one in found for part in (one.keys, one.values)}
    return found if len(forms) < 2 else None


def _together(device: Device, cache: Any) -> PlainSegment | None:
    """Return all sequences as one segment, where their heads follow one another and none is padded."""
    whole = getattr(cache, "whole", None)
    if whole is None:
        return None
    keys, values = (handed(device, device.xp.asarray(part)) for part in whole)
    if keys is None or values is None or keys.form != values.form:
        return None
    flat = []
    for part in (keys, values):
        batch, heads, n, d = part.array.shape
        steps = part.array.strides
        if batch > 1 and steps[0] != heads * steps[1]:
            return None
        flat.append(Handed(part.array.reshape(1, batch * heads, n, d), part.form))
    return PlainSegment(0, flat[0], flat[1], None)


def works_of(segments: Sequence[tuple[int, int, int]], part: int = PART) -> npt.NDArray[np.int64]:
    """Return segment, head in it, first token, and head over all sequences, of each part, ``[n, 4]``.

    Parameters
    ----------
    segments
        Of each the first of its heads over all sequences, its heads, and its tokens.
    part
        Tokens of a part.
    """
    if not segments:
        return np.zeros((0, 4), np.int64)
    firsts, heads, tokens = np.array(segments, np.int64).T
    segment, own = _counted(heads)
    pair, number = _counted((-(-tokens // part))[segment])
    segment, own = segment[pair], own[pair]
    return np.stack([segment, own, number * part, firsts[segment] + own], 1)


def _counted(counts: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return 0 for the first count, 1 for the next and so on, and beside it numbers from 0 for each count."""
    ends = np.cumsum(counts)
    return np.repeat(np.arange(len(counts)), counts), np.arange(counts.sum()) - np.repeat(
        ends - counts, counts
    )


def _described(one: PlainSegment) -> list[int]:
    keys, values = one.keys.array, one.values.array
    steps = [step // part.itemsize for part in (keys, values) for step in part.strides[1:3]]
    places = 0 if one.positions is None else address(one.positions)
    return [address(keys), address(values), places, *steps, keys.shape[2]]
