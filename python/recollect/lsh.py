"""Locality-sensitive hashing: near vectors fall into the same buckets, more likely the nearer they are.

An index of hash tables for vectors that come and go: adding and removing cost a few microseconds, finding
looks at a small part of the vectors and scores it exactly. What it may miss follows from theory, which
``collision`` and ``recall`` tell.

>>> import numpy as np
>>> from recollect.lsh import LshIndex
>>> vectors = np.random.default_rng(0).standard_normal((1000, 64)).astype(np.float32)
>>> index = LshIndex(64)
>>> ids = index.add(vectors)
>>> found, scores = index.search(vectors[7] + 0.1, k=3)
>>> int(found[0]), len(index)
(7, 1000)
>>> index.remove(7)
>>> 7 in index
False
>>> pairs, similarity = index.near_duplicates(0.95)
>>> pairs.shape
(0, 2)
>>> round(index.recall(0.9), 2), round(index.recall(0.2), 2)
(1.0, 0.22)

================  ================================================  ==========================================
family            a bucket is                                       ``bits``
================  ================================================  ==========================================
cross-polytope    the nearest axis of a random rotation             log2 of the buckets of a table (1..14): 8
hyperplane        the sides of random hyperplanes                   hyperplanes of a table (1..20): 8
fly               an active unit of a sparse representation         units (1..65536): 640
================  ================================================  ==========================================

Sources: Andoni and others, "Practical and optimal LSH for angular distance" (2015); Charikar, "Similarity
estimation techniques from rounding algorithms" (2002); Dasgupta and others, "A neural algorithm for a
fundamental computing problem" (2017); probing after Lv and others, "Multi-probe LSH" (2007).
``LshIndex(dim, tables=1)`` is the single table of Think-in-Memory (Liu and others, 2023).
"""

from itertools import pairwise
from typing import TypedDict

import numpy as np
import numpy.typing as npt

from recollect._native import LshIndex as _Native
from recollect._native import lsh_collision as _collision
from recollect.checks import Ids, count_of, ids_of, matrix, one_of, seed_of
from recollect.embedding.protocol import Vectors
from recollect.errors import InvalidArgument, WrongType

__all__ = ["FAMILIES", "Ids", "LshIndex", "LshStats", "collision_probability"]

FAMILIES = ("cross-polytope", "hyperplane", "fly")
"""The families of hash functions."""

_BITS = {"cross-polytope": 8, "hyperplane": 8, "fly": 640}
_METRICS = ("cosine", "dot", "euclidean")
# Most vectors share a unit with a query of the fly: so many of them are scored for each result.
_OF_THE_FLY = 32


class LshStats(TypedDict):
    """What an index holds, counted."""

    vectors: int
    tables: int
    keys: int
    entries: int
    filled: int
    largest: int
    bytes: int


