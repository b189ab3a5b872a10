"""A cache whose keys and values are kept as they are, where they lie."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from recollect.errors import InvalidArgument
from recollect.kvcache.arrays import Array, Foreign, lengths_of, opened
from recollect.kvcache.backends import chosen
from recollect.kvcache.compaction import Ragged
from recollect.kvcache.layer import arrays_of
from recollect.kvcache.quantizers.plain import Plain
from recollect.kvcache.quantizers.quantized import Quantized
from recollect.kvcache.segments import Segment

__all__ = ["PlainCache"]


class PlainCache:
    """Keys and values of one layer in the caller's memory: nothing is copied, on a CPU or a CUDA device.

    What is written to the arrays later is seen.

    Parameters
    ----------
    keys, values
        ``[batch, heads, tokens, d]`` and ``[batch, heads, tokens, d_v]``.
    lengths
        Tokens of each sequence, ``[batch]``, where the padding is on the right.
    backend
        ``"cuda"``, the default for arrays on a GPU, leaves them there.

    Raises
    ------
    InvalidArgument
        If shapes do not belong together.
    WrongType
        If something is no array of floats that can be read.
    """

    def __init__(
        self, keys: Foreign, values: Foreign, *, lengths: Foreign | None = None, backend: str | None = None
    ) -> None:
        found = arrays_of(chosen(backend, keys, values), {"keys": keys, "values": values})
        rows, held = found["keys"], found["values"]
        if held.shape[:3] != rows.shape[:3]:
            raise InvalidArgument(f"values: expected {rows.shape[:3]} and d, found {held.shape}")
        batch, heads, tokens, dim = rows.shape
        self._shape: tuple[int, int, int, int] = (batch, heads, dim, held.shape[3])
        self._seen = lengths_of(lengths, batch, tokens)
        self._rows: tuple[Array, Array] | None = (rows, held)
        self._segments: list[list[Segment]] = []

    @classmethod
    def of_ragged(
        cls, ragged: Ragged, *, seen: Foreign | None = None, backend: str | None = None
    ) -> "PlainCache":
        """Return a cache over what was compacted.

        Parameters
        ----------
        ragged
            Heads of different lengths.
        seen
            Tokens that came to each sequence, ``[batch]``; by default one more than its last position.
        backend
            As above.
        """
        given = {"keys": ragged.keys, "values": ragged.values}
        found = arrays_of(chosen(backend, *given.values()), given, ndim=2)
        batch, heads = ragged.shape
        cache = cls.__new__(cls)
        cache._shape = (batch, heads, found["keys"].shape[1], found["values"].shape[1])
        positions = opened(ragged.positions, "positions")
        bounds = opened(ragged.cu_len, "cu_len").tolist()
        cache._rows, cache._segments = None, []
        for index in range(batch):
            parts = [slice(*bounds[at : at + 2]) for at in range(index * heads, (index + 1) * heads)]
            cache._segments.append(
                [
                    _segment(head, found["keys"][None, rows], found["values"][None, rows], positions[rows])
                    for head, rows in enumerate(parts)
                ]
            )
        last = [
            max((int(one.positions[-1]) + 1 for one in many if len(one.positions)), default=0)
            for many in cache._segments
        ]
        cache._seen = (
            np.asarray(last, dtype=np.int64)
            if seen is None
            else lengths_of(seen, batch, np.iinfo(np.int32).max, "seen")
        )
        return cache

    @property
    def heads(self) -> int:
        """Heads of keys."""
        return self._shape[1]

    @property
    def dim(self) -> int:
        """Dimensions of a key."""
        return self._shape[2]

    @property
    def value_dim(self) -> int:
        """Dimensions of a value."""
        return self._shape[3]

    @property
    def seen(self) -> npt.NDArray[np.int64]:
        """Tokens that came to each sequence, ``[batch]``."""
        return self._seen

    @property
    def whole(self) -> tuple[Array, Array] | None:
        """Keys and values of all sequences, ``[batch, heads, tokens, d]``, where none is padded."""
        if self._rows is None or not (self._seen == self._rows[0].shape[2]).all():
            return None
        return self._rows

    def segments(self, index: int) -> Iterator[Segment]:
        """Yield what is held of one sequence."""
        if self._rows is None:
            yield from self._segments[index]
            return
        n = int(self._seen[index])
        keys, values = (part[index, :, :n] for part in self._rows)
        yield _segment(0, keys, values, np.arange(n, dtype=np.int32))


def _segment(first: int, keys: Array, values: Array, positions: Array) -> Segment:
    kept, held = (Quantized(Plain(part.itemsize), {"rows": part}, part.shape) for part in (keys, values))
    return Segment(first, kept, held, positions)
