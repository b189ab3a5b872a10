"""Vectors under ids, in memory: searched exactly or nearly so, and saved to one file.

>>> import numpy as np, recollect
>>> random = np.random.default_rng(1)
>>> vectors = random.standard_normal((5000, 64), dtype=np.float32)
>>> index = recollect.VectorIndex(64, "cosine")
>>> ids = index.add(vectors)
>>> found, scores = index.search(vectors[7], k=3)
>>> int(found[0]), round(float(scores[0]), 3), len(index)
(7, 1.0, 5000)
>>> index.remove([7, 8])
2
>>> found, scores = index.search_many(vectors[7:9], k=2, recall_target=1.0, allow=[8, 9, 10])
>>> found.shape, sorted(found[0].tolist())
((2, 2), [9, 10])
"""

import os
from typing import NoReturn, TypedDict

import numpy as np
import numpy.typing as npt

from recollect._native import VectorIndex as _Native
from recollect.checks import KEEPS, Ids, count_of, ids_of, one_of
from recollect.embedding.protocol import Vectors
from recollect.errors import DimensionMismatch, InvalidArgument, WrongType

__all__ = ["IndexStats", "SearchPlan", "VectorIndex"]

_METRICS = ("cosine", "dot", "euclidean")
_FLOAT32 = np.dtype(np.float32)


class SearchPlan(TypedDict):
    """How a search goes, and the recall to expect of it."""

    way: str
    cells: int
    of_cells: int
    slack: float
    expected_recall: float


class IndexStats(TypedDict):
    """What an index holds, and the memory it takes."""

    vectors: int
    dim: int
    metric: str
    keep: str
    bytes: int
    bytes_per_vector: float
    cells: int
    simd: str


