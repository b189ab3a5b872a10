"""The past in blocks, each found again by one vector: attention over a few of them instead of all.

A block is a number of tokens, or an event. Its vector is made of the keys that drew most attention (Xiao and
others, "InfLLM", 2024), of their mean, or of the least and greatest of each channel (Tang and others,
"Quest", 2024); it lies in an index of :class:`recollect.VectorIndex`, and is searched exactly. Blocks rest in
few bits; those in use are kept as they were decoded, the least recently used going first.
"""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from recollect.checks import count_of, unit
from recollect.errors import DimensionMismatch, InvalidArgument
from recollect.kvcache.arrays import Array, Foreign, numbers, received
from recollect.kvcache.quantizers.codec import Codec
from recollect.kvcache.quantizers.kinds import codec_of
from recollect.kvcache.quantizers.quantized import Quantized
from recollect.vector_index import VectorIndex

__all__ = ["BlockStore", "Fetched"]

Ids = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Fetched:
    """Tokens to attend to, in order: keys and values float32 ``[heads, n, d]``, positions int64 ``[n]``."""

    keys: Array
    values: Array
    positions: Ids


class BlockStore:
    """The past of one sequence in one layer.

    Parameters
    ----------
    heads, dim, value_dim
        Heads, dimensions of a key and of a value; by default the same.
    block
        Tokens of a block; :meth:`cut` ends one earlier.
    represent
        What a block is found by: so many keys of each head that have the greatest importance, ``"mean"`` or
        ``"minmax"``.
    n_init
        First tokens that are in no block and always fetched.
    loaded
        Blocks that are kept decoded.
    keys, values
        Quantizers of resting blocks.
    """

    def __init__(
        self,
        heads: int,
        dim: int,
        value_dim: int | None = None,
        *,
        block: int = 128,
        represent: int | str = 4,
        n_init: int = 128,
        loaded: int = 32,
        keys: str | Codec = "plain",
        values: str | Codec = "plain",
    ) -> None:
        self._heads, self._dim = count_of(heads, "heads", 1), count_of(dim, "dim", 1)
        self._dims = self._dim, self._dim if value_dim is None else count_of(value_dim, "value_dim", 1)
        self._block, self._n_init = count_of(block, "block", 1), count_of(n_init, "n_init")
        if represent not in ("mean", "minmax"):
            if isinstance(represent, str):
                raise InvalidArgument(f"represent: expected a number, mean or minmax, found {represent!r}")
            represent = count_of(represent, "represent", 1)
        self._represent, self._limit = represent, count_of(loaded, "loaded", 1)
        self._codecs = codec_of(keys, "keys"), codec_of(values, "values")
        width = self._heads * self._dim * (2 if represent == "minmax" else 1)
        self._index = VectorIndex(width, metric="dot")
        self._resting: list[tuple[Quantized, Quantized, int]] = []
        self._used: OrderedDict[int, tuple[Array, ...]] = OrderedDict()
        self._init: tuple[Array, ...] = self._empty()
        self._open: tuple[Array, ...] = (*self._empty(), np.zeros((self._heads, 0)))
        self._types: list[np.dtype[Any]] = []
        self._seen = self._loads = 0

    def __len__(self) -> int:
        """Return the number of blocks."""
        return len(self._resting)

    @property
    def loads(self) -> int:
        """Blocks that had to be decoded so far."""
        return self._loads

    @property
    def loaded(self) -> list[int]:
        """Blocks that are decoded, the least recently used first."""
        return list(self._used)

    @property
    def nbytes(self) -> int:
        """Bytes of resting blocks, of what is in none, and of their vectors."""
        resting = sum(keys.nbytes + values.nbytes for keys, values, _ in self._resting)
        ends = sum(part.nbytes for part in (*self._init, *self._open[:2]))
        return resting + ends + len(self) * self._index.dim * 4

    def append(self, keys: Foreign, values: Foreign, importance: Foreign | None = None) -> None:
        """Add the next tokens; whenever a block is full it comes to rest.

        Parameters
        ----------
        keys, values
            ``[heads, t, d]``.
        importance
            ``[heads, t]``, such as the scores of :class:`recollect.kvcache.scores.HeavyHitters`; needed where
            a block is found by its most important keys.

        Raises
        ------
        InvalidArgument
            If shapes do not belong to the store, a number is not finite, or the importance is missing.
        """
        rows = [received(part, name, 3) for part, name in ((keys, "keys"), (values, "values"))]
        for part, dim, name in zip(rows, self._dims, ("keys", "values"), strict=True):
            if part.shape[0] != self._heads or part.shape[1] != rows[0].shape[1]:
                raise InvalidArgument(
                    f"{name}: expected {self._heads} heads and as many tokens, found {part.shape}"
                )
            if part.shape[2] != dim:
                raise DimensionMismatch(f"{name}: expected {dim} dimensions, found {part.shape[2]}")
            if not np.isfinite(numbers(part)).all():
                raise InvalidArgument(f"{name}: a number is not finite")
        if importance is None and not isinstance(self._represent, str):
            raise InvalidArgument("importance: blocks are found by their most important keys; give it")
        weight = (
            np.zeros(rows[0].shape[:2])
            if importance is None
            else numbers(received(importance, "importance", 2))
        )
        if weight.shape != rows[0].shape[:2]:
            raise InvalidArgument(f"importance: expected the shape {rows[0].shape[:2]}, found {weight.shape}")
        if self._seen and [part.dtype for part in rows] != self._types:
            raise InvalidArgument(
                f"keys, values: the store holds {self._types}, found {[part.dtype for part in rows]}"
            )
        first = min(max(self._n_init - self._seen, 0), rows[0].shape[1])
        more = _longer(self._open, [part[:, first:] for part in (*rows, weight)])
        count = more[0].shape[1] // self._block * self._block
        start = self._seen + rows[0].shape[1] - more[0].shape[1]
        self._rest(more, [(at, at + self._block) for at in range(0, count, self._block)], start)
        self._init = _longer(self._init, [part[:, :first] for part in rows])
        self._types = [part.dtype for part in rows]
        self._seen += rows[0].shape[1]

    def cut(self) -> None:
        """End the present block, where an event ends; nothing happens where it has no tokens."""
        count = self._open[0].shape[1]
        if count:
            self._rest(self._open, [(0, count)], self._seen - count)

    def query(self, queries: Foreign, k: int = 16, *, neighbours: float = 0.0) -> Ids:
        """Return the blocks to attend to, best first.

        Parameters
        ----------
        queries
            ``[query_heads, w, d]``: their mean over tokens, summed over heads, is compared with the blocks.
        k
            Blocks wanted; fewer come where there are fewer.
        neighbours
            Share of `k` that goes to the blocks before and behind the best, 0 to 1; EM-LLM takes .3.

        Raises
        ------
        InvalidArgument
            If queries do not belong to the heads.
        """
        rows = numbers(received(queries, "queries", 3)).astype(np.float64)
        if not rows.shape[0] or rows.shape[0] % self._heads or not rows.shape[1]:
            raise InvalidArgument(f"queries: expected a multiple of {self._heads} heads, found {rows.shape}")
        if rows.shape[2] != self._dim:
            raise DimensionMismatch(f"queries: expected {self._dim} dimensions, found {rows.shape[2]}")
        k = min(count_of(k, "k", 1), len(self))
        if not k:
            return np.empty(0, dtype=np.int64)
        parts = [np.maximum(rows, 0), np.minimum(rows, 0)] if self._represent == "minmax" else [rows]
        means = [part.mean(1).reshape(self._heads, -1, self._dim).sum(1).ravel() for part in parts]
        best, _ = self._index.search(np.concatenate(means).astype(np.float32), k=k, recall_target=1.0)
        near = min(round(unit(neighbours, "neighbours") * k), k - 1)
        chosen = [int(one) for one in best[: k - near]]
        beside = [other for one in chosen for other in (one - 1, one + 1) if 0 <= other < len(self)]
        ranked = dict.fromkeys([*chosen, *[one for one in beside if one not in chosen][:near]])
        # Room that neighbours leave goes to the next best.
        ranked |= dict.fromkeys(int(one) for one in best)
        return np.array(list(ranked)[:k], dtype=np.int64)

    def fetch(self, ids: Iterable[int]) -> Fetched:
        """Return the first tokens, some blocks and the tokens that are in none yet, in the order they came.

        Raises
        ------
        InvalidArgument
            If there is no such block.
        """
        chosen = sorted({int(one) for one in ids})
        if chosen and not 0 <= chosen[0] <= chosen[-1] < len(self):
            raise InvalidArgument(f"ids: expected 0 to {len(self) - 1}, found {chosen[0]} to {chosen[-1]}")
        parts: list[tuple[Array, ...]] = [self._init, *(self._decoded(one) for one in chosen), self._open[:2]]
        keys, values = (
            np.concatenate([numbers(part[at]) for part in parts], 1).astype(np.float32) for at in range(2)
        )
        open_from = self._seen - self._open[0].shape[1]
        starts = [0, *(self._resting[one][2] for one in chosen), open_from]
        places = [
            np.arange(start, start + part[0].shape[1]) for start, part in zip(starts, parts, strict=True)
        ]
        return Fetched(keys, values, np.concatenate(places))

    def _decoded(self, block: int) -> tuple[Array, ...]:
        if block not in self._used:
            keys, values, _ = self._resting[block]
            self._used[block] = keys.dequantize(), values.dequantize()
            self._loads += 1
        self._used.move_to_end(block)
        found = self._used[block]
        while len(self._used) > self._limit:
            self._used.popitem(last=False)
        return found

    def _rest(self, rows: tuple[Array, ...], ranges: list[tuple[int, int]], start: int) -> None:
        """Bring ranges of rows, of which the first is token `start`, to rest; the others stay open."""
        made, vectors, end = [], [], 0
        for begin, end in ranges:
            keys, values, weight = (part[:, begin:end] for part in rows)
            parts = [
                Quantized(codec, codec.encode(part), part.shape)
                for codec, part in zip(self._codecs, (keys, values), strict=True)
            ]
            made.append((parts[0], parts[1], start + begin))
            vectors.append(self._vector(numbers(keys).astype(np.float64), weight))
        # The last that can fail: nothing has changed before it.
        if vectors:
            self._index.add(np.stack(vectors))
        self._resting += made
        self._open = tuple(part[:, end:].copy() for part in rows)

    def _vector(self, keys: Array, weight: Array) -> npt.NDArray[np.float32]:
        if self._represent == "minmax":
            found = np.concatenate([keys.max(1).ravel(), keys.min(1).ravel()])
        elif self._represent == "mean":
            found = keys.mean(1).ravel()
        else:
            order = np.argsort(-weight, axis=1, kind="stable")[:, : int(self._represent)]
            found = np.take_along_axis(keys, order[..., None], 1).mean(1).ravel()
        return found.astype(np.float32)

    def _empty(self) -> tuple[Array, Array]:
        return np.zeros((self._heads, 0, self._dims[0])), np.zeros((self._heads, 0, self._dims[1]))


def _longer(held: tuple[Array, ...], more: Iterable[Array]) -> tuple[Array, ...]:
    # Nothing held yet has no type of its own.
    return tuple(
        new.copy() if not one.size else np.concatenate([one, new], 1)
        for one, new in zip(held, more, strict=True)
    )
