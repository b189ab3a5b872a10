"""A cache that grows: sinks and newest tokens in full, all between quantized once, in aligned blocks."""

import math
from collections.abc import Callable, Iterable, Iterator

import numpy as np
import numpy.typing as npt

from recollect.checks import count_of
from recollect.errors import DimensionMismatch, InvalidArgument
from recollect.kvcache.arrays import Array, Foreign, lengths_of, numbers, opened, received
from recollect.kvcache.backends import BACKENDS, chosen
from recollect.kvcache.quantizers.codec import Codec
from recollect.kvcache.quantizers.encoding import encoded
from recollect.kvcache.quantizers.kinds import codec_of
from recollect.kvcache.quantizers.on_gpu import encoded_there
from recollect.kvcache.quantizers.plain import Plain
from recollect.kvcache.quantizers.quantized import Quantized
from recollect.kvcache.segments import Segment

__all__ = ["QuantizedCache"]


class QuantizedCache:
    """Keys and values of one layer, quantized as they age.

    What a token becomes depends on its sequence alone: blocks begin behind the sinks and go on from there,
    however the tokens came in chunks, and no block holds tokens of two sequences. A block is quantized once
    and never again.

    Parameters
    ----------
    keys, values
        Quantizers, by name or made by hand.
    n_sink
        First tokens that stay as they came.
    residual
        Newest tokens that stay as they came, at least.
    block
        Tokens that are quantized together; by default the least that both quantizers can take.
    backend
        ``"cuda"`` holds all of it on a GPU, which is the default where the first tokens lie there; else it is
        in the memory of the CPU, and ``"rust"`` or ``"numpy"`` makes the codes, which are the same bits.

    Raises
    ------
    GpuUnavailable
        If the GPU is asked for and there is none, or no CuPy.
    """

    def __init__(
        self,
        keys: str | Codec = "rot4",
        values: str | Codec = "int4",
        *,
        n_sink: int = 4,
        residual: int = 128,
        block: int | None = None,
        backend: str | None = None,
    ) -> None:
        self._backend = None if backend is None else chosen(backend)
        self._codecs = codec_of(keys, "keys"), codec_of(values, "values")
        self._n_sink, self._residual = count_of(n_sink, "n_sink"), count_of(residual, "residual")
        least = math.lcm(self._codecs[0].block, self._codecs[1].block)
        self._block = least if block is None else count_of(block, "block", 1)
        if self._block % least:
            raise InvalidArgument(
                f"block: expected a multiple of {least} for these quantizers, found {self._block}"
            )
        self._tails: list[_Tail] | None = None
        self._like: tuple[Array, Array] | None = None

    def append(self, keys: Foreign, values: Foreign, *, lengths: Foreign | None = None) -> None:
        """Add the next tokens of each sequence.

        Parameters
        ----------
        keys, values
            ``[batch, heads, t, d]``, all calls with the same batch, heads, dimensions and type of element.
        lengths
            How many of the `t` each sequence has; by default all.

        Raises
        ------
        InvalidArgument
            If the shape or type does not go on from what is held, or a number is not finite.
        DimensionMismatch
            If a key or a value has another dimension.
        """
        if self._backend is None:
            self._backend = chosen(None, keys, values)
        if self._backend != "cuda":
            self._append((received(keys, "keys", 4), received(values, "values", 4)), lengths, self._made)
            return
        # Loaded for those alone who use it.
        from recollect.gpu.frames import frame_of
        from recollect.kvcache.cuda.floats import floats_on
        from recollect.kvcache.cuda.verdict import judging
        from recollect.kvcache.cuda.working import received_on, working

        with working(keys, values) as device, judging(device) as verdict:
            origin = frame_of(keys, "keys")

            def made(codec: Codec, rows: Array) -> Quantized:
                parts = encoded_there(device, codec, rows, verdict)
                return Quantized(codec, parts, rows.shape, origin=origin)

            def one_by_one(codec: Codec, rows: Array) -> Quantized:
                return Quantized(codec, encoded_there(device, codec, rows), rows.shape, origin=origin)

            def again() -> _Made | None:
                return one_by_one if verdict.broken() else None

            new = received_on(device, keys, "keys", 4), received_on(device, values, "values", 4)
            self._append(new, lengths, made, lambda part: floats_on(device, part), again)

    def _made(self, codec: Codec, rows: Array) -> Quantized:
        return Quantized(codec, encoded(codec, rows, self._backend or BACKENDS[0]), rows.shape)

    def _append(
        self,
        new: tuple[Array, Array],
        lengths: Foreign | None,
        made: "_Made",
        floats: Callable[[Array], Array] = numbers,
        again: "Callable[[], _Made | None]" = lambda: None,
    ) -> None:
        """Grow by new tokens; `again` says whether blocks have to be made another way, once all are made."""
        if new[0].shape[:3] != new[1].shape[:3]:
            raise InvalidArgument(f"values: {new[1].shape} does not belong to keys of {new[0].shape}")
        if self._like is not None:
            for part, held, name in zip(new, self._like, ("keys", "values"), strict=True):
                if part.shape[:2] != held.shape[:2] or part.dtype != held.dtype:
                    raise InvalidArgument(f"{name}: {part.shape} of {part.dtype} does not go on from "
                                          f"{held.shape[:2]} of {held.dtype}")  # fmt: skip
                if part.shape[3] != held.shape[3]:
                    raise DimensionMismatch(
                        f"{name}: expected {held.shape[3]} dimensions, found {part.shape[3]}"
                    )
        counts = lengths_of(lengths, new[0].shape[0], new[0].shape[2])
        fresh = np.arange(new[0].shape[2]) < counts[:, None]
        for part, name in zip(new, ("keys", "values"), strict=True):
            broken = ~opened(np.isfinite(floats(part)).all((1, 3)), name) & fresh
            if broken.any():
                where = np.argwhere(broken)[0]
                raise InvalidArgument(f"{name}[{where[0]}]: token {where[1]} has a number that is not finite")
        like = self._like or (new[0][:, :, :0].copy(), new[1][:, :, :0].copy())
        tails = self._tails or [_Tail(like[0][at], like[1][at]) for at in range(len(counts))]
        # On a GPU all that is ready is made at once, where its codes are those of each block.
        in_runs = self._backend == "cuda" and all(codec.cuts for codec in self._codecs)
        settings = self._codecs, self._n_sink, self._residual, self._block

        def grown(way: _Made) -> list[_Tail]:
            return [
                tail.grown(new[0][index, :, :count], new[1][index, :, :count], *settings, way, in_runs)
                for index, (tail, count) in enumerate(zip(tails, counts, strict=True))
            ]

        # All have grown before any is changed: what cannot be quantized loses nothing.
        longer, other = grown(made), again()
        self._tails, self._like = longer if other is None else grown(other), like

    @property
    def heads(self) -> int:
        """Heads of keys; 1 before the first tokens."""
        return 1 if self._like is None else self._like[0].shape[1]

    @property
    def dim(self) -> int:
        """Dimensions of a key; 1 before the first tokens."""
        return 1 if self._like is None else self._like[0].shape[3]

    @property
    def value_dim(self) -> int:
        """Dimensions of a value; 1 before the first tokens."""
        return 1 if self._like is None else self._like[1].shape[3]

    @property
    def seen(self) -> npt.NDArray[np.int64]:
        """Tokens that came to each sequence, ``[batch]``."""
        return np.array([tail.seen for tail in self._tails or ()], dtype=np.int64)

    @property
    def nbytes(self) -> int:
        """Bytes held: codes, what they mean, sinks and the newest tokens; what is shared counts once."""
        parts = {
            id(part): part.nbytes
            for index in range(len(self._tails or ()))
            for segment in self.segments(index)
            for part in (*segment.keys.parts.values(), *segment.values.parts.values())
        }
        return sum(parts.values())

    def take(self, sequences: Iterable[int]) -> None:
        """Make the cache one of these of its sequences, which may come several times and share their blocks.

        Raises
        ------
        InvalidArgument
            If there is no such sequence.
        """
        tails, chosen = self._tails or [], list(sequences)
        for index in chosen:
            if not 0 <= index < len(tails):
                raise InvalidArgument(f"sequences: {index} of {len(tails)}")
        if self._tails is not None and self._like is not None:
            self._tails = [tails[index] for index in chosen]
            self._like = self._like[0][chosen], self._like[1][chosen]

    def drop_newest(self, counts: Foreign) -> None:
        """Forget the newest tokens of each sequence, so many as `counts` has for it.

        Raises
        ------
        InvalidArgument
            If some of them are codes already; then none is forgotten.
        """
        tails = self._tails or []
        gone = lengths_of(counts, len(tails), int(self.seen.max(initial=0)), "counts")
        shorter = [tail.without_newest(int(count)) for tail, count in zip(tails, gone, strict=True)]
        self._tails = None if self._tails is None else shorter

    def segments(self, index: int) -> Iterator[Segment]:
        """Yield sinks, quantized blocks and the newest tokens of a sequence, in order."""
        if self._tails is not None:
            yield from self._tails[index].segments()