class VectorIndex:
    """Vectors of one dimension, each under an id of 64 bits.

    Calls may come from several threads: searches run side by side, a call that changes something runs alone,
    and the interpreter is free meanwhile. Each call changes all that it was asked to, or nothing; so also
    where Ctrl-C ends it.

    Parameters
    ----------
    dim
        Components of a vector, 1 to 8192.
    metric
        What a score is: ``"cosine"``, ``"dot"``, or ``"euclidean"`` for minus the squared distance. Greater
        is closer. A vector of zeros has the cosine 0 with all.
    keep
        The form in which vectors are kept, which is what scores mean: ``"f32"`` (4 bytes a component),
        ``"f16"`` (2) or ``"int8"`` (1).

    Raises
    ------
    InvalidArgument
        If an argument is out of its domain (also a ``ValueError``).
    """

    __slots__ = ("__weakref__", "_native")

    def __init__(self, dim: int, metric: str = "cosine", keep: str = "f32") -> None:
        self._native = _Native(
            count_of(dim, "dim", 1), one_of(metric, _METRICS, "metric"), one_of(keep, KEEPS, "keep")
        )

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "VectorIndex":
        """Return the index that was saved in a file: the same vectors under the same ids, bit for bit.

        Raises
        ------
        StoreMissing
            If there is no file (also a ``FileNotFoundError``).
        NotAStore, CorruptStore, FormatTooNew
            If it is no saved index, is damaged, or comes from a later version.
        """
        index = cls.__new__(cls)
        index._native = _Native.load(_path(path))
        return index

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the index to a file, in the place of one that is there, and make it durable.

        The file is written beside its place and renamed: what lay there stays until the new one is whole.
        """
        self._native.save(_path(path))

    @property
    def dim(self) -> int:
        """Components of a vector."""
        return self._native.dim

    @property
    def metric(self) -> str:
        """What a score is."""
        return self._native.metric

    @property
    def keep(self) -> str:
        """The form in which vectors are kept."""
        return self._native.keep

    def __len__(self) -> int:
        """Return the number of vectors."""
        return len(self._native)

    def __contains__(self, id: object) -> bool:
        """Return whether an id has a vector."""
        if isinstance(id, bool) or not isinstance(id, (int, np.integer)):
            return False
        return -(1 << 63) <= int(id) < 1 << 63 and self._native.contains(int(id))

    def __repr__(self) -> str:
        """Return what it is made of."""
        return f"VectorIndex({self.dim}, {self.metric!r}, {self.keep!r})"

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled or copied."""
        raise WrongType("a VectorIndex cannot be pickled or copied: save it to a file, and load that there")

    def ids(self) -> Ids:
        """Return all ids as int64 ``[n]``, ascending."""
        return self._native.ids()

    def vectors(self, ids: npt.ArrayLike) -> Vectors:
        """Return the vectors of ids as they are scored, float32 ``[n, d]``.

        That is of length one for the cosine, and rounded to the form in which they are kept.

        Raises
        ------
        UnknownMemory
            If an id has no vector (also a ``KeyError``).
        """
        return self._native.vectors(ids_of(ids, "ids"))

    def add(self, vectors: npt.ArrayLike, ids: npt.ArrayLike | None = None) -> Ids:
        """Add vectors, all or none.

        Parameters
        ----------
        vectors
            ``[d]`` or ``[n, d]``, real numbers; float32 in C order is read without a copy of the whole.
        ids
            ``[n]`` whole numbers of 64 bits, new and distinct; without them they count on from the greatest
            that was ever there, from 0.

        Returns
        -------
        numpy.ndarray
            int64 ``[n]``, the ids.

        Raises
        ------
        InvalidArgument
            If a vector has another dimension, a component that is not finite or one that the form does not
            hold, or a norm over 1e18 (but for the cosine); or if an id is given twice or is there already.
        """
        rows = self._rows(vectors, "vectors")
        return self._native.add(rows, None if ids is None else ids_of(ids, "ids", len(rows)))

    def update(self, ids: npt.ArrayLike, vectors: npt.ArrayLike) -> None:
        """Give ids that have vectors new ones, ``[d]`` or ``[n, d]``; all or none.

        Raises
        ------
        UnknownMemory
            If an id has no vector (also a ``KeyError``).
        InvalidArgument
            As :meth:`add`.
        """
        rows = self._rows(vectors, "vectors")
        self._native.update(ids_of(ids, "ids", len(rows)), rows)

    def remove(self, ids: npt.ArrayLike) -> int:
        """Take vectors out, all or none, and return their number.

        Raises
        ------
        UnknownMemory
            If an id has no vector (also a ``KeyError``).
        InvalidArgument
            If an id is given twice.
        """
        return self._native.remove(ids_of(ids, "ids"))

    def search(
        self,
        query: npt.ArrayLike,
        k: int = 10,
        recall_target: float | None = None,
        allow: npt.ArrayLike | None = None,
    ) -> tuple[Ids, Vectors]:
        """Return the vectors that are closest to a query.

        Parameters
        ----------
        query
            ``[d]``; a float32 array is taken as it is.
        k
            Results at most, at least 1.
        recall_target
            The share of the true `k` best to expect, above 0 and at most 1: the cheapest way that is expected
            to find so many is taken, see :meth:`plan`. 0.99 if not given; 1.0 is exact.
        allow
            int64 ``[n]``, the only ids that may be found. Those without a vector are passed over.

        Returns
        -------
        ids, scores
            int64 and float32 ``[m]``, ``m <= k``, best first.
        """
        if (
            type(query) is not np.ndarray
            or query.dtype is not _FLOAT32
            or query.ndim != 1
            or type(k) is not int
            or k < 1
        ):
            query, k = _one(query), _k(k)
        return self._native.search(query, k, _share(recall_target), _allowed(allow))

    def search_many(
        self,
        queries: npt.ArrayLike,
        k: int = 10,
        recall_target: float | None = None,
        allow: npt.ArrayLike | None = None,
        threads: int | None = None,
    ) -> tuple[Ids, Vectors]:
        """Return what :meth:`search` does for each row of ``[n, d]``, on several threads.

        Parameters
        ----------
        queries
            ``[n, d]``.
        k, recall_target, allow
            As of :meth:`search`, for all queries.
        threads
            Threads at most, from 1; never more than 256. One for each core if not given.

        Returns
        -------
        ids, scores
            int64 and float32 ``[n, k]``, best first; where fewer are found, -1 and minus infinity follow.
        """
        rows = self._rows(queries, "queries")
        threads = None if threads is None else count_of(threads, "threads", 1)
        return self._native.search_many(rows, _k(k), _share(recall_target), _allowed(allow), threads)

    def plan(
        self, k: int = 10, recall_target: float | None = None, allow: npt.ArrayLike | None = None
    ) -> SearchPlan:
        """Return how :meth:`search` goes with these arguments.

        Returns
        -------
        dict
            ``way``: ``"exact"`` (all vectors), ``"listed"`` (those of `allow` one by one), ``"sketch"`` (the
            bit codes of all vectors first) or ``"cells"`` (those in the cells nearest the query);
            ``cells`` and ``of_cells``: cells visited, and how many there are; ``slack``: standard deviations
            by which a bit code may be too low; ``expected_recall``: the share of the best that is found.
        """
        way, cells, of_cells, slack, expected = self._native.plan(
            _k(k), _share(recall_target), _allowed(allow)
        )
        return SearchPlan(way=way, cells=cells, of_cells=of_cells, slack=slack, expected_recall=expected)

    def stats(self) -> IndexStats:
        """Return what it holds, the bytes of memory it has reserved, and the instruction set it runs on."""
        vectors, size, cells, simd = self._native.stats()
        return IndexStats(
            vectors=vectors,
            dim=self.dim,
            metric=self.metric,
            keep=self.keep,
            bytes=size,
            bytes_per_vector=size / max(vectors, 1),
            cells=cells,
            simd=simd,
        )

    def _rows(self, value: object, argument: str) -> Vectors:
        rows = _floats(value, argument)
        if rows.ndim == 1 and len(rows) == self._native.dim:
            return rows[np.newaxis]
        if rows.ndim not in (1, 2) or rows.shape[-1] == 0:
            raise InvalidArgument(f"{argument}: expected the shape (d,) or (n, d), found {rows.shape}")
        if rows.shape[-1] != self.dim:
            raise DimensionMismatch(f"{argument}: expected {self.dim} dimensions, found {rows.shape[-1]}")
        return rows.reshape(-1, self.dim)


