"""Vectors in memory: what is found, and under which ids."""

import doctest

import numpy as np
import numpy.typing as npt
import pytest

import recollect.vector_index
from recollect import VectorIndex
from recollect.errors import LimitExceeded
from tests.clusters import Array, clustered

METRICS = ("cosine", "dot", "euclidean")
KEEPS = ("f32", "f16", "int8")


def scores_of(metric: str, rows: Array, query: Array) -> npt.NDArray[np.float64]:
    a, b = rows.astype(np.float64), query.astype(np.float64)
    if metric == "euclidean":
        return -((a - b) ** 2).sum(axis=1)
    if metric == "cosine":
        b = b / max(float(np.linalg.norm(b)), 1e-300)
    return a @ b


def check_exact(index: VectorIndex, query: Array, k: int, allow: npt.NDArray[np.int64] | None = None) -> None:
    """Compare an exact search with the brute force over what is kept."""
    ids = index.ids() if allow is None else np.intersect1d(index.ids(), allow)
    wanted = scores_of(index.metric, index.vectors(ids), query)
    found, scores = index.search(query, k, 1.0, allow)
    assert found.dtype == np.int64
    assert scores.dtype == np.float32
    assert len(found) == len(scores) == min(k, len(ids))
    assert len(set(found.tolist())) == len(found)
    assert (np.diff(scores) <= 0).all()
    close = {"rtol": 1e-4, "atol": 1e-4}
    np.testing.assert_allclose(scores, np.sort(wanted)[::-1][: len(found)], **close)
    np.testing.assert_allclose(scores, wanted[np.searchsorted(ids, found)], **close)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("keep", KEEPS)
def test_an_exact_search_is_the_brute_force(metric: str, keep: str) -> None:
    rows, queries = clustered(2_500, 33, 1), clustered(20, 33, 2)
    index = VectorIndex(33, metric, keep)
    ids = index.add(rows, np.arange(2_500) * 3 - 100)
    assert index.remove(ids[::5]) == 500
    kept = index.vectors(ids[1::5])
    given = rows[1::5]
    if metric == "cosine":
        given = given / np.linalg.norm(given, axis=1, keepdims=True)
    assert np.abs(kept - given).max() <= {"f32": 1e-6, "f16": 3e-3, "int8": 3e-2}[keep]
    allow = np.concatenate([ids[:600:2], [10**15, -(2**63)]])
    for query in queries:
        for k in (1, 10, 3_000):
            check_exact(index, query, k)
            check_exact(index, query, k, allow)
    ids, scores = index.search_many(queries, 7, 1.0, threads=3)
    assert ids.shape == scores.shape == (20, 7)
    for at, query in enumerate(queries):
        alone = index.search(query, 7, 1.0)
        assert (ids[at] == alone[0]).all()
        assert (scores[at] == alone[1]).all()


def test_a_recall_is_asked_for_and_planned() -> None:
    rows, queries = clustered(12_000, 48, 3, 300), clustered(200, 48, 4, 300)
    index = VectorIndex(48)
    index.add(rows)
    exact, _ = index.search_many(queries, 10, 1.0)
    for target in (None, 0.9, 0.99, 1.0):
        found, scores = index.search_many(queries, 10, target)
        recall = np.mean([np.isin(a, b).mean() for a, b in zip(exact, found, strict=True)])
        assert recall >= (0.99 if target is None else target) - 0.03
        one, alone = index.search(queries[0], 10, target)
        assert one.tolist() == found[0].tolist()
        assert alone.tolist() == scores[0].tolist()
    assert index.plan(10, 1.0) == {
        "way": "exact",
        "cells": 0,
        "of_cells": index.stats()["cells"],
        "slack": 0.0,
        "expected_recall": 1.0,
    }
    assert index.plan(10, allow=[1, 2, 3])["way"] == "listed"
    assert index.plan()["way"] in ("exact", "sketch", "cells")
    assert 0.5 < index.plan(10, 0.6)["expected_recall"] <= 1.0


def test_a_churned_index_still_finds() -> None:
    random = np.random.default_rng(11)
    rows, queries = clustered(15_000, 24, 5, 100), clustered(100, 24, 6, 100)
    index, held = VectorIndex(24), {}
    for start in range(0, 15_000, 500):
        ids = index.add(rows[start : start + 500])
        held.update(zip(ids.tolist(), rows[start : start + 500], strict=True))
        if len(held) > 5_000:
            gone = random.choice(np.array(list(held)), 500, replace=False)
            assert index.remove(gone) == 500
            for id in gone.tolist():
                del held[id]
        changed = random.choice(np.array(list(held)), 100, replace=False)
        fresh = clustered(100, 24, start + 7, 100)
        index.update(changed, fresh)
        held.update(zip(changed.tolist(), fresh, strict=True))
    assert index.ids().tolist() == sorted(held)
    for query in queries[:10]:
        check_exact(index, query, 10)
    exact, _ = index.search_many(queries, 10, 1.0)
    stacked = np.stack([held[id] for id in index.ids().tolist()])
    unit = stacked / np.linalg.norm(stacked, axis=1, keepdims=True)
    true = index.ids()[np.argsort(-(queries @ unit.T), axis=1)[:, :10]]
    assert np.mean([np.isin(a, b).mean() for a, b in zip(true, exact, strict=True)]) > 0.999
    found, _ = index.search_many(queries, 10, 0.95)
    assert np.mean([np.isin(a, b).mean() for a, b in zip(true, found, strict=True)]) >= 0.93


