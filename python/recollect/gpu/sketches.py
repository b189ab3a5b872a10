"""Sketches of one bit a dimension: many rows looked at by their bits, the nearest scored exactly.

>>> import numpy as np
>>> from recollect import gpu
>>> rows = np.random.default_rng(0).standard_normal((2000, 64)).astype(np.float32)
>>> sketches = gpu.Sketches(rows)
>>> ids, scores = sketches.search(rows[:3], k=1)
>>> ids[:, 0].tolist(), sketches.bytes_per_row
([0, 1, 2], 8)

A bit is the sign of a component after the mean is taken off and the rest is rotated at random (Charikar,
"Similarity estimation techniques from rounding algorithms", 2002). Which rows are candidates is an estimate;
their scores are not.
"""

from typing import Any

import numpy as np

from recollect.checks import count_of, one_of, seed_of
from recollect.errors import DimensionMismatch, InvalidArgument, LimitExceeded
from recollect.gpu import oracle
from recollect.gpu.device import Array, Cuda, Device
from recollect.gpu.frames import arrived, backend_for, working_on
from recollect.gpu.hamming import hamming_keys, nearest_codes
from recollect.gpu.rows import Rows
from recollect.gpu.search import normalised, rescored
from recollect.gpu.selection import MOST
from recollect.gpu.similarity import METRICS, checked, factors_of, finite, form_of, widened

__all__ = ["Sketches"]

_AT_ONCE = 1 << 18


