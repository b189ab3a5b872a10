"""Rows of heads in pages on a device: written behind each other, read back, and moved together."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from recollect.gpu.device import Array, Device, Kernel
from recollect.kvcache.cuda.compaction import cell_of, is_side_by_side

__all__ = ["moved_in_pages", "read_pages", "written_to_pages"]

_THREADS = 256
Tables = Sequence[Sequence[int]]
"""The pages of each head."""


def written_to_pages(
    device: Device,
    pages: Array,
    tables: Tables,
    rows: Array,
    counts: npt.NDArray[np.int32],
    new: npt.NDArray[np.int32],
) -> None:
    """Write rows ``[batch, heads, t, d]`` behind the `counts` that each head has, `new` of them, in place.

    Parameters
    ----------
    device
        Where all lies.
    pages
        ``[pages, page, d]``, which have room for them.
    tables
        The pages of each head.
    rows
        The new ones, in the type of element of the pages.
    counts, new
        int32 ``[batch * heads]``.
    """
    batch, heads, _, _ = rows.shape
    most = int(new.max(initial=0))
    if not most:
        return
    source = rows if is_side_by_side(rows) else device.xp.ascontiguousarray(rows)
    cell = min(cell_of(source), cell_of(pages[None]))
    arguments = [*_pages(device, pages, tables, cell), source, *map(np.uint64, source.strides[:3])]
    arguments += [device.xp.asarray(counts), device.xp.asarray(new), np.uint32(heads)]
    cells = most * (_row_bytes(pages) // cell)
    _launch(device, "write_pages", (-(-cells // _THREADS), batch * heads), arguments)


def read_pages(
    device: Device, pages: Array, tables: Tables, counts: npt.NDArray[np.int32]
) -> tuple[Array, npt.NDArray[np.int32]]:
    """Return the rows of heads, ``[n, d]``, and where each begins and the last one ends."""
    cu_len = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    out = device.xp.empty((int(cu_len[-1]), pages.shape[2]), dtype=pages.dtype)
    if out.size:
        cell = cell_of(pages[None])
        arguments = [*_pages(device, pages, tables, cell), device.xp.asarray(cu_len), out]
        most = int(counts.max()) * (_row_bytes(pages) // cell)
        _launch(device, "read_pages", (-(-most // _THREADS), len(counts)), arguments)
    return out, cu_len


def moved_in_pages(
    device: Device, pages: Array, tables: Tables, indices: Array, cu_len: npt.NDArray[np.int32]
) -> None:
    """Move some rows of each head to its front, in place: those at `indices`, which ascend in a head."""
    if not len(indices):
        return
    cell = cell_of(pages[None])
    arguments = [*_pages(device, pages, tables, cell), device.xp.asarray(indices), device.xp.asarray(cu_len)]
    _launch(device, "move_in_pages", (-(-_row_bytes(pages) // (2 * cell)), len(cu_len) - 1), arguments)


def _pages(device: Device, pages: Array, tables: Tables, cell: int) -> list[object]:
    most = max(1, *(len(one) for one in tables))
    table = np.zeros((len(tables), most), dtype=np.int32)
    for at, one in enumerate(tables):
        table[at, : len(one)] = one
    sizes = (most, pages.shape[1], _row_bytes(pages), cell)
    return [pages, device.xp.asarray(table), *map(np.uint32, sizes)]


def _row_bytes(pages: Array) -> int:
    return int(pages.shape[2] * pages.itemsize)


def _launch(device: Device, name: str, grid: tuple[int, int], arguments: list[object]) -> None:
    device.launch(Kernel("compaction_pages", name), grid, _THREADS, arguments)
