"""A mirror of a vector index on a device: it follows what is put in and taken out.

>>> import numpy as np, recollect
>>> from recollect import gpu
>>> rows = np.random.default_rng(0).standard_normal((500, 32)).astype(np.float32)
>>> index = gpu.Index(recollect.VectorIndex(32, "cosine"))
>>> ids = index.add(rows)
>>> index.remove([7])
1
>>> found, scores = index.search(rows[7:9], k=3)
>>> 7 in found, int(found[1, 0])
(False, 8)
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from recollect.checks import Ids, count_of, ids_of
from recollect.errors import DimensionMismatch, LimitExceeded, WrongType
from recollect.gpu.device import Array, Cuda, Device
from recollect.gpu.frames import arrived, backend_for, working_on
from recollect.gpu.rows import Rows
from recollect.gpu.search import best_rows, normalised
from recollect.gpu.selection import MOST
from recollect.gpu.similarity import finite
from recollect.vector_index import VectorIndex

__all__ = ["Index"]

_FORMS = {"f32": np.float32, "f16": np.float16, "int8": np.int8}


class Index:
    """A :class:`recollect.VectorIndex` that is searched in batches on a GPU, exactly.

    Vectors go into the index on the CPU, which is what is saved and answers single questions; the device has
    a copy, brought up to date before a search. Change the index through the mirror, or call :meth:`refresh`
    after other changes of vectors; ids that came or went are noticed without that.

    Parameters
    ----------
    index
        What is mirrored.
    backend
        ``"cuda"``, or ``"numpy"`` to search on the CPU; by default the GPU if there is one.

    Raises
    ------
    GpuUnavailable
        If the GPU is asked for and there is none, or no CuPy.
    """

    def __init__(self, index: VectorIndex, *, backend: str | None = None) -> None:
        if not isinstance(index, VectorIndex):
            raise WrongType(f"index: expected a VectorIndex, found {type(index).__name__}")
        from recollect.gpu.device import available

        chosen = ("cuda" if available() else "numpy") if backend is None else backend_for(backend)[0]
        self.index = index
        self._mirror = Mirror(Cuda.current(), index) if chosen == "cuda" else None

    @property
    def backend(self) -> str:
        """Where it is searched: ``"cuda"`` or ``"numpy"``."""
        return "numpy" if self._mirror is None else "cuda"

    def __len__(self) -> int:
        return len(self.index)

    def add(self, vectors: npt.ArrayLike, ids: npt.ArrayLike | None = None) -> Ids:
        """Add vectors, as :meth:`recollect.VectorIndex.add` does."""
        return self.index.add(vectors, ids)

    def update(self, ids: npt.ArrayLike, vectors: npt.ArrayLike) -> None:
        """Give ids new vectors, as :meth:`recollect.VectorIndex.update` does."""
        changed = ids_of(ids, "ids")
        self.index.update(changed, vectors)
        if self._mirror is not None:
            self._mirror.forget(changed)

    def remove(self, ids: npt.ArrayLike) -> int:
        """Take vectors out, as :meth:`recollect.VectorIndex.remove` does."""
        gone = ids_of(ids, "ids")
        count = self.index.remove(gone)
        if self._mirror is not None:
            # An id may come back with another vector before the next search.
            self._mirror.forget(gone)
        return count

    def refresh(self) -> None:
        """Copy everything to the device again before the next search."""
        if self._mirror is not None:
            self._mirror.forget(None)

    def search(self, queries: Any, k: int = 10, *, allow: npt.ArrayLike | None = None) -> tuple[Any, Any]:
        """Return the best vectors of each query: what ``search_many(queries, k, 1.0, allow)`` does.

        Ids and the bits of scores are the same. Ties go to the lower id here, and there to the vector that
        was added first.

        Parameters
        ----------
        queries
            ``[q, d]`` of any framework.
        k
            Results; at most 2048 on a GPU.
        allow
            int64 ``[n]``, the only ids that may be found.

        Returns
        -------
        ids, scores
            int64 and float32 ``[q, k]``, best first, in the framework of the
            queries and where they are; where fewer are found, -1 and minus infinity follow.
        """
        asked, frame, _ = arrived(queries, "queries")
        k = count_of(k, "k", 1)
        if asked.ndim != 2 or asked.shape[1] != self.index.dim:
            raise DimensionMismatch(f"queries: expected (q, {self.index.dim}), found {asked.shape}")
        if self._mirror is None:
            given = asked if isinstance(asked, np.ndarray) else asked.get()
            ids, scores = self.index.search_many(given, k, 1.0, allow)
            return frame.back(ids), frame.back(scores)
        if k > MOST:
            raise LimitExceeded(f"k: {k} is over the limit of {MOST} on a GPU")
        with working_on(frame.device, frame.framework):
            ids, scores = self._mirror.search(asked, k, None if allow is None else ids_of(allow, "allow"))
            return frame.back(ids), frame.back(scores)


class Mirror:
    """Rows on a device in the order of their ids, with what has to be copied still."""

    def __init__(self, device: Device, index: VectorIndex) -> None:
        self.device, self.index = device, index
        self._dtype = _FORMS[index.keep]
        self.forget(None)

    def forget(self, ids: Ids | None) -> None:
        """Take ids as not copied yet; all of them for None."""
        if ids is None:
            self._ids: Ids = np.zeros(0, dtype=np.int64)
            self._data = self.device.xp.zeros((0, self.index.dim), dtype=self._dtype)
            self._scales: Array | None = None
            if self.index.keep == "int8":
                self._scales = self.device.xp.zeros(0, dtype=np.float32)
        else:
            self._keep(~np.isin(self._ids, ids))
        self._rows: Rows | None = None

    def search(self, queries: Array, k: int, allow: Ids | None) -> tuple[Array, Array]:
        """Return what :meth:`Index.search` does, on the device."""
        rows, xp = self._current(), self.device.xp
        asked = finite(xp, xp.ascontiguousarray(xp.asarray(queries), dtype=np.float32))
        if self.index.metric == "cosine":
            asked = normalised(self.device, asked)
        mask = None if allow is None else xp.asarray(np.isin(self._ids, allow))
        places, scores = best_rows(rows, asked, k, mask)
        if not len(self._ids):
            return places, scores
        return xp.where(places < 0, -1, self._on_device[xp.maximum(places, 0)]), scores

    def _keep(self, which: npt.NDArray[np.bool_]) -> None:
        if not which.all():
            places = self.device.xp.asarray(np.flatnonzero(which))
            self._ids, self._data = self._ids[which], self._data[places]
            self._scales = None if self._scales is None else self._scales[places]

    def _current(self) -> Rows:
        xp, ids = self.device.xp, self.index.ids()
        if self._rows is not None and np.array_equal(ids, self._ids):
            return self._rows
        self._keep(np.isin(self._ids, ids))
        new = np.setdiff1d(ids, self._ids, assume_unique=True)
        vectors = self.index.vectors(new) if len(new) else np.zeros((0, self.index.dim), dtype=np.float32)
        codes, scales = _kept(vectors, self.index.keep)
        both = np.concatenate([self._ids, new])
        order = np.argsort(both)
        data = xp.concatenate([self._data, xp.asarray(codes)])
        places = xp.asarray(order)
        self._ids, self._data = both[order], xp.ascontiguousarray(data[places])
        if self._scales is not None:
            self._scales = xp.ascontiguousarray(xp.concatenate([self._scales, xp.asarray(scales)])[places])
        self._on_device = xp.asarray(self._ids)
        euclidean = self.index.metric == "euclidean"
        self._rows = Rows(self.device, self._data, self.index.keep, self._scales, euclidean)
        return self._rows


def _kept(vectors: npt.NDArray[np.float32], keep: str) -> tuple[Array, Array | None]:
    """Return vectors in the form they are kept in, which holds them without loss, and scales of int8."""
    if keep == "f32":
        return vectors, None
    if keep == "f16":
        return vectors.astype(np.float16), None
    # The greatest code is 127, so the scale is there to be read.
    scales = np.abs(vectors).max(axis=1, initial=0) / np.float32(127)
    codes = np.rint(vectors / np.where(scales > 0, scales, 1)[:, None]).astype(np.int8)
    return codes, scales.astype(np.float32)