@pytest.mark.parametrize("dim", [1, 2, 3, 15, 16, 17, 63, 64, 65, 384, 1_000, 4_096, 4_097, 8_192])
def test_every_dimension_is_searched(dim: int) -> None:
    rows = clustered(40, dim, dim)
    rows[7], rows[9], rows[11] = 0, rows[8], rows[8]
    for metric in METRICS:
        for keep in KEEPS:
            index = VectorIndex(dim, metric, keep)
            index.add(rows[0])
            index.add(rows[1:])
            for query in (rows[8], rows[7], -rows[3]):
                check_exact(index, query, 5)
            assert index.vectors([7]).tolist() == [[0.0] * dim]
            assert (index.vectors([8, 9, 11, 8]) == index.vectors(8)).all()


def test_zeros_and_copies_are_vectors_like_others() -> None:
    index = VectorIndex(3)
    index.add(np.zeros((5, 3)))
    assert index.search([0, 0, 0], 3)[1].tolist() == [0, 0, 0]
    index.add(np.tile([1.0, 2.0, 2.0], (2_000, 1)))
    ids, scores = index.search([1, 2, 2], 2_005)
    assert set(ids[:2_000].tolist()) == set(range(5, 2_005))
    assert scores[:2_000] == pytest.approx(1.0)
    assert (scores[2_000:] == 0).all()


def test_an_empty_index_and_empty_calls() -> None:
    index = VectorIndex(4)
    assert len(index) == 0
    assert index.ids().shape == (0,)
    assert index.search(np.ones(4))[0].shape == (0,)
    ids, scores = index.search_many(np.ones((2, 4)), 3)
    assert ids.tolist() == [[-1] * 3] * 2
    assert (scores == -np.inf).all()
    assert index.search_many(np.empty((0, 4)), 3)[0].shape == (0, 3)
    assert index.add(np.empty((0, 4))).shape == (0,)
    assert index.vectors([]).shape == (0, 4)
    assert index.remove([]) == 0
    index.update([], np.empty((0, 4)))
    index.add(np.eye(4))
    assert index.search(np.ones(4), allow=[])[0].shape == (0,)
    assert index.search_many(np.ones((1, 4)), 3, allow=[2, 99])[0].tolist() == [[2, -1, -1]]
    assert index.search([1, 0, 0, 0], 1, allow=np.array([1, 1, 0, 0], dtype=np.uint8))[0].tolist() == [0]


def test_ids_count_on_and_return() -> None:
    index = VectorIndex(2)
    assert index.add([[1, 0], [0, 1]]).tolist() == [0, 1]
    assert index.remove(1) == 1
    assert index.add([1, 1]).tolist() == [2]
    assert index.add([1, 1], [40]).tolist() == [40]
    assert index.add([1, 2], -1).tolist() == [-1]
    assert index.add([1, 1]).tolist() == [41]
    assert 41 in index
    assert np.int64(-1) in index
    assert all(other not in index for other in (1, 3, True, 2.0, "2", None, 1 << 70))
    assert index.ids().tolist() == [-1, 0, 2, 40, 41]
    assert index.remove(index.ids()) == 5
    assert index.stats()["bytes"] < 1_000
    assert index.add([1, 1]).tolist() == [42]
    index.add([1, 1], [2**63 - 1])
    with pytest.raises(LimitExceeded, match="ids"):
        index.add([1, 1])


def test_arrays_of_all_kinds_are_taken() -> None:
    rows = clustered(50, 6, 8)
    wanted = VectorIndex(6)
    wanted.add(rows)
    found, scores = wanted.search(rows[3], 5)
    wide = np.zeros((50, 12), dtype=np.float32)
    wide[:, ::2] = rows
    for other in (rows.astype(np.float64), np.asfortranarray(rows), wide[:, ::2], rows.tolist()):
        index = VectorIndex(6)
        index.add(other)
        assert (index.vectors(index.ids()) == wanted.vectors(wanted.ids())).all()
        assert index.search(other[3], 5)[0].tolist() == found.tolist()
        assert index.search_many(other, 5)[1][3].tolist() == scores.tolist()
    frozen = rows.copy()
    frozen.flags.writeable = False
    index = VectorIndex(6)
    index.add(frozen)
    assert index.search(frozen[3].astype(">f4"), np.int32(5))[0].tolist() == found.tolist()


def test_it_tells_what_it_is_made_of() -> None:
    index = VectorIndex(16, keep="int8")
    assert repr(index) == "VectorIndex(16, 'cosine', 'int8')"
    assert (index.dim, index.metric, index.keep) == (16, "cosine", "int8")
    index.add(clustered(3_000, 16, 1))
    stats = index.stats()
    assert stats["bytes"] > 16 * 3_000
    assert stats["bytes_per_vector"] == stats["bytes"] / 3_000
    assert stats["cells"] > 0
    assert {key: stats[key] for key in ("vectors", "dim", "metric", "keep")} == {
        "vectors": 3_000,
        "dim": 16,
        "metric": "cosine",
        "keep": "int8",
    }
    assert stats["simd"] in ("baseline", "avx2", "avx512", "avx512popcount")


def test_the_example_runs() -> None:
    assert doctest.testmod(recollect.vector_index).attempted > 5
    assert doctest.testmod(recollect.vector_index).failed == 0
