"""What one attention layer holds, and its sequences one by one.

Every method sees one sequence at a time, without its padding, in float64: so no result depends on what else
is in the batch, and rounding to float32 is the last step.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from recollect.errors import DimensionMismatch, InvalidArgument, WrongType
from recollect.kvcache.arrays import Array, Foreign, lengths_of, numbers, opened, received, returned
from recollect.kvcache.backends import chosen, threads_for
from recollect.kvcache.lending import lent

if TYPE_CHECKING:
    from recollect.kvcache.cuda.cached import Cached

__all__ = ["Layer", "Sequence", "arrays_of"]

Places = npt.NDArray[np.int64]
_PARTS = ("keys", "values", "queries")


@dataclass(frozen=True, slots=True, eq=False)
class Sequence:
    """The `n` tokens of one sequence that count; those with a number that is not finite do not.

    Attributes
    ----------
    index
        Its place in the batch.
    length
        Its tokens, those that do not count among them.
    tokens
        Where its `n` tokens are in the arrays of the layer, ascending.
    places
        Which tokens of the sequence they are, ascending, below `length`.
    keys, values
        float64 ``[heads, n, d]``; `values` may be empty where the layer has none.
    queries
        float64 ``[heads, group, w, d]``: those of the last tokens, grouped by the head they share.
    query_places
        Which tokens of the sequence the queries belong to, ascending.
    """

    index: int
    length: int
    tokens: Places
    places: Places
    keys: Array
    values: Array
    queries: Array
    query_places: Places

    def __len__(self) -> int:
        return len(self.places)


@dataclass(frozen=True, slots=True, eq=False)
class Native:
    """A layer as the native half takes it: arrays with the form of their elements."""

    keys: Any
    values: Any
    queries: Any
    present: npt.NDArray[np.bool_]
    threads: int


class Layer:
    """Keys of one attention layer, with what else is known of it.

    Parameters
    ----------
    keys
        ``[batch, heads, tokens, d]``, as the attention reads them (after RoPE), in any framework, on the CPU
        or a CUDA device.
    values
        ``[batch, heads, tokens, d_v]``.
    queries
        ``[batch, query_heads, w, d]`` of the last `w` tokens; `query_heads` is a multiple of `heads`, and the
        query heads that share a head lie together. With ``w == tokens`` they are padded as the keys are; else
        they end with the last token of each sequence, and a shorter one uses its last ones.
    lengths
        Tokens of each sequence, ``[batch]``, where the padding is on the right.
    mask
        ``[batch, tokens]``, true for a token and false for padding, wherever that is; instead of `lengths`.
    strict
        Refuse numbers that are not finite; otherwise such tokens get the score of padding.
    backend
        Where scores are computed: ``"rust"``, which is the default, ``"numpy"``, or ``"cuda"``, the default
        for arrays on a GPU. Rust and CUDA have those that read the cache once, and attention; the others,
        whose time goes into products of matrices, and layers of float64 or with `strict` stay with NumPy, by
        way of the memory of the CPU.
    threads
        Threads that work on it; by default as many as are worth it. No score depends on them.

    Raises
    ------
    InvalidArgument
        If shapes do not belong together, or with `strict` for a number that is not finite.
    WrongType
        If something is no array of floats that can be read.
    GpuUnavailable
        If the GPU is asked for and there is none, or no CuPy.
    """

    def __init__(
        self,
        keys: Foreign,
        values: Foreign | None = None,
        queries: Foreign | None = None,
        *,
        lengths: Foreign | None = None,
        mask: Foreign | None = None,
        strict: bool = False,
        backend: str | None = None,
        threads: int | None = None,
    ) -> None:
        self.backend = chosen(backend, keys, values, queries)
        given = zip(_PARTS, (keys, values, queries), strict=True)
        found = arrays_of(self.backend, {name: part for name, part in given if part is not None})
        self.keys, self.values, self.queries = found["keys"], found.get("values"), found.get("queries")
        self._like = keys
        self._cached: Cached | None = None
        batch, heads, tokens, dim = self.keys.shape
        if heads < 1 or dim < 1:
            raise InvalidArgument(f"keys: expected a head and a dimension at least, found {self.keys.shape}")
        if self.values is not None and self.values.shape[:3] != (batch, heads, tokens):
            raise InvalidArgument(
                f"values: expected {(batch, heads, tokens)} and d, found {self.values.shape}"
            )
        self.group = 1
        if self.queries is not None:
            if self.queries.shape[0] != batch or self.queries.shape[1] % heads or not self.queries.shape[1]:
                raise InvalidArgument(
                    f"queries: expected {batch} sequences and a multiple of {heads} heads, "
                    f"found {self.queries.shape}"
                )
            if self.queries.shape[3] != dim:
                raise DimensionMismatch(f"queries: expected {dim} dimensions, found {self.queries.shape[3]}")
            if self.queries.shape[2] > tokens:
                raise InvalidArgument(f"queries: {self.queries.shape[2]} for {tokens} tokens")
            self.group = self.queries.shape[1] // heads
        self.present = _present(lengths, mask, batch, tokens)
        self.strict = strict
        held = (self.keys, self.values, self.queries)
        self.threads = threads_for(threads, sum(part.nbytes for part in held if part is not None))

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Batch, heads, tokens and dimension of the keys."""
        batch, heads, tokens, dim = self.keys.shape
        return batch, heads, tokens, dim

    def needs(self, *parts: str, by: str) -> None:
        """Raise unless the layer has `parts`, ``"values"`` or ``"queries"``; the message says for whom.

        Raises
        ------
        InvalidArgument
            If one is missing.
        """
        for part in parts:
            if getattr(self, part) is None:
                raise InvalidArgument(f"{part}: {by} needs the {part} of the layer")

    def sequences(self) -> Iterator[Sequence]:
        """Yield the sequences in the order of the batch."""
        for index in range(self.keys.shape[0]):
            yield self._sequence(index)

    def scored(self, score: Callable[[Sequence], Array]) -> Foreign:
        """Return the scores of all sequences, float32 ``[batch, heads, tokens]`` in the caller's framework.

        Parameters
        ----------
        score
            Gives those of one sequence, ``[heads, n]``. What is not a number becomes minus infinity, the
            score of padding.
        """
        batch, heads, tokens, _ = self.shape
        scores = np.full((batch, heads, tokens), -np.inf, dtype=np.float32)
        for sequence in self.sequences():
            if len(sequence):
                with np.errstate(over="ignore"):
                    found = np.asarray(score(sequence)).astype(np.float32)
                scores[sequence.index][:, sequence.tokens] = np.where(np.isnan(found), -np.inf, found)
        return self.returned(scores)

    def native(self, *, queries: bool = False) -> "Native | None":
        """Return the layer as the native half takes it; None where scores are computed by NumPy.

        Parameters
        ----------
        queries
            Whether the score needs them.
        """
        if self.backend != "rust" or self.strict:
            return None
        parts = [self.keys, self.values, self.queries if queries else None]
        given = [None if part is None else lent(part) for part in parts]
        if any(part is not None and found is None for part, found in zip(parts, given, strict=True)):
            return None
        keys, values, asked = (None if part is None else (part.array, part.form) for part in given)
        return Native(keys, values, asked, self.present, self.threads)

    def has_kernels(self, *, queries: bool = False) -> bool:
        """Return whether kernels of a GPU compute scores of this layer: :meth:`by_kernels` has them do it.

        Parameters
        ----------
        queries
            Whether the score needs them.
        """
        if self.backend != "cuda" or self.strict:
            return False
        # Loaded for those alone who use it.
        from recollect.kvcache.cuda.cached import takes

        parts = (self.keys, self.values, self.queries if queries else None)
        return all(part is None or takes(part) for part in parts)

    def by_kernels(self, score: Callable[["Cached"], Any], *, back: bool = True) -> Foreign:
        """Return what kernels compute of all sequences.

        Parameters
        ----------
        score
            Gives it, with the device and the stream of the layer made current.
        back
            Bring an array into the caller's framework; otherwise what `score` gives is returned as it is.
        """
        # Loaded for those alone who use it.
        from recollect.kvcache.cuda import working
        from recollect.kvcache.cuda.cached import cached

        with working.working(self._like) as device:
            if self._cached is None:
                self._cached = cached(device, self.keys, self.values, self.queries, self.present)
            return self.returned(score(self._cached)) if back else score(self._cached)

    def finished(self, found: Array) -> Foreign:
        """Return scores of the native half as this layer gives them: not a number is the score of padding."""
        scores = found.reshape(self.shape[:3])
        return self.returned(np.where(np.isnan(scores), np.float32(-np.inf), scores))

    def returned(self, result: Array) -> Foreign:
        """Return an array in the framework of the keys."""
        return returned(result, self._like)

    def _sequence(self, index: int) -> Sequence:
        at = np.flatnonzero(self.present[index])
        keys = numbers(_here(self.keys[index]))[:, at].astype(np.float64)
        values = self.values
        held = keys[..., :0] if values is None else numbers(_here(values[index]))[:, at].astype(np.float64)
        sound = np.isfinite(keys).all((0, 2)) & np.isfinite(held).all((0, 2))
        if self.strict and not sound.all():
            raise InvalidArgument(
                f"keys[{index}]: token {at[np.argmin(sound)]} has a number that is not finite"
            )
        queries, query_places = self._queries(index, at)
        return Sequence(
            index=index,
            length=len(at),
            tokens=at[sound],
            places=np.flatnonzero(sound),
            keys=keys[:, sound],
            values=held[:, sound],
            queries=queries,
            query_places=query_places,
        )

    def query_places(self, index: int) -> Places:
        """Return which tokens of a sequence the queries that count belong to, ascending."""
        return self._queries(index, np.flatnonzero(self.present[index]))[1]

    def _queries(self, index: int, at: Places) -> tuple[Array, Places]:
        heads, dim = self.keys.shape[1], self.keys.shape[3]
        if self.queries is None:
            return np.empty((heads, 1, 0, dim)), np.empty(0, dtype=np.int64)
        given = self.queries.shape[2]
        whole = given == self.keys.shape[2]
        count = len(at) if whole else min(given, len(at))
        rows = at if whole else np.arange(given - count, given)
        queries = numbers(_here(self.queries[index]))[:, rows].astype(np.float64)
        sound = np.isfinite(queries).all((0, 2))
        if self.strict and not sound.all():
            raise InvalidArgument(f"queries[{index}]: row {rows[np.argmin(sound)]} is not finite")
        places = np.arange(len(at) - count, len(at))
        return queries[:, sound].reshape(heads, self.group, -1, dim), places[sound]