class LshIndex:
    """Vectors in hash tables, found by the buckets that they share with a query.

    The same vectors, settings and seed give the same answers on every CPU. Calls may come from several
    threads; searches run side by side, and the interpreter is free meanwhile. The index lives in memory
    alone.

    Parameters
    ----------
    dim
        Components of a vector, 1 to 8192.
    family
        ``"cross-polytope"``, ``"hyperplane"`` or ``"fly"``; see the table above.
    bits
        Size of a key, see the table above; more bits make smaller buckets.
    active
        Units of the fly that stay active, 32 by default; refused for the other families.
    tables
        Hash tables, 1 to 1024; more of them find more. The fly has one, whatever is said.
    probes
        Buckets looked at beyond a vector's own in each table, those first that it nearly fell into.
    metric
        ``"cosine"``, ``"dot"`` or ``"euclidean"`` (minus the squared distance): how candidates are scored.
        They are found by their angle under each of them, so the others suit vectors of similar lengths.
    seed
        Where the random numbers come from, 0 to 2**64 - 1.

    Raises
    ------
    InvalidArgument
        If an argument is out of its domain (also a ``ValueError``).
    """

    def __init__(
        self,
        dim: int,
        *,
        family: str = "cross-polytope",
        bits: int | None = None,
        active: int | None = None,
        tables: int = 16,
        probes: int = 0,
        metric: str = "cosine",
        seed: int = 0,
    ) -> None:
        self._dim = count_of(dim, "dim", 1)
        self._family, self._bits, self._active = _sizes(family, bits, active)
        self._tables = count_of(tables, "tables", 1)
        self._probes = count_of(probes, "probes")
        self._native = _Native(
            self._dim,
            family=self._family,
            bits=self._bits,
            active=self._active,
            tables=self._tables,
            metric=one_of(metric, _METRICS, "metric"),
            seed=seed_of(seed),
        )

    @property
    def dim(self) -> int:
        """Components of a vector."""
        return self._dim

    def __len__(self) -> int:
        """Return the number of vectors."""
        return len(self._native)

    def __contains__(self, id: object) -> bool:
        """Return whether an id has a vector."""
        if isinstance(id, bool) or not isinstance(id, (int, np.integer)):
            return False
        number = int(id)
        return -(1 << 63) <= number < 1 << 63 and self._native.contains(number)

    def __repr__(self) -> str:
        """Return what it is made of."""
        return f"LshIndex({self._dim}, family={self._family!r}, bits={self._bits}, tables={self._tables})"

    def add(self, vectors: npt.ArrayLike, ids: npt.ArrayLike | None = None) -> Ids:
        """Add vectors, all or none.

        Parameters
        ----------
        vectors
            ``[d]`` or ``[n, d]``, real numbers.
        ids
            ``[n]`` whole numbers of 64 bits; without them they count on from the greatest that was ever
            given, from 0.

        Returns
        -------
        numpy.ndarray
            int64 ``[n]``, the ids.

        Raises
        ------
        InvalidArgument
            If a vector has another dimension or a component that is not finite, or an id is in the index
            already.
        """
        rows = matrix(vectors, "vectors", self._dim)
        return self._native.add(rows, None if ids is None else ids_of(ids, "ids", len(rows)))

    def remove(self, ids: npt.ArrayLike) -> None:
        """Take vectors out of the index and all of its buckets, and overwrite them; all or none.

        Raises
        ------
        UnknownMemory
            If an id has no vector (also a ``KeyError``).
        """
        self._native.remove(ids_of(ids, "ids"))

    def update(self, ids: npt.ArrayLike, vectors: npt.ArrayLike) -> None:
        """Give ids that have vectors new ones, ``[d]`` or ``[n, d]``; all or none.

        Raises
        ------
        UnknownMemory
            If an id has no vector (also a ``KeyError``).
        InvalidArgument
            As :meth:`add`.
        """
        rows = matrix(vectors, "vectors", self._dim)
        self._native.update(ids_of(ids, "ids", len(rows)), rows)

    def search(
        self, query: npt.ArrayLike, k: int = 10, *, probes: int | None = None, most: int | None = None
    ) -> tuple[Ids, Vectors]:
        """Return the best of those that share a bucket with a query, scored exactly in float32.

        Parameters
        ----------
        query
            ``[d]``.
        k
            Results at most, at least 1.
        probes
            Buckets beyond the query's own in each table; those of the index if not given.
        most
            Candidates that are scored exactly: the nearest by signature (signs of random projections;
            active units for the fly), which is quicker where many are found and misses few. All of them if
            not given; ``32 * k`` for the fly.

        Returns
        -------
        ids, scores
            int64 and float32 ``[k]`` or fewer, best first, ties by ascending id.
        """
        rows = matrix(query, "query", self._dim)
        if len(rows) != 1:
            raise InvalidArgument(f"query: expected one vector, found {len(rows)}; see search_many")
        ids, scores, _ = self._search(rows, k, probes, most)
        return ids, scores

    def search_many(
        self, queries: npt.ArrayLike, k: int = 10, *, probes: int | None = None, most: int | None = None
    ) -> list[tuple[Ids, Vectors]]:
        """Return what :meth:`search` does for each row of ``[n, d]``, in one call."""
        ids, scores, ends = self._search(matrix(queries, "queries", self._dim), k, probes, most)
        return [(ids[a:b], scores[a:b]) for a, b in pairwise(ends)]

    def _search(
        self, rows: Vectors, k: int, probes: int | None, most: int | None
    ) -> tuple[Ids, Vectors, Ids]:
        k = count_of(k, "k", 1)
        if most is None:
            most = _OF_THE_FLY * k if self._family == "fly" else None
        else:
            most = count_of(most, "most", 1)
        return self._native.search(rows, k, probes=self._probing(probes), most=most)

    def candidates(self, query: npt.ArrayLike, *, probes: int | None = None, most: int | None = None) -> Ids:
        """Return the ids that share a bucket with a query ``[d]``.

        Returns
        -------
        numpy.ndarray
            int64, ascending; with `most` the nearest by signature, nearest first.
        """
        rows = matrix(query, "query", self._dim)
        if len(rows) != 1:
            raise InvalidArgument(f"query: expected one vector, found {len(rows)}")
        most = None if most is None else count_of(most, "most", 1)
        return self._native.candidates(rows[0], probes=self._probing(probes), most=most)

    def near_duplicates(
        self, threshold: float, *, miss: float = 0.01, most: int = 10_000_000
    ) -> tuple[Ids, Vectors]:
        """Return the pairs of vectors whose cosine is `threshold` or more.

        Tables of hyperplanes are made for the threshold, whatever the family of the index, and what meets
        in one of them is verified exactly. Equal vectors are grouped first. The work is bounded: no more
        than 4,096 comparisons are made for each distinct vector. Zero vectors are in no pair.

        Parameters
        ----------
        threshold
            Least cosine, above 0 and at most 1.
        miss
            Greatest probability that a given pair is missed, for one at the threshold; nearer pairs are
            missed less, and pairs of equal vectors never.
        most
            Pairs at most.

        Returns
        -------
        pairs, similarity
            int64 ``[p, 2]``, the lower id first, in ascending order; float32 ``[p]``, the cosines.

        Raises
        ------
        InvalidArgument
            If an argument is out of its domain, or the metric of the index is not the cosine.
        LimitExceeded
            If there are more than `most` pairs, or so many vectors crowd just below the threshold that more
            comparisons would be needed; a greater threshold or miss needs fewer.
        """
        return self._native.near_duplicates(
            _number(threshold, "threshold"), _number(miss, "miss"), count_of(most, "most")
        )

    def collision(self, similarity: float) -> float:
        """Return the probability that two vectors of this cosine share a given bucket.

        See :func:`collision_probability`.
        """
        return self._rates(similarity)[0]

    def recall(self, similarity: float) -> float:
        """Return the probability that two vectors of this cosine share any bucket without probes.

        That is ``1 - (1 - p) ** tables`` (the active units for the fly), as if tables were independent.
        """
        return self._rates(similarity)[1]

    def _rates(self, similarity: float) -> tuple[float, float]:
        return _collision(self._family, _cosine(similarity), self._bits, self._active, self._tables)

    def stats(self) -> LshStats:
        """Return how much it holds: vectors, tables, keys of a table, entries of all, and bytes of memory."""
        vectors, tables, keys, entries, filled, largest, size = self._native.stats()
        return LshStats(
            vectors=vectors,
            tables=tables,
            keys=keys,
            entries=entries,
            filled=filled,
            largest=largest,
            bytes=size,
        )

    def _probing(self, probes: int | None) -> int:
        return self._probes if probes is None else count_of(probes, "probes")


