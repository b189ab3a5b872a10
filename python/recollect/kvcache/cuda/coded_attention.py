"""Attention of few queries over segments of codes, part by part, a kernel for each kind of segment."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from recollect.gpu.device import Array, Device, Kernel, address
from recollect.kvcache.cuda.attention_units import Units, units_of
from recollect.kvcache.cuda.coded import Coded
from recollect.kvcache.cuda.products import turned
from recollect.kvcache.cuda.segment_attention import PART, brought, join, nothing_seen, works_of
from recollect.kvcache.cuda.sharing import LOG2E
from recollect.kvcache.splitmix import signs

__all__ = ["CodedSegment", "attended_to_codes"]

_THREADS = 128
_WIDEST = 8 * _THREADS
_TURNED: WeakKeyDictionary[Coded, Array] = WeakKeyDictionary()
"""Means of rotated rows turned as rows are, which stay what they are."""


@dataclass(frozen=True, slots=True, eq=False)
class CodedSegment:
    """Tokens of some heads of one sequence.

    Attributes
    ----------
    first
        The first of its heads, counted over all sequences.
    keys, values
        Their parts, of as many heads and tokens.
    start
        The position of its first token.
    positions
        int32 ``[n]`` on the device; None where tokens follow one another.
    """

    first: int
    keys: Coded
    values: Coded
    start: int
    positions: Array | None = None

    @property
    def kind(self) -> tuple[Any, ...]:
        """What a kernel is compiled and called for."""
        return self.keys.kind, self.values.kind


def attended_to_codes(
    device: Device,
    queries: Array,
    until: npt.NDArray[np.int32],
    segments: Sequence[CodedSegment],
    value_dim: int,
    scale: float,
) -> tuple[Array, Array] | None:
    """Return attention over segments, and the logarithm of what each query weighs.

    None where kernels do not know them: values that are rotated and over 1024 wide, or two forms of plain
    elements in one segment.

    Parameters
    ----------
    device
        Where all of it lies.
    queries
        float32 ``[batch, heads, rows, d]``: the queries of each head of keys.
    until
        The last position that each row sees, ``[batch, rows]``.
    segments
        What is attended to; heads may have several, each kept in its own way.
    value_dim
        Dimensions of a value.
    scale
        What products are multiplied by.

    Returns
    -------
    output, lse
        float32 ``[batch, heads, rows, d_v]``, zeros where nothing is seen, and ``[batch, heads, rows]``.
    """
    xp, (batch, heads, rows, _) = device.xp, queries.shape
    there = [one for one in segments if one.keys.n]
    if not all(map(_is_known, there)):
        return None
    if not there or not batch * heads * rows * value_dim:
        return nothing_seen(device, (batch, heads, rows), value_dim)
    out, lse = (
        xp.empty((batch, heads, rows, value_dim), np.float32),
        xp.empty((batch, heads, rows), np.float32),
    )
    kinds: dict[tuple[Any, ...], list[CodedSegment]] = {}
    for one in there:
        kinds.setdefault(one.kind, []).append(one)
    hows = [units_of(device, [(one.keys, one.values) for one in alike], rows) for alike in kinds.values()]
    works = [
        works_of([(one.first, one.keys.heads, one.keys.n) for one in alike], how.part if how else PART)
        for alike, how in zip(kinds.values(), hows, strict=True)
    ]
    owners = np.concatenate([one[:, 3] for one in works])
    # Those of a head are joined in one order, whatever the kinds are.
    order = np.argsort(owners, kind="stable")
    starts = np.searchsorted(owners[order], np.arange(batch * heads + 1)).astype(np.uint32)
    asked = queries * np.float32(scale * LOG2E)
    last, begins, places = brought(device, until, starts, order)
    parts = [
        _parts(device, asked, last, alike, jobs, value_dim, how)
        for alike, jobs, how in zip(kinds.values(), works, hows, strict=True)
    ]
    sums, stats = parts[0] if len(parts) == 1 else map(xp.concatenate, zip(*parts, strict=True))
    if not (order[1:] > order[:-1]).all():
        sums, stats = sums[places], stats[places]
    join(device, sums, stats, begins, out, lse)
    return out, lse


def _is_known(one: CodedSegment) -> bool:
    plain = {part.form for part in (one.keys, one.values) if part.codec == "PLAIN"}
    return len(plain) < 2 and (not one.values.rotated or one.values.width <= _WIDEST)


def _parts(
    device: Device,
    queries: Array,
    until: Array,
    segments: Sequence[CodedSegment],
    works: npt.NDArray[np.int64],
    value_dim: int,
    how: Units | None,
) -> tuple[Array, Array]:
    """Return sums of the parts of segments of one kind, and their greatest logits and weights."""
    xp, (batch, heads, rows, dim) = device.xp, queries.shape
    keys, values = segments[0].keys, segments[0].values
    flat = queries.reshape(batch * heads * rows, dim)
    asked = turned(device, keys, flat) if keys.rotated else flat
    described, held = _described(device, segments)
    sizes = [keys.group, keys.block, values.group, values.block, keys.width, values.width, value_dim]
    tables = brought(device, described, works.astype(np.uint32), np.array(sizes, np.uint32))
    sums = xp.empty((len(works), rows, value_dim), np.float32)
    stats = xp.empty((len(works), rows, 2), np.float32)
    if how is not None:
        arguments = [asked, until, np.uint32(rows), *tables, *map(np.uint32, (heads, how.part)), sums, stats]
        device.launch(how.kernel, (len(works),), how.threads, arguments, how.shared)
        del held
        return sums, stats
    together = min(1 << (rows - 1).bit_length(), 8)
    lanes = min(1 << (-(-values.width // 8) - 1).bit_length(), _THREADS)
    kernel = Kernel("decode_attention", "attend_to_codes").defining("ROWS", str(together))
    for name, part in (("KEY", keys), ("VALUE", values)):
        kernel = kernel.defining(f"{name}_CODEC", part.codec).defining(f"{name}_BITS", str(part.bits))
        if part.codec == "PLAIN":
            kernel = kernel.defining("FORM", part.form)
    if keys.word_shares_step or keys.tile_shares_means:
        kernel = kernel.defining("STRAIGHT_KEYS", "1")
    if values.eight_share_step:
        kernel = kernel.defining("STRAIGHT_VALUES", "1")
    arguments = [
        asked, until, np.uint32(rows), *tables, *map(np.uint32, (heads, PART, lanes)),
        xp.asarray(signs(values.d, values.seed).astype(np.float32)) if values.rotated else None,
        np.float32(values.width**-0.5), sums, stats,
    ]  # fmt: skip
    shared = 4 * (keys.width * together + 8 * _THREADS + (max(values.width, 8) if values.rotated else 0))
    grid = len(works), -(-rows // together)
    device.launch(kernel, grid, _THREADS, arguments, shared)
    del held  # Until here kernels read them.
    return sums, stats


def _described(device: Device, segments: Sequence[CodedSegment]) -> tuple[npt.NDArray[np.uint64], list[Any]]:
    """Return the table of segments, and the arrays that it points to and nobody else holds."""
    held = [_turned_means(device, [getattr(one, name) for one in segments]) for name in ("keys", "values")]
    table = [
        [
            *(
                address(part)
                for name, means in zip(("keys", "values"), held, strict=True)
                for part in (*_pointers(getattr(one, name)), means[at])
            ),
            address(one.positions),
            one.start,
            one.keys.n,
            one.keys.row_bytes,
            one.values.row_bytes,
        ]
        for at, one in enumerate(segments)
    ]
    return np.array(table, np.uint64), held


def _pointers(part: Coded) -> tuple[Array | None, Array | None, Array | None]:
    return part.codes, part.scale, part.zero


def _turned_means(device: Device, parts: Sequence[Coded]) -> list[Array | None]:
    """Return the means of rotated rows turned as rows are, ``[heads * blocks, width]``, of each segment."""
    if not parts[0].rotated:
        return [None] * len(parts)
    new = [part for part in parts if part not in _TURNED]
    means = [part.zero.view(np.float16).reshape(-1, part.d) for part in new if part.zero is not None]
    if means:
        rows = turned(device, new[0], device.xp.concatenate(means).astype(np.float32))
        ends = np.cumsum([len(one) for one in means])
        for part, one, end in zip(new, means, ends.tolist(), strict=True):
            _TURNED[part] = rows[end - len(one) : end]
    return [_TURNED.get(part) for part in parts]
