"""Segments of codes as kernels find them: tables that stay on a device while the segments are the same."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary, ref

import numpy as np
import numpy.typing as npt

from recollect.gpu.device import Array, Device, address
from recollect.kvcache.cuda.attention_units import Units, units_of
from recollect.kvcache.cuda.coded import Coded
from recollect.kvcache.cuda.segment_attention import PART, brought, works_of
from recollect.kvcache.cuda.turning import turned_means

__all__ = ["CodedSegment", "Laid", "brought_together", "laid_out"]

_LAID: "WeakKeyDictionary[Coded, Laid]" = WeakKeyDictionary()
"""What was laid out last, by the keys of its first segment."""


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


@dataclass(slots=True, eq=False)
class Laid:
    """Segments of one kind, laid out for a kernel.

    Attributes
    ----------
    how
        How matrix units attend to them, if they do.
    works
        Segment, head in it, first token, and head over all sequences, of each part, ``[n, 4]``.
    tables
        Segments, works and sizes, as kernels read them: of NumPy, or on the device once `there`.
    held
        Arrays that the tables point to and nobody else holds.
    asked
        The device, its stream, and rows of queries.
    of
        Which segments: their heads, positions and parts, which they do not keep alive.
    joined
        Which kinds are laid out beside this one, of how many heads, and how parts of all are joined.
    """

    how: Units | None
    works: npt.NDArray[np.int64]
    tables: list[Any]
    held: list[Any]
    asked: tuple[Device, int, int]
    of: list[tuple[int, int, "ref[Coded]", "ref[Coded]"]]
    there: bool = False
    joined: "tuple[list[Laid], int, Array, Array, bool] | None" = field(default=None)

    def is_of(self, segments: Sequence[CodedSegment], asked: tuple[Device, int, int]) -> bool:
        """Return whether it is what these segments would be laid out as."""
        return (
            asked == self.asked
            and len(segments) == len(self.of)
            and all(
                one.positions is None
                and (first, start) == (one.first, one.start)
                and keys() is one.keys
                and values() is one.values
                for (first, start, keys, values), one in zip(self.of, segments, strict=True)
            )
        )


def laid_out(device: Device, segments: Sequence[CodedSegment], rows: int) -> Laid:
    """Return segments of one kind as a kernel finds them, for so many rows of queries a head."""
    stream = 0 if device.xp is np else int(device.xp.cuda.get_current_stream().ptr)
    first = segments[0].keys
    known = _LAID.get(first)
    if known is not None and known.is_of(segments, (device, stream, rows)):
        return known
    how = units_of(device, [(one.keys, one.values) for one in segments], rows)
    works = works_of([(one.first, one.keys.heads, one.keys.n) for one in segments], how.part if how else PART)
    described, held = _described(device, segments)
    keys, values = first, segments[0].values
    sizes = [keys.group, keys.block, values.group, values.block, keys.width, values.width, values.d]
    tables = [described, works.astype(np.uint32), np.array(sizes, np.uint32)]
    of = [(one.first, one.start, ref(one.keys), ref(one.values)) for one in segments]
    found = Laid(how, works, tables, held, (device, stream, rows), of)
    if all(one.positions is None for one in segments):
        _LAID[first] = found
    return found


def brought_together(
    device: Device, kinds: Sequence[Laid], pairs: int, *more: npt.NDArray[Any]
) -> tuple[Array, Array, bool, list[Array]]:
    """Bring the tables of all kinds that are not there yet, and others besides, by one copy.

    Returns
    -------
    begins
        uint32: the first of the ordered parts of each of `pairs` of sequence and head, and the end.
    order
        Which part comes where.
    ordered
        Whether they lie in that order.
    more
        The others.
    """
    new = [one for one in kinds if not one.there]
    joined = kinds[0].joined
    if new or joined is None or joined[0] != list(kinds[1:]) or joined[1] != pairs:
        joined = None
        owners = np.concatenate([one.works[:, 3] for one in kinds])
        # Those of a head are joined in one order, whatever the kinds are.
        order = np.argsort(owners, kind="stable")
        begins = np.searchsorted(owners[order], np.arange(pairs + 1)).astype(np.uint32)
        more = (*more, begins, order)
    there = brought(device, *more, *(table for one in new for table in one.tables))
    if joined is None:
        *others, last_begins, last_order = there[: len(more)]
        ordered = bool((order[1:] > order[:-1]).all())
        joined = kinds[0].joined = list(kinds[1:]), pairs, last_begins, last_order, ordered
    else:
        others = there[: len(more)]
    tables = iter(there[len(more) :])
    for one in new:
        one.tables, one.there = [next(tables) for _ in one.tables], True
    return joined[2], joined[3], joined[4], others


def _described(device: Device, segments: Sequence[CodedSegment]) -> tuple[npt.NDArray[np.uint64], list[Any]]:
    """Return the table of segments, and the arrays that it points to and nobody else holds."""
    held = [turned_means(device, [getattr(one, name) for one in segments]) for name in ("keys", "values")]
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