class _Tail:
    """One sequence, as it was after one call."""

    def __init__(self, keys: Array, values: Array) -> None:
        self.sinks = keys, values
        self.rest = keys, values
        self.blocks: list[_Block] = []
        self.seen = 0

    def grown(
        self,
        keys: Array,
        values: Array,
        codecs: tuple[Codec, Codec],
        n_sink: int,
        residual: int,
        block: int,
        made: "_Made",
        in_runs: bool,
    ) -> "_Tail":
        """Return the sequence with more tokens, and what has become old enough in blocks."""
        first = min(max(n_sink - self.seen, 0), keys.shape[1])
        tail = _Tail(keys, values)
        tail.seen = self.seen + keys.shape[1]
        tail.sinks = _longer(self.sinks, keys[:, :first], values[:, :first]) if first else self.sinks
        rest = _longer(self.rest, keys[:, first:], values[:, first:])
        ready = max(rest[0].shape[1] - residual, 0) // block * block
        step = max(ready, 1) if in_runs else block
        new = [
            _block([part[:, start : start + step] for part in rest], codecs, made)
            for start in range(0, ready, step)
        ]
        tail.blocks = [*self.blocks, *new] if new else self.blocks
        tail.rest = (rest[0][:, ready:].copy(), rest[1][:, ready:].copy()) if ready else rest
        return tail

    def without_newest(self, count: int) -> "_Tail":
        """Return the sequence without its newest tokens, none of which may be in a block."""
        from_rest = min(count, self.rest[0].shape[1])
        from_sinks = count - from_rest
        if from_sinks and (self.blocks or from_sinks > self.sinks[0].shape[1]):
            raise InvalidArgument(f"counts: {count} newest tokens, of which {from_rest} are as they came")
        tail = _Tail(*self.sinks)
        tail.seen, tail.blocks = self.seen - count, self.blocks
        tail.sinks = self.sinks if not from_sinks else _shorter(self.sinks, from_sinks)
        tail.rest = _shorter(self.rest, from_rest)
        return tail

    def segments(self) -> Iterator[Segment]:
        start = self.sinks[0].shape[1]
        if start:
            yield self._plain(self.sinks, 0)
        # Where a block lies follows from those before: no positions are held.
        for keys, values in self.blocks:
            yield Segment(0, keys, values, _counted(start, start + keys.shape[1]))
            start += keys.shape[1]
        yield self._plain(self.rest, start)

    @staticmethod
    def _plain(rows: tuple[Array, Array], start: int) -> Segment:
        parts = [Quantized(Plain(part.dtype.itemsize), {"rows": part}, part.shape) for part in rows]
        return Segment(0, parts[0], parts[1], _counted(start, start + rows[0].shape[1]))


