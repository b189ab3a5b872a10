"""Vectors on one, two or four bits a dimension, with unbiased estimates of inner products and their error.

>>> import numpy as np
>>> from recollect.rabitq import RabitqCodes
>>> vectors = np.random.default_rng(0).standard_normal((1000, 256)).astype(np.float32)
>>> codes = RabitqCodes.encode(vectors, bits=4)
>>> estimates, deviations = codes.estimate(vectors[7])
>>> bool(np.all(np.abs(estimates - vectors @ vectors[7]) < 5 * deviations))
True
>>> ids, scores = codes.search(vectors[7], k=1)
>>> int(ids[0]), codes.nbytes // len(codes), vectors.nbytes // len(vectors)
(7, 140, 1024)

A vector is rotated at random and rounded; what is known of the rounding takes the bias out of every product
and says how far it can be off. The first bit is what :class:`recollect.VectorIndex` scans; a second halves
the error, four bits take it to a fifth. Codes hold no vectors: what is found is ranked by estimates.

Sources: Gao and Long, "RaBitQ" (SIGMOD 2024); Gao and others, "Practical and asymptotically optimal
quantization of high-dimensional vectors" (SIGMOD 2025).
"""

from collections.abc import Mapping
from typing import Self

import numpy as np
import numpy.typing as npt

from recollect._native import RabitqCodes as _Native
from recollect.checks import Ids, count_of, matrix, seed_of
from recollect.embedding.protocol import Vectors
from recollect.errors import InvalidArgument, WrongType

__all__ = ["RabitqCodes"]

_PARTS = ("planes", "factors", "norms", "cosines")


class RabitqCodes:
    """Vectors as codes; made by :meth:`encode`, or by :meth:`of_parts` from what was kept of others.

    Calls may come from several threads, and the interpreter is free meanwhile.
    """

    def __init__(self) -> None:
        raise WrongType("codes are made by RabitqCodes.encode or RabitqCodes.of_parts")

    @classmethod
    def encode(cls, vectors: npt.ArrayLike, *, bits: int = 4, seed: int = 0) -> Self:
        """Make the codes of vectors.

        Parameters
        ----------
        vectors
            Real numbers, ``[n, d]``, with ``d`` up to 8192.
        bits
            Bits of a dimension: 1, 2 or 4.
        seed
            Where the rotation comes from, 0 to 2**64 - 1; codes of different seeds have nothing in common.

        Raises
        ------
        InvalidArgument
            For another number of bits, or a vector that is not finite (also a ``ValueError``).
        """
        rows, bits, seed = matrix(vectors, "vectors"), count_of(bits, "bits", 1), seed_of(seed)
        dim = rows.shape[1]
        return cls._of(_Native.encode(rows, dim, bits, seed), dim, bits, seed)

    @classmethod
    def of_parts(
        cls, parts: Mapping[str, npt.NDArray[np.generic]], dim: int, *, bits: int = 4, seed: int = 0
    ) -> Self:
        """Make codes from what :meth:`parts` gave, with the dimension, bits and seed they were made with.

        Raises
        ------
        InvalidArgument
            If the parts do not belong together (also a ``ValueError``).
        """
        dim, bits, seed = count_of(dim, "dim", 1), count_of(bits, "bits", 1), seed_of(seed)
        missing = [name for name in _PARTS if name not in parts]
        if missing:
            raise InvalidArgument(f"parts: {missing[0]} is missing")
        planes, *facts = (np.asarray(parts[name]) for name in _PARTS)
        if planes.dtype != np.uint64:
            raise WrongType(f"parts: expected planes of uint64, found {planes.dtype}")
        factors, norms, cosines = (np.ascontiguousarray(x, dtype=np.float32).reshape(-1) for x in facts)
        flat = np.ascontiguousarray(planes).reshape(-1)
        return cls._of(_Native.of_parts(flat, factors, norms, cosines, dim, bits, seed), dim, bits, seed)

    @classmethod
    def _of(cls, native: _Native, dim: int, bits: int, seed: int) -> Self:
        codes = cls.__new__(cls)
        codes._native, codes._dim, codes._bits, codes._seed = native, dim, bits, seed
        return codes

    _native: _Native
    _dim: int
    _bits: int
    _seed: int

    @property
    def dim(self) -> int:
        """Components of a vector."""
        return self._dim

    @property
    def bits(self) -> int:
        """Bits of a dimension."""
        return self._bits

    @property
    def seed(self) -> int:
        """Where the rotation comes from."""
        return self._seed

    @property
    def _words(self) -> int:
        """Words of a plane of one vector."""
        return -(-self._dim // 64)

    @property
    def nbytes(self) -> int:
        """Bytes of all codes and their factors, norms and cosines."""
        planes, facts = self._bits * -(-len(self) // 8) * self._words * 64, 3 * 4 * len(self)
        return planes + facts

    def __len__(self) -> int:
        return len(self._native)

    def __repr__(self) -> str:
        return f"RabitqCodes({len(self)} vectors, dim={self._dim}, bits={self._bits}, seed={self._seed})"

    def parts(self) -> dict[str, npt.NDArray[np.generic]]:
        """Give the codes as arrays, to be kept.

        Returns
        -------
        dict
            ``planes``: uint64 ``[bits, ceil(n / 8), words, 8]``, the signs first, eight vectors to a block;
            ``factors``, ``norms`` and ``cosines`` (between a vector and its code): float32 ``[n]``.
        """
        planes, factors, norms, cosines = self._native.parts()
        shaped = planes.reshape(self._bits, -(-len(self) // 8), self._words, 8)
        return {"planes": shaped, "factors": factors, "norms": norms, "cosines": cosines}

    def estimate(self, query: npt.ArrayLike) -> tuple[Vectors, Vectors]:
        """Estimate the inner products of a query with all vectors.

        Parameters
        ----------
        query
            Real numbers, ``[d]``.

        Returns
        -------
        tuple
            Estimates and their standard deviations, float32 ``[n]`` each. An estimate is off by more than
            ``z`` deviations with a probability of at most ``2 * exp(-z * z / 2)`` over the seeds.

        Raises
        ------
        DimensionMismatch
            If the query has another dimension (also a ``ValueError``).
        """
        return self._native.estimate(self._one(query))

    def search(self, queries: npt.ArrayLike, k: int = 10) -> tuple[Ids, Vectors]:
        """Find the vectors of the greatest estimated inner products.

        Parameters
        ----------
        queries
            Real numbers, ``[d]`` or ``[m, d]``.
        k
            Vectors wanted; fewer come where there are fewer.

        Returns
        -------
        tuple
            Positions, int64, and estimates, float32: ``[k]``, or ``[m, k]`` for several queries; greatest
            first, ties by position.

        Raises
        ------
        DimensionMismatch
            If the queries have another dimension (also a ``ValueError``).
        """
        rows = matrix(queries, "queries", self._dim)
        ids, scores = self._native.search(rows, count_of(k, "k", 1))
        return (ids, scores) if np.ndim(queries) == 2 else (ids[0], scores[0])

    def _one(self, query: npt.ArrayLike) -> Vectors:
        rows = matrix(query, "query", self._dim)
        if np.ndim(query) != 1:
            raise InvalidArgument(f"query: expected the shape (d,), found {np.shape(query)}")
        return rows.reshape(-1)
