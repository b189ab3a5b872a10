"""Moving what stays together, so that what goes frees its bytes."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from recollect import _native
from recollect.errors import InvalidArgument, WrongType
from recollect.kvcache.arrays import Array, Foreign, opened, received, returned
from recollect.kvcache.backends import chosen, threads_for
from recollect.kvcache.rotary import Rope
from recollect.kvcache.selection import Kept
from recollect.kvcache.tensors import is_tensor, memory_of

__all__ = ["Ragged", "compact", "compact_in_place"]


@dataclass(frozen=True, slots=True, eq=False)
class Ragged:
    """Heads of different lengths, one after another in flat arrays, as kernels of that kind take them.

    Attributes
    ----------
    keys, values
        ``[n, d]`` and ``[n, d_v]``, in the type and the framework they came in.
    cu_len
        Where each head begins and the last one ends, int32 ``[batch * heads + 1]``.
    positions
        int32 ``[n]``, ascending within a head.
    shape
        Batch and heads.
    nbytes
        Bytes held, positions and bounds included.
    """

    keys: Foreign
    values: Foreign
    cu_len: npt.NDArray[np.int32]
    positions: npt.NDArray[np.int32]
    shape: tuple[int, int]
    nbytes: int

    def head(self, batch: int, head: int) -> tuple[Foreign, Foreign, npt.NDArray[np.int32]]:
        """Return keys, values and positions of one head."""
        at = batch * self.shape[1] + head
        rows = slice(int(self.cu_len[at]), int(self.cu_len[at + 1]))
        return self.keys[rows, :], self.values[rows, :], self.positions[rows]


def compact(
    keys: Foreign,
    values: Foreign,
    kept: Kept,
    *,
    rope: Rope | None = None,
    backend: str | None = None,
    threads: int | None = None,
) -> Ragged:
    """Copy what stays into flat arrays.

    Parameters
    ----------
    keys, values
        ``[batch, heads, tokens, d]``; their bits are copied, not converted.
    kept
        What stays.
    rope
        How the keys were turned: they are turned to the positions 0, 1, 2 ... of each head, which become
        theirs; None leaves keys and positions alone. NumPy turns them in float64, a GPU in float32 by angles
        of float64.
    backend
        ``"rust"``, ``"numpy"`` or ``"cuda"``; by default Rust, or the GPU for arrays there.
    threads
        Threads that work on it; by default as many as are worth it.

    Raises
    ------
    InvalidArgument
        If `kept` is of a cache of another shape.
    """
    own = chosen(backend, keys, values)
    if own == "cuda":
        return _compacted_on_gpu(keys, values, kept, rope)
    found = [
        _fitting(received(part, name, 4), name, kept) for part, name in ((keys, "keys"), (values, "values"))
    ]
    counts = kept.counts.reshape(-1)
    owner = np.repeat(np.arange(len(counts)), counts)
    batch, head = np.divmod(owner, kept.shape[1])
    if own == "rust":
        rows_k, rows_v = (_gathered(part, kept, threads) for part in found)
    else:
        rows_k, rows_v = (part[batch, head, kept.indices] for part in found)
    positions = kept.positions
    if rope is not None:
        new = _from_the_start(kept)
        rows_k, positions = rope.moved(rows_k, new - positions), new
    nbytes = sum(part.nbytes for part in (rows_k, rows_v, kept.cu_len, positions))
    moved = returned(rows_k, keys), returned(rows_v, values)
    return Ragged(*moved, kept.cu_len, positions, kept.shape[:2], nbytes)


def compact_in_place(
    keys: Foreign, values: Foreign, kept: Kept, *, backend: str | None = None
) -> npt.NDArray[np.int32]:
    """Move what stays to the front of its head, in the arrays themselves.

    Tokens only ever move down, and in their order, so that none is overwritten before it has moved. What lies
    behind the front is left as it is.

    Parameters
    ----------
    keys, values
        ``[batch, heads, tokens, d]``: NumPy arrays, arrays on a GPU, or what lets NumPy write to its memory
        by DLPack.
    kept
        What stays.
    backend
        ``"rust"``, ``"numpy"`` or ``"cuda"``; by default Rust, or the GPU for arrays there.

    Returns
    -------
    numpy.ndarray
        Tokens of each head, int32 ``[batch, heads]``.

    Raises
    ------
    WrongType
        If an array does not share its memory.
    InvalidArgument
        If an array cannot be written, or `kept` is of a cache of another shape.
    """
    own = chosen(backend, keys, values)
    if own == "cuda":
        _move_on_gpu(keys, values, kept)
        return kept.counts
    parts = [_writable(part, name, kept) for part, name in ((keys, "keys"), (values, "values"))]
    if own == "rust" and all(
        part.size and part[0, 0].flags.c_contiguous and part.flags.aligned for part in parts
    ):
        for part in parts:
            _native.kvcache_move_front(_as_words(part), kept.indices, kept.cu_len)
        return kept.counts
    for (batch, head), indices in kept.by_head():
        for part in parts:
            part[batch, head, : len(indices)] = part[batch, head, indices]
    return kept.counts


def _compacted_on_gpu(keys: Foreign, values: Foreign, kept: Kept, rope: Rope | None) -> Ragged:
    # Loaded for those alone who use it.
    from recollect.kvcache.cuda.compaction import Staying, gathered, gathered_and_turned
    from recollect.kvcache.cuda.handing import handed
    from recollect.kvcache.cuda.working import received_on, working

    with working(keys, values) as device:
        found = [
            _fitting(received_on(device, part, name, 4), name, kept)
            for part, name in ((keys, "keys"), (values, "values"))
        ]
        staying, positions = Staying.on(device, kept.lying, kept.cu_len), kept.positions
        rows = handed(device, found[0]) if rope is not None else None
        if rope is not None and rows is not None:
            turns = rope.frequencies(found[0].shape[3])
            moved = gathered_and_turned(device, rows, staying, positions, turns, rope.interleaved)
        else:
            moved = gathered(device, found[0], staying)
        if rope is not None:
            new = _from_the_start(kept)
            if rows is None:  # Kernels do not turn float64.
                moved = device.xp.asarray(rope.moved(opened(moved, "keys"), new - positions))
            positions = new
        others = gathered(device, found[1], staying)
        nbytes = sum(part.nbytes for part in (moved, others, kept.cu_len, positions))
        both = returned(moved, keys), returned(others, values)
        return Ragged(*both, kept.cu_len, positions, kept.shape[:2], nbytes)


def _move_on_gpu(keys: Foreign, values: Foreign, kept: Kept) -> None:
    from recollect.gpu.frames import frame_of
    from recollect.kvcache.cuda.compaction import Staying, moved_to_front
    from recollect.kvcache.cuda.working import received_on, working

    with working(keys, values) as device:
        parts = []
        for part, name in ((keys, "keys"), (values, "values")):
            if frame_of(part, name).device is None and device.xp is not np:
                raise WrongType(f"{name}: in the memory of the CPU, where no GPU can move it")
            parts.append(_fitting(received_on(device, part, name, 4), name, kept))
        staying = Staying.on(device, kept.lying, kept.cu_len)
        for part in parts:
            moved_to_front(device, part, staying)


def _from_the_start(kept: Kept) -> npt.NDArray[np.int32]:
    """Return 0, 1, 2 ... of each head."""
    starts = np.repeat(kept.cu_len[:-1], kept.counts.reshape(-1))
    found: npt.NDArray[np.int32] = (np.arange(len(starts)) - starts).astype(np.int32)
    return found


def _as_words(part: Array) -> Array:
    return part.view(f"u{part.itemsize}")


def _gathered(part: Array, kept: Kept, threads: int | None) -> Array:
    at_equal_steps = not part.size or (
        part[0, 0].flags.c_contiguous or part[0].swapaxes(0, 1).flags.c_contiguous
    )
    whole = part if part.flags.aligned and at_equal_steps else part.copy()
    moving = threads_for(threads, len(kept.indices) * part.shape[3] * part.itemsize)
    moved: Array = _native.kvcache_gather(_as_words(whole), kept.indices, kept.cu_len, moving)
    return moved.view(part.dtype).reshape(-1, part.shape[3])


def _writable(part: Foreign, name: str, kept: Kept) -> Array:
    try:
        # What is not an array here has to be its memory: a copy of it would be compacted for nothing.
        found: Array = (
            part
            if isinstance(part, np.ndarray)
            else memory_of(part)
            if is_tensor(part)
            else np.from_dlpack(part)
        )
    except (AttributeError, BufferError, RuntimeError, TypeError, ValueError) as error:
        raise WrongType(f"{name}: {type(part).__name__} does not share its memory ({error})") from error
    if found.ndim != 4 or not _fitting(found, name, kept).flags.writeable:
        raise InvalidArgument(
            f"{name}: expected 4 axes that can be written, found {found.shape}, or read-only"
        )
    return found


def _fitting(part: Array, name: str, kept: Kept) -> Array:
    if part.shape[:3] != kept.shape:
        raise InvalidArgument(f"{name}: {part.shape[:3]}, but what is kept is of {kept.shape}")
    return part