_NUMBERS = [np.arange(0)]
"""The numbers from zero on, as many as were asked for."""


def _counted(start: int, stop: int) -> npt.NDArray[np.int64]:
    """Return numbers one after another, not to be written to: a part of those that are there already."""
    if len(_NUMBERS[0]) < stop:
        numbers_from_zero = np.arange(max(stop, 2 * len(_NUMBERS[0])))
        numbers_from_zero.flags.writeable = False
        _NUMBERS[0] = numbers_from_zero
    return _NUMBERS[0][start:stop]


_Block = tuple[Quantized, Quantized]
_Made = Callable[[Codec, Array], Quantized]
"""Quantizes finite rows ``[heads, n, d]``."""


def _block(rows: list[Array], codecs: tuple[Codec, Codec], made: _Made) -> _Block:
    keys, values = (made(codec, part) for codec, part in zip(codecs, rows, strict=True))
    return keys, values


def _longer(rows: tuple[Array, Array], keys: Array, values: Array) -> tuple[Array, Array]:
    return np.concatenate([rows[0], keys], 1), np.concatenate([rows[1], values], 1)


def _shorter(rows: tuple[Array, Array], count: int) -> tuple[Array, Array]:
    left = rows[0].shape[1] - count
    return rows[0][:, :left].copy(), rows[1][:, :left].copy()