def collision_probability(
    family: str, similarity: float, bits: int | None = None, *, active: int | None = None
) -> float:
    """Return the probability that two vectors share a given bucket.

    Parameters
    ----------
    family
        ``"hyperplane"``: ``(1 - angle / pi) ** bits``. ``"cross-polytope"``: the probability that one of
        ``2 ** (bits - 1)`` axes is the nearest for both with the same sign, by numerical integration.
        ``"fly"``: the expected share of active units in common, by numerical integration.
    similarity
        The cosine of the two, of the centred vectors for the fly.
    bits, active
        As of :class:`LshIndex`.

    Returns
    -------
    float
        Between 0 and 1.
    """
    family, bits, active = _sizes(family, bits, active)
    return _collision(family, _cosine(similarity), bits, active, 1)[0]


def _sizes(family: str, bits: int | None, active: int | None) -> tuple[str, int, int]:
    family = one_of(family, FAMILIES, "family")
    if active is not None and family != "fly":
        raise InvalidArgument(f"active: the family {family} has no units; it is for the fly")
    chosen = _BITS[family] if bits is None else count_of(bits, "bits", 1)
    return family, chosen, 32 if active is None else count_of(active, "active", 1)


def _number(value: object, argument: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise WrongType(f"{argument}: expected a number, found {type(value).__name__}")
    return float(value)


def _cosine(value: object) -> float:
    number = _number(value, "similarity")
    if not -1 <= number <= 1:
        raise InvalidArgument(f"similarity: expected a number between -1 and 1, found {number}")
    return number