class Sketches:
    """Rows of a matrix with their sketches; the matrix is kept for exact scores, and not changed.

    Parameters
    ----------
    matrix, scales
        As of :func:`recollect.gpu.similarity`.
    metric
        ``"dot"``, ``"cosine"`` or ``"euclidean"``. Rows are made of length one for the cosine, as float32.
    seed
        Where the rotation comes from, 0 to 2**64 - 1.
    backend
        ``"numpy"`` or ``"cuda"``; by default where the matrix is.

    Raises
    ------
    InvalidArgument, GpuUnavailable
        As :func:`recollect.gpu.similarity`.
    """

    def __init__(
        self,
        matrix: Any,
        *,
        scales: Any = None,
        metric: str = "cosine",
        seed: int = 0,
        backend: str | None = None,
    ) -> None:
        given, place, brain = arrived(matrix, "matrix")
        form = "bf16" if brain else form_of(given)
        self._metric = one_of(metric, METRICS, "metric")
        factors = None if scales is None else arrived(scales, "scales")[0]
        checked(given[:1], given, form, factors, None)
        chosen, self._number = backend_for(backend, place)
        self._device: Device | None = None
        if chosen == "numpy":
            self._set(np, given, form, factors, seed_of(seed))
            return
        with working_on(self._number, place.framework):
            self._device = Cuda.current()
            self._set(self._device.xp, given, form, factors, seed_of(seed))

    def _set(self, xp: Any, matrix: Array, form: str, scales: Array | None, seed: int) -> None:
        data = xp.ascontiguousarray(xp.asarray(matrix))
        data = data.view(np.uint16) if form == "bf16" else data
        factors = factors_of(xp, data, form, scales)
        if self._metric == "cosine":
            data, form, factors = self._unit(widened(xp, data, form, factors)), "f32", None
        self._data, self._form, self._factors = data, form, factors
        count, dim = data.shape
        rotation, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((dim, dim)))
        self._rotation = xp.asarray(rotation.astype(np.float32))
        total = xp.zeros(dim, dtype=np.float64)
        for start in range(0, count, _AT_ONCE):
            total += self._wide(xp, start).sum(axis=0, dtype=np.float64)
        self._mean = (total / max(count, 1)).astype(np.float32)
        codes = [self._coded(xp, self._wide(xp, start)) for start in range(0, count, _AT_ONCE)]
        self._codes = xp.concatenate(codes) if codes else xp.zeros((0, -(-dim // 8)), dtype=np.uint8)
        self._rows = None if self._device is None else Rows(
            self._device, data, form, factors, self._metric == "euclidean", scan=False
        )  # fmt: skip

    @property
    def bytes_per_row(self) -> int:
        """Bytes of a sketch."""
        return int(self._codes.shape[1])

    def __len__(self) -> int:
        return len(self._codes)

    def search(
        self, queries: Any, k: int = 10, *, candidates: int | None = None, mask: Any = None
    ) -> tuple[Any, Any]:
        """Return the best rows of each query among those with the nearest sketches.

        Parameters
        ----------
        queries, k, mask
            As of :func:`recollect.gpu.similarity`; queries have two dimensions.
        candidates
            Rows that are scored exactly, from `k` on; at most 2048 on a GPU. 20 times `k`, and at least 200,
            if not given.

        Returns
        -------
        ids, scores
            As of :func:`recollect.gpu.similarity`, of the candidates.
        """
        asked, frame, _ = arrived(queries, "queries")
        k = count_of(k, "k", 1)
        many = max(200, 20 * k) if candidates is None else count_of(candidates, "candidates", k)
        many = min(many, max(len(self), k))
        if asked.ndim != 2:
            raise InvalidArgument(f"queries: expected the shape (q, d), found {asked.shape}")
        if asked.shape[1] != len(self._mean):
            raise DimensionMismatch(f"queries: expected {len(self._mean)} dimensions, found {asked.shape[1]}")
        allowed = None if mask is None else arrived(mask, "mask")[0]
        if self._device is None:
            ids, scores = self._on_numpy(asked, k, many, allowed)
            return frame.back(ids), frame.back(scores)
        if many > MOST:
            raise LimitExceeded(f"candidates: {many} is over the limit of {MOST} on a GPU")
        with working_on(self._number, frame.framework):
            xp = self._device.xp
            ready = self._ready(xp, asked)
            moved = None if allowed is None else xp.asarray(allowed)
            keys = hamming_keys(self._device, self._coded(xp, ready), self._codes, many, moved)
            nothing = xp.zeros((len(ready), 2), dtype=np.float64)
            bounds = (nothing, nothing, xp.zeros(len(ready), dtype=np.float32))
            counts = xp.zeros(len(ready), dtype=np.uint32)
            assert self._rows is not None
            ids, scores, _, _ = rescored(self._rows, ready, keys, k, bounds, counts, 0, True)
            return frame.back(ids), frame.back(scores)

    def _on_numpy(self, queries: Array, k: int, many: int, mask: Array | None) -> tuple[Array, Array]:
        ready = self._ready(np, queries)
        near, _ = nearest_codes(self._coded(np, ready), self._codes, many, mask)
        ids = np.full((len(ready), k), -1, dtype=np.int64)
        scores = np.full((len(ready), k), -np.inf, dtype=np.float32)
        for at, places in enumerate(near):
            who = np.sort(places[places >= 0])
            factors = None if self._factors is None else self._factors[who]
            rows = oracle.widened(self._data[who], self._form, factors)
            best, exact = oracle.best_rows(ready[at : at + 1], rows, k, None, self._metric == "euclidean")
            found = best[0] >= 0
            ids[at, found], scores[at, found] = who[best[0][found]], exact[0][found]
        return ids, scores

    def _ready(self, xp: Any, queries: Array) -> Array:
        asked = finite(xp, xp.ascontiguousarray(xp.asarray(queries), dtype=np.float32))
        return self._unit(asked) if self._metric == "cosine" else asked

    def _unit(self, rows: Array) -> Array:
        return oracle.normalised(rows) if self._device is None else normalised(self._device, rows)

    def _wide(self, xp: Any, start: int) -> Array:
        part = slice(start, start + _AT_ONCE)
        return widened(
            xp, self._data[part], self._form, None if self._factors is None else self._factors[part]
        )

    def _coded(self, xp: Any, rows: Array) -> Array:
        bits = (rows - self._mean) @ self._rotation > 0
        width = -(-bits.shape[1] // 8) * 8
        padded = xp.zeros((len(bits), width), dtype=bool)
        padded[:, : bits.shape[1]] = bits
        return xp.packbits(padded.reshape(-1)).reshape(len(bits), width // 8)
