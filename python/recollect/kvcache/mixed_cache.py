"""A cache after eviction: each token of a head is gone, or kept in one of several ways."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

import numpy as np
import numpy.typing as npt

from recollect.errors import InvalidArgument
from recollect.kvcache.arrays import Array, Foreign, numbers, received, table_of
from recollect.kvcache.backends import chosen
from recollect.kvcache.quantizers.codec import Codec
from recollect.kvcache.quantizers.encoding import encoded
from recollect.kvcache.quantizers.kinds import codec_of
from recollect.kvcache.quantizers.on_gpu import encoded_there
from recollect.kvcache.quantizers.quantized import Quantized
from recollect.kvcache.segments import Segment
from recollect.kvcache.selection import Kept

__all__ = ["MixedCache", "States"]

States = Mapping[int, tuple[str | Codec, str | Codec]]
"""What a state of a token means: the quantizers of its key and its value; state 0 is gone."""


class MixedCache:
    """Keys and values of one layer, head by head, each token in the state given to it.

    Tokens of a head in one state lie together, in their order; bytes of the others are free.

    Parameters
    ----------
    keys, values
        ``[batch, heads, tokens, d]``.
    states
        ``[batch, heads, tokens]``, whole numbers; or what is kept, all of it in state 1.
    codecs
        Quantizers of keys and values for each state but 0.
    backend
        ``"cuda"`` holds all of it on a GPU, which is the default where keys and values lie there; else it is
        in the memory of the CPU, and ``"rust"`` or ``"numpy"`` makes the codes, which are the same bits.

    Raises
    ------
    InvalidArgument
        If shapes do not belong together, a state has no quantizers, or a kept number is not finite.
    """

    def __init__(
        self,
        keys: Foreign,
        values: Foreign,
        states: Foreign | Kept,
        codecs: States,
        *,
        backend: str | None = None,
    ) -> None:
        own = chosen(backend, keys, values)
        if own != "cuda":
            rows = received(keys, "keys", 4), received(values, "values", 4)
            self._fill(rows, states, codecs, lambda part: part, numbers, partial(_made, own))
            return
        # Loaded for those alone who use it.
        from recollect.gpu.frames import frame_of
        from recollect.kvcache.cuda.floats import floats_on
        from recollect.kvcache.cuda.working import received_on, working

        with working(keys, values) as device:
            origin = frame_of(keys, "keys")

            def made(codec: Codec, part: Array) -> Quantized:
                return Quantized(codec, encoded_there(device, codec, part), part.shape, origin=origin)

            rows = received_on(device, keys, "keys", 4), received_on(device, values, "values", 4)
            floats = partial(floats_on, device)
            self._fill(rows, states, codecs, device.xp.asarray, floats, made)

    def _fill(
        self,
        rows: tuple[Array, Array],
        states: Foreign | Kept,
        codecs: States,
        places: Callable[[Array], Array],
        floats: Callable[[Array], Array],
        made: Callable[[Codec, Array], Quantized],
    ) -> None:
        table = states.mask().astype(np.uint8) if isinstance(states, Kept) else table_of(states, "states")
        if table.dtype.kind not in "iu" or table.shape != rows[0].shape[:3]:
            raise InvalidArgument(f"states: expected whole numbers {rows[0].shape[:3]}, found {table.shape}")
        if rows[1].shape[:3] != table.shape:
            raise InvalidArgument(f"values: {rows[1].shape} does not belong to keys of {rows[0].shape}")
        pairs = {
            state: (codec_of(pair[0], "keys"), codec_of(pair[1], "values")) for state, pair in codecs.items()
        }
        unknown = set(np.unique(table).tolist()) - set(pairs) - {0}
        if unknown:
            raise InvalidArgument(f"states: no quantizers for {sorted(unknown)}")
        self._shape = rows[0].shape
        self._value_dim = rows[1].shape[3]
        self._segments = [
            [
                _segment(rows, (batch, head), where, pairs[state], places, floats, made)
                for head in range(table.shape[1])
                for state in sorted(pairs)
                if state and len(where := np.flatnonzero(table[batch, head] == state))
            ]
            for batch in range(table.shape[0])
        ]

    @property
    def heads(self) -> int:
        """Heads of keys."""
        return int(self._shape[1])

    @property
    def dim(self) -> int:
        """Dimensions of a key."""
        return int(self._shape[3])

    @property
    def value_dim(self) -> int:
        """Dimensions of a value."""
        return int(self._value_dim)

    @property
    def seen(self) -> npt.NDArray[np.int64]:
        """Tokens of the cache before eviction, for each sequence, ``[batch]``."""
        return np.full(self._shape[0], self._shape[2], dtype=np.int64)

    @property
    def nbytes(self) -> int:
        """Bytes held: codes, what they mean, and positions."""
        return sum(segment.nbytes for sequence in self._segments for segment in sequence)

    def segments(self, index: int) -> Iterator[Segment]:
        """Yield what is held of one sequence: for each head, its states in order."""
        yield from self._segments[index]


def _made(backend: str, codec: Codec, part: Array) -> Quantized:
    return Quantized(codec, encoded(codec, part, backend), part.shape)


def _segment(
    rows: tuple[Array, Array],
    at: tuple[int, int],
    where: Array,
    codecs: tuple[Codec, Codec],
    places: Callable[[Array], Array],
    floats: Callable[[Array], Array],
    made: Callable[[Codec, Array], Quantized],
) -> Segment:
    # A position takes the least bytes that the length of the sequence allows.
    positions = where.astype(np.min_scalar_type(max(rows[0].shape[2] - 1, 0)))
    parts = []
    for part, codec, name in zip(rows, codecs, ("keys", "values"), strict=True):
        staying = part[at][places(where)][None]
        if not bool(np.isfinite(floats(staying)).all()):
            raise InvalidArgument(
                f"{name}[{at[0]}, {at[1]}]: a token to keep has a number that is not finite"
            )
        parts.append(made(codec, staying))
    return Segment(at[1], parts[0], parts[1], positions)
