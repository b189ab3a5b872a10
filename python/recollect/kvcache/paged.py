"""Heads of different lengths in pages: appending costs a page now and then, never a copy of the rest."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from recollect.checks import count_of
from recollect.errors import DimensionMismatch, InvalidArgument
from recollect.kvcache.arrays import Array, Foreign, lengths_of, received
from recollect.kvcache.quantizers.plain import Plain
from recollect.kvcache.quantizers.quantized import Quantized
from recollect.kvcache.segments import Segment
from recollect.kvcache.selection import Kept

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
    ) -> None:
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
        new_keys, new_values = received(keys, "keys", 4), received(values, "values", 4)
        for part, own, name in ((new_keys, self._keys, "keys"), (new_values, self._values, "values")):
            if part.shape[:2] != self._counts.shape or part.shape[2] != new_keys.shape[2]:
                raise InvalidArgument(
                    f"{name}: expected {self._counts.shape} heads, found the shape {part.shape}"
                )
            if part.dtype != own.dtype:
                raise InvalidArgument(f"{name}: the store holds {own.dtype}, found {part.dtype}")
            if part.shape[3] != own.shape[2]:
                raise DimensionMismatch(f"{name}: expected {own.shape[2]} dimensions, found {part.shape[3]}")
        for batch, length in enumerate(lengths_of(lengths, len(self._seen), new_keys.shape[2])):
            positions = np.arange(self._seen[batch], self._seen[batch] + length, dtype=np.int32)
            for head in range(self._counts.shape[1]):
                rows = new_keys[batch, head, :length], new_values[batch, head, :length]
                self._extend(batch, head, *rows, positions)
            self._seen[batch] += length

    def head(self, batch: int, head: int) -> tuple[Array, Array, npt.NDArray[np.int32]]:
        """Return keys, values and positions of one head, in order; copies."""
        table, count = self._table(batch, head), self._counts[batch, head]
        parts = (self._keys, self._values, self._positions)
        keys, values, positions = (part[table].reshape(-1, *part.shape[2:])[:count] for part in parts)
        return keys, values, positions

    def segments(self, index: int) -> Iterator[Segment]:
        """Yield what is held of one sequence, for :func:`decode_attention`: one piece a head."""
        for head in range(self.heads):
            *rows, positions = self.head(index, head)
            parts = [Quantized(Plain(one.itemsize), {"rows": one[None]}, (1, *one.shape)) for one in rows]
            yield Segment(head, parts[0], parts[1], positions)

    def keep(self, kept: Kept) -> None:
        """Keep some tokens of each head, where they are in it, and free the pages that this empties.

        Raises
        ------
        InvalidArgument
            If `kept` is of other heads, or names a token that a head does not have.
        """
        if kept.shape[:2] != self._counts.shape:
            raise InvalidArgument(f"kept: of {kept.shape[:2]} heads, the store has {self._counts.shape}")
        chosen = list(kept.by_head())
        for (batch, head), indices in chosen:
            if len(indices) and indices[-1] >= self._counts[batch, head]:
                raise InvalidArgument(f"kept: token {indices[-1]} of head ({batch}, {head}), which has "
                                      f"{self._counts[batch, head]}")  # fmt: skip
        for (batch, head), indices in chosen:
            table = np.array(self._table(batch, head), dtype=np.intp)
            old, new = np.arange(len(indices)), indices
            for part in (self._keys, self._values, self._positions):
                moved = part[table[new // self._page], new % self._page]
                part[table[old // self._page], old % self._page] = moved
            self._counts[batch, head] = len(indices)
            used = -(-len(indices) // self._page)
            self._free += self._table(batch, head)[used:]
            del self._table(batch, head)[used:]

    def _table(self, batch: int, head: int) -> list[int]:
        return self._tables[batch * self._counts.shape[1] + head]

    def _extend(self, batch: int, head: int, keys: Array, values: Array, positions: Array) -> None:
        table, count = self._table(batch, head), int(self._counts[batch, head])
        wanted = -(-(count + len(keys)) // self._page)
        while len(table) < wanted:
            table.append(self._page_for_use())
        places = np.arange(count, count + len(keys))
        at = np.array(table, dtype=np.intp)[places // self._page], places % self._page
        self._keys[at], self._values[at], self._positions[at] = keys, values, positions
        self._counts[batch, head] += len(keys)

    def _page_for_use(self) -> int:
        if not self._free:
            held = len(self._keys)
            # Half as much again: a page costs the same on average however many there are.
            more = max(held // 2, 4)
            grown = [
                np.concatenate([part, np.zeros((more, *part.shape[1:]), part.dtype)])
                for part in (self._keys, self._values, self._positions)
            ]
            self._keys, self._values, self._positions = grown
            self._free = list(range(held + more - 1, held - 1, -1))
        return self._free.pop()
