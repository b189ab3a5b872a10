"""Heads of different lengths in pages: appending costs a page now and then, never a copy of the rest."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from recollect.checks import count_of
from recollect.errors import DimensionMismatch, InvalidArgument
from recollect.kvcache.arrays import Array, Foreign, lengths_of, library_of, received
from recollect.kvcache.backends import chosen
from recollect.kvcache.quantizers.plain import Plain
from recollect.kvcache.quantizers.quantized import Quantized
from recollect.kvcache.segments import Segment
from recollect.kvcache.selection import Kept

if TYPE_CHECKING:
    from recollect.gpu.device import Device
    from recollect.gpu.frames import Frame

__all__ = ["PagedStore"]


class PagedStore:
    """Keys and values of each head in pages of `page` tokens, with a list of free ones.

    Parameters
    ----------
    batch, heads
        Sequences and heads.
    dim, value_dim
        Dimensions of a key and of a value; by default the same.
    dtype
        Type of an element; bfloat16 is uint16, float8 is uint8.
    page
        Tokens of a page.
    backend
        ``"cuda"`` holds the pages on a GPU, which is the default where the first tokens lie there; else they
        are in the memory of the CPU.

    Raises
    ------
    GpuUnavailable
        If the GPU is asked for and there is none, or no CuPy.
    """

    def __init__(
        self,
        batch: int,
        heads: int,
        dim: int,
        value_dim: int | None = None,
        *,
        dtype: npt.DTypeLike = np.float16,
        page: int = 64,
        backend: str | None = None,
    ) -> None:
        self._backend = None if backend is None else chosen(backend)
        self._origin: Frame | None = None
        self._page = count_of(page, "page", 1)
        dims = count_of(dim, "dim", 1), count_of(dim if value_dim is None else value_dim, "value_dim", 1)
        self._keys, self._values = (np.zeros((0, page, one), dtype=dtype) for one in dims)
        self._positions = np.zeros((0, page), dtype=np.int32)
        self._tables: list[list[int]] = [
            [] for _ in range(count_of(batch, "batch") * count_of(heads, "heads", 1))
        ]
        self._counts = np.zeros((batch, heads), dtype=np.int32)
        self._seen = np.zeros(batch, dtype=np.int64)
        self._free: list[int] = []

    @property
    def heads(self) -> int:
        """Heads of keys."""
        return int(self._counts.shape[1])

    @property
    def dim(self) -> int:
        """Dimensions of a key."""
        return int(self._keys.shape[2])

    @property
    def value_dim(self) -> int:
        """Dimensions of a value."""
        return int(self._values.shape[2])

    @property
    def counts(self) -> npt.NDArray[np.int32]:
        """Tokens of each head, ``[batch, heads]``."""
        return self._counts.copy()

    @property
    def seen(self) -> npt.NDArray[np.int64]:
        """Tokens that ever came to each sequence, ``[batch]``: the position of the next one."""
        return self._seen.copy()

    @property
    def pages(self) -> tuple[int, int]:
        """Pages in use and pages that are free."""
        return len(self._keys) - len(self._free), len(self._free)

    @property
    def nbytes(self) -> int:
        """Bytes held: pages, free ones too, with their positions."""
        return self._keys.nbytes + self._values.nbytes + self._positions.nbytes

    def append(self, keys: Foreign, values: Foreign, *, lengths: Foreign | None = None) -> None:
        """Add new tokens to all heads.

        Parameters
        ----------
        keys, values
            ``[batch, heads, t, d]``, of the store's type of element.
        lengths
            How many of the `t` each sequence has; by default all.

        Raises
        ------
        InvalidArgument
            If batch, heads or type are not those of the store.
        DimensionMismatch
            If a key or a value has another dimension.
        """
        if self._backend is None:
            self._backend = chosen(None, keys, values)
        if self._backend != "cuda":
            self._append(received(keys, "keys", 4), received(values, "values", 4), lengths, None)
            return
        # Loaded for those alone who use it.
        from recollect.gpu.frames import frame_of
        from recollect.kvcache.cuda.working import received_on, working

        with working(keys, values) as device:
            new = received_on(device, keys, "keys", 4), received_on(device, values, "values", 4)
            self._keys, self._values = (device.xp.asarray(part) for part in (self._keys, self._values))
            self._origin = self._origin or frame_of(keys, "keys")
            self._append(*new, lengths, device)

    def _append(
        self, new_keys: Array, new_values: Array, lengths: Foreign | None, device: "Device | None"
    ) -> None:
        for part, own, name in ((new_keys, self._keys, "keys"), (new_values, self._values, "values")):
            if part.shape[:2] != self._counts.shape or part.shape[2] != new_keys.shape[2]:
                raise InvalidArgument(
                    f"{name}: expected {self._counts.shape} heads, found the shape {part.shape}"
                )
            if part.dtype != own.dtype:
                raise InvalidArgument(f"{name}: the store holds {own.dtype}, found {part.dtype}")
            if part.shape[3] != own.shape[2]:
                raise DimensionMismatch(f"{name}: expected {own.shape[2]} dimensions, found {part.shape[3]}")
        more = lengths_of(lengths, len(self._seen), new_keys.shape[2])
        before = self._counts.copy()
        for batch, length in enumerate(more):
            positions = np.arange(self._seen[batch], self._seen[batch] + length, dtype=np.int32)
            for head in range(self._counts.shape[1]):
                at = self._room_for(batch, head, int(length))
                self._positions[at] = positions
                if device is None:
                    self._keys[at] = new_keys[batch, head, :length]
                    self._values[at] = new_values[batch, head, :length]
                self._counts[batch, head] += length
            self._seen[batch] += length
        if device is not None:
            from recollect.kvcache.cuda.paging import written_to_pages

            counts, new = before.reshape(-1), np.repeat(more, self.heads).astype(np.int32)
            for pages, rows in ((self._keys, new_keys), (self._values, new_values)):
                written_to_pages(device, pages, self._tables, rows, counts, new)

    def head(self, batch: int, head: int) -> tuple[Array, Array, npt.NDArray[np.int32]]:
        """Return keys, values and positions of one head, in order; copies, in the framework of the tokens."""
        at = batch * self.heads + head
        keys, values, _ = self._read(slice(at, at + 1))
        if self._origin is not None:
            keys, values = self._origin.back(keys), self._origin.back(values)
        return keys, values, self._positions_of(at)

    def segments(self, index: int) -> Iterator[Segment]:
        """Yield what is held of one sequence, for :func:`decode_attention`: one piece a head."""
        first = index * self.heads
        keys, values, cu_len = self._read(slice(first, first + self.heads))
        for head in range(self.heads):
            rows = (one[None, cu_len[head] : cu_len[head + 1]] for one in (keys, values))
            parts = [Quantized(Plain(one.itemsize), {"rows": one}, one.shape) for one in rows]
            yield Segment(head, parts[0], parts[1], self._positions_of(first + head))

    def _positions_of(self, at: int) -> npt.NDArray[np.int32]:
        count = self._counts.reshape(-1)[at]
        found: npt.NDArray[np.int32] = self._positions[self._tables[at]].reshape(-1)[:count]
        return found

    def _read(self, heads: slice) -> tuple[Array, Array, npt.NDArray[np.int32]]:
        """Return keys and values of some heads one after another, and where each begins."""
        tables, counts = self._tables[heads], self._counts.reshape(-1)[heads]
        if self._origin is not None:
            from recollect.kvcache.cuda.paging import read_pages
            from recollect.kvcache.cuda.working import working

            with working(self._keys) as device:
                keys, cu_len = read_pages(device, self._keys, tables, counts)
                return keys, read_pages(device, self._values, tables, counts)[0], cu_len
        pairs = list(zip(tables, counts, strict=True))
        whole = [
            np.concatenate([part[one].reshape(-1, part.shape[2])[:count] for one, count in pairs])
            for part in (self._keys, self._values)
        ]
        return whole[0], whole[1], np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)

    def keep(self, kept: Kept) -> None:
        """Keep some tokens of each head, where they are in it, and free the pages that this empties.

        Raises
        ------
        InvalidArgument
            If `kept` is of other heads, or names a token that a head does not have.
        """
        if kept.shape[:2] != self._counts.shape:
            raise InvalidArgument(f"kept: of {kept.shape[:2]} heads, the store has {self._counts.shape}")
        staying = list(kept.by_head())
        for (batch, head), indices in staying:
            if len(indices) and indices[-1] >= self._counts[batch, head]:
                raise InvalidArgument(f"kept: token {indices[-1]} of head ({batch}, {head}), which has "
                                      f"{self._counts[batch, head]}")  # fmt: skip
        if self._origin is not None:
            from recollect.kvcache.cuda.paging import moved_in_pages
            from recollect.kvcache.cuda.working import working

            with working(self._keys) as device:
                for part in (self._keys, self._values):
                    moved_in_pages(device, part, self._tables, kept.lying, kept.cu_len)
        for (batch, head), indices in staying:
            table = np.array(self._table(batch, head), dtype=np.intp)
            old, new = np.arange(len(indices)), indices
            on_host = (self._keys, self._values) if self._origin is None else ()
            for part in (*on_host, self._positions):
                moved = part[table[new // self._page], new % self._page]
                part[table[old // self._page], old % self._page] = moved
            self._counts[batch, head] = len(indices)
            used = -(-len(indices) // self._page)
            self._free += self._table(batch, head)[used:]
            del self._table(batch, head)[used:]

    def _table(self, batch: int, head: int) -> list[int]:
        return self._tables[batch * self._counts.shape[1] + head]

    def _room_for(self, batch: int, head: int, more: int) -> tuple[Array, Array]:
        """Return pages of a head and places in them for more tokens, behind those it has."""
        table, count = self._table(batch, head), int(self._counts[batch, head])
        wanted = -(-(count + more) // self._page)
        while len(table) < wanted:
            table.append(self._page_for_use())
        places = np.arange(count, count + more)
        return np.array(table, dtype=np.intp)[places // self._page], places % self._page

    def _page_for_use(self) -> int:
        if not self._free:
            held = len(self._keys)
            # Half as much again: a page costs the same on average however many there are.
            more = max(held // 2, 4)
            grown = [
                np.concatenate([part, library_of(part).zeros((more, *part.shape[1:]), part.dtype)])
                for part in (self._keys, self._values, self._positions)
            ]
            self._keys, self._values, self._positions = grown
            self._free = list(range(held + more - 1, held - 1, -1))
        return self._free.pop()
