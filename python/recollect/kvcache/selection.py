"""Which tokens stay: the best of each head within its budget, in the order they were in."""

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from recollect import _native
from recollect.checks import count_of
from recollect.errors import InvalidArgument, WrongType
from recollect.kvcache.arrays import Array, Foreign, numbers, opened, received, table_of
from recollect.kvcache.backends import chosen, threads_for

__all__ = ["Kept", "select"]

Places = npt.NDArray[np.int32]


class Kept:
    """Tokens that stay, head by head; heads may keep different numbers of them.

    All of it may lie on a GPU that still works on it: ``lying`` are the indices as they do, and the others
    come to the memory of the CPU when they are asked for.

    Parameters
    ----------
    indices
        Where they are in the cache, int32 ``[n]``, ascending within a head; heads lie one after another,
        those of the first sequence first.
    cu_len
        Where each head begins and the last one ends, int32 ``[batch * heads + 1]``.
    positions
        Which positions of the sequence they hold, int32 ``[n]``.
    shape
        Batch, heads and tokens of the cache.
    ready
        Waits until the arrays are there. Then `indices` and `positions` may go on behind the last head.
    """

    __slots__ = ("_cu_len", "_indices", "_lying", "_positions", "_ready", "_there", "shape")

    def __init__(
        self,
        indices: Array,
        cu_len: Places,
        positions: Array,
        shape: tuple[int, int, int],
        ready: Callable[[], object] | None = None,
    ) -> None:
        self._indices, self._positions, self._lying = indices, positions, indices
        self._cu_len, self.shape, self._ready = cu_len, shape, ready
        self._there = indices, cu_len

    @property
    def cu_len(self) -> Places:
        """Where each head begins and the last one ends, int32 ``[batch * heads + 1]`` of NumPy."""
        self._settle()
        return self._cu_len

    @property
    def there(self) -> tuple[Array, Array]:
        """The indices and where heads begin, where they lie, without waiting for a GPU that works on them.

        Then nobody knows yet how many stay: the indices may go on behind the last head.
        """
        return self._there

    @property
    def lying(self) -> Array:
        """The indices where they lie."""
        self._settle()
        return self._lying

    @property
    def indices(self) -> Places:
        """Where they are in the cache, int32 ``[n]`` of NumPy."""
        self._settle()
        self._indices = opened(self._indices, "indices")
        return self._indices

    @property
    def positions(self) -> Places:
        """Which positions of the sequence they hold, int32 ``[n]`` of NumPy."""
        self._settle()
        self._positions = opened(self._positions, "positions")
        return self._positions

    def __reduce__(self) -> tuple[type["Kept"], tuple[Places, Places, Places, tuple[int, int, int]]]:
        # A copy lies in the memory of the CPU: what a GPU works on goes to no other process.
        return type(self), (self.indices, self.cu_len, self.positions, self.shape)

    def _settle(self) -> None:
        if self._ready is not None:
            self._ready()
            self._cu_len = opened(self._cu_len, "cu_len")
            kept = int(self._cu_len[-1])
            self._indices, self._positions = self._indices[:kept], self._positions[:kept]
            self._lying, self._ready = self._indices, None

    @property
    def counts(self) -> npt.NDArray[np.int32]:
        """Tokens of each head, ``[batch, heads]``."""
        return np.diff(self.cu_len).astype(np.int32).reshape(self.shape[:2])

    def by_head(self) -> Iterator[tuple[tuple[int, int], Places]]:
        """Yield each pair of sequence and head with its indices."""
        for at in range(self.shape[0] * self.shape[1]):
            yield divmod(at, self.shape[1]), self.indices[self.cu_len[at] : self.cu_len[at + 1]]

    def mask(self) -> npt.NDArray[np.bool_]:
        """Return what stays as true, ``[batch, heads, tokens]``."""
        mask = np.zeros(self.shape, dtype=bool)
        for (batch, head), indices in self.by_head():
            mask[batch, head, indices] = True
        return mask

    @classmethod
    def of_mask(cls, mask: npt.NDArray[np.bool_], positions: Foreign | None = None) -> "Kept":
        """Return what a mask ``[batch, heads, tokens]`` keeps."""
        if mask.ndim != 3:
            raise InvalidArgument(f"mask: expected 3 axes, found the shape {mask.shape}")
        batch, heads, tokens = mask.shape
        counts = mask.sum(-1).reshape(-1)
        indices = np.nonzero(mask)[2].astype(np.int32)
        cu_len = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
        held = indices if positions is None else _positions(positions, mask.shape)[mask]
        return cls(indices, cu_len, held, (batch, heads, tokens))