def _floats(value: object, argument: str) -> Vectors:
    """Return real numbers as float32 in C order; whether they are finite is seen where they are read."""
    # The usual case goes by the checks, which take as long as an insert.
    if type(value) is np.ndarray and value.dtype == _FLOAT32 and value.flags.c_contiguous:
        return value
    try:
        found = np.asarray(value)
    except (ValueError, TypeError) as error:
        raise InvalidArgument(f"{argument}: rows of different lengths are no array of vectors") from error
    if found.dtype.kind not in "fiu":
        raise WrongType(f"{argument}: expected real numbers, found {found.dtype}")
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(found, dtype=np.float32) if found.ndim else found.astype(np.float32)


def _one(value: object) -> Vectors:
    query = _floats(value, "query")
    if query.ndim != 1:
        raise InvalidArgument(f"query: expected the shape (d,), found {query.shape}; see search_many")
    return query


def _k(value: object) -> int:
    return count_of(value, "k", 1)


def _share(value: object) -> float | None:
    if value is None:
        return None
    if type(value) is float and 0 < value <= 1:
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise WrongType(f"recall_target: expected a number, found {type(value).__name__}")
    if not 0 < value <= 1:
        raise InvalidArgument(f"recall_target: expected a number above 0 and at most 1, found {value}")
    return float(value)


def _allowed(value: object) -> Ids | None:
    return None if value is None else ids_of(value, "allow")


def _path(path: str | os.PathLike[str]) -> str:
    if not isinstance(path, (str, os.PathLike)):
        raise WrongType(f"path: expected str or os.PathLike, found {type(path).__name__}")
    return os.fsdecode(path)
