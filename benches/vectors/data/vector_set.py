"""Vectors with queries that are none of them, and the true neighbours."""

from dataclasses import dataclass

import numpy as np

from benches.quality.retrieval_set import Array
from benches.vectors.engine import Ids
from benches.vectors.exact import nearest

_SAME = 0.999
"""A query this close to a vector counts as that vector."""

_QUERIES, _FEWER = 1_000, 300
_LARGE = 60_000_000
"""Numbers in a base from which on there are fewer queries, as their true neighbours take long to find."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Queries and the positions of their true neighbours, the nearest first."""

    queries: Array
    truth: Ids


@dataclass(frozen=True, slots=True)
class VectorSet:
    """Unit vectors without duplicates, in random order.

    Parameters
    ----------
    name
        What they are.
    base
        The vectors, float32 ``[n, dim]``.
    choosing
        Queries by which operating points are chosen.
    asked
        Other queries, by which figures are reported.
    """

    name: str
    base: Array
    choosing: Asked
    asked: Asked


def vector_set(name: str, base: Array, queries: Array) -> VectorSet:
    """Return the set; queries that are vectors of the base are left out, the others split in two halves."""
    half = _FEWER if base.size > _LARGE else _QUERIES
    random = np.random.default_rng(7)
    queries = queries[random.permutation(len(queries))[: 3 * half]]
    truth, scores = nearest(base, queries)
    kept = np.flatnonzero(scores[:, 0] < _SAME)[: 2 * half]
    if len(kept) < 40:
        raise ValueError(f"{name}: only {len(kept)} queries that are not vectors of the base")
    first, second = (
        Asked(np.ascontiguousarray(queries[part]), truth[part]) for part in np.array_split(kept, 2)
    )
    return VectorSet(name, base, first, second)


def distinct(rows: Array) -> Ids:
    """Return the positions of rows that differ from all before them when rounded to four digits."""
    random = np.random.default_rng(3)
    factors = random.integers(1, 2**63, rows.shape[1], dtype=np.uint64)
    hashes = np.empty(len(rows), dtype=np.uint64)
    for start in range(0, len(rows), 65_536):
        block = np.rint(rows[start : start + 65_536] * 1e4).astype(np.int64).astype(np.uint64)
        hashes[start : start + len(block)] = (block * factors).sum(axis=1, dtype=np.uint64)
    return np.sort(np.unique(hashes, return_index=True)[1])


def unit(rows: Array) -> Array:
    """Return the rows as float32 of length one."""
    rows = rows.astype(np.float32, copy=False)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    made: Array = rows / np.maximum(lengths, np.float32(1e-9))
    return made