def select(
    scores: Foreign,
    budget: int | npt.ArrayLike | None = None,
    *,
    n_sink: int = 4,
    n_recent: int = 0,
    threshold: float | None = None,
    positions: Foreign | None = None,
    backend: str | None = None,
    threads: int | None = None,
) -> Kept:
    """Choose the tokens that stay.

    Parameters
    ----------
    scores
        ``[batch, heads, tokens]``, higher stays; minus infinity and what is not a number never do.
    budget
        Tokens of a head: one number, or an array ``[heads]`` or ``[batch, heads]``; None sets no limit. A
        head that has tokens keeps one at least: attention to nothing has no value.
    n_sink, n_recent
        First and last tokens that stay before any others. Where the budget is smaller, the first come first,
        then the newest.
    threshold
        The others stay only if they score at least this.
    positions
        Of the tokens in their sequences, ``[batch, tokens]`` or ``[batch, heads, tokens]``; by default where
        they are.
    backend
        ``"rust"``, which is the default, ``"numpy"``, or ``"cuda"``, the default for scores on a GPU; what
        stays is the same. float64 is ranked by NumPy.
    threads
        Threads that work on it; by default as many as are worth it.

    Returns
    -------
    Kept
        Ties go to the lower position.

    Raises
    ------
    InvalidArgument
        If the budget has another shape or is below zero.
    """
    backend = chosen(backend, scores)
    n_sink, n_recent = count_of(n_sink, "n_sink"), count_of(n_recent, "n_recent")
    if backend == "cuda":
        there = _on_gpu(scores, budget, n_sink, n_recent, threshold, positions)
        if there is not None:
            return there
    found: Array = numbers(received(scores, "scores", 3))
    batch, heads, tokens = found.shape
    limits = _limits(budget, batch, heads, tokens)
    if backend == "rust" and found.dtype != np.float64:
        flat = np.ascontiguousarray(found, dtype=np.float32)
        indices, cu_len = _native.kvcache_select(
            flat.reshape(-1),
            tokens,
            [int(limit) for limit in limits.reshape(-1)],
            n_sink,
            n_recent,
            threshold,
            threads_for(threads, flat.nbytes * 8),
        )
        if positions is None:
            held = indices
        else:
            owner = np.repeat(np.arange(batch * heads), np.diff(cu_len))
            held = _positions(positions, found.shape).reshape(-1, tokens)[owner, indices]
        return Kept(indices, cu_len, held, (batch, heads, tokens))
    mask = np.zeros(found.shape, dtype=bool)
    for at in np.ndindex(batch, heads):
        row = found[at]
        alive = np.flatnonzero(row > -np.inf)
        mask[at][_best(row, alive, int(limits[at]), n_sink, n_recent, threshold)] = True
    return Kept.of_mask(mask, positions)


def _on_gpu(
    scores: Foreign,
    budget: int | npt.ArrayLike | None,
    n_sink: int,
    n_recent: int,
    threshold: float | None,
    positions: Foreign | None,
) -> Kept | None:
    """Return what kernels choose; None for float64, which they do not rank."""
    # Loaded for those alone who use it.
    from recollect.kvcache.cuda.selection import chosen_tokens
    from recollect.kvcache.cuda.working import finishing, received_on, working

    with working(scores) as device:
        found = received_on(device, scores, "scores", 3)
        if found.dtype.name not in ("float32", "float16"):
            return None
        limits = _limits(budget, *found.shape)
        rows = device.xp.ascontiguousarray(found, np.float32)
        places = (
            None
            if positions is None
            else device.xp.asarray(np.ascontiguousarray(_positions(positions, found.shape)))
        )
        indices, held, cu_len = chosen_tokens(device, rows, limits, n_sink, n_recent, threshold, places)
        return Kept(indices, cu_len, held, found.shape, finishing(device))


def _best(
    row: Array, alive: Array, limit: int, n_sink: int, n_recent: int, threshold: float | None
) -> npt.NDArray[np.intp]:
    order, score = np.zeros(len(alive)), row[alive].astype(np.float64)
    recent = slice(max(len(alive) - n_recent, 0), None)
    order[recent], score[recent] = 1, alive[recent]
    order[:n_sink], score[:n_sink] = 2, 0
    ranked = np.lexsort((alive, -score, -order))
    if threshold is not None:
        passes = (order > 0) | (score >= threshold)
        ranked = ranked[passes[ranked]] if passes.any() else ranked[:1]
    chosen: npt.NDArray[np.intp] = alive[ranked[: max(limit, 1)]]
    return chosen


def _limits(budget: int | npt.ArrayLike | None, batch: int, heads: int, tokens: int) -> Array:
    limits = table_of(tokens if budget is None else budget, "budget")
    if limits.dtype.kind not in "iu":
        raise WrongType(f"budget: expected whole numbers of tokens, found {limits.dtype}")
    if limits.shape not in ((), (heads,), (batch, heads)):
        raise InvalidArgument(
            f"budget: expected a number, ({heads},) or ({batch}, {heads}), found {limits.shape}"
        )
    if limits.size and limits.min() < 0:
        raise InvalidArgument(f"budget: expected none below 0, found {limits.min()}")
    return np.broadcast_to(limits, (batch, heads))


def _positions(positions: Foreign, shape: tuple[int, ...]) -> Places:
    found = table_of(positions, "positions")
    if found.dtype.kind not in "iu":
        raise WrongType(f"positions: expected whole numbers, found {found.dtype}")
    wide = found[:, None] if found.ndim == 2 else found
    if wide.ndim != 3 or wide.shape not in ((shape[0], 1, shape[2]), shape):
        raise InvalidArgument(f"positions: expected ({shape[0]}, {shape[2]}) or {shape}, found {found.shape}")
    return np.broadcast_to(wide, shape).astype(np.int32)