def arrays_of(backend: str, parts: Mapping[str, Foreign], ndim: int = 4) -> dict[str, Array]:
    """Return arrays, by name, as a backend has them: on the device for ``"cuda"``, else in NumPy."""
    if backend != "cuda":
        return {name: received(part, name, ndim) for name, part in parts.items()}
    # Loaded for those alone who use it.
    from recollect.kvcache.cuda import working

    with working.working(*parts.values()) as device:
        return {name: working.received_on(device, part, name, ndim) for name, part in parts.items()}


def _here(array: Array) -> Array:
    """Return an array of a GPU in the memory of the CPU; one of NumPy stays."""
    if isinstance(array, np.ndarray):
        return array
    brought: Array = array.get()
    return brought


def _present(lengths: Foreign | None, mask: Foreign | None, batch: int, tokens: int) -> npt.NDArray[np.bool_]:
    if mask is None:
        return np.arange(tokens) < lengths_of(lengths, batch, tokens)[:, None]
    if lengths is not None:
        raise InvalidArgument("mask: give lengths or a mask, not both")
    found = np.asarray(mask) if isinstance(mask, (list, tuple)) else opened(mask, "mask")
    if found.dtype.kind not in "biu":
        raise WrongType(f"mask: expected truth values, found {found.dtype}")
    if found.shape != (batch, tokens):
        raise InvalidArgument(f"mask: expected the shape ({batch}, {tokens}), found {found.shape}")
    return found.astype(bool)
