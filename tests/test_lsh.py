"""Hash tables over vectors: what they find, what they miss, and what they refuse."""

import doctest
import subprocess
import sys
import threading

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import recollect
from recollect.errors import DimensionMismatch, InvalidArgument, LimitExceeded, UnknownMemory, WrongType
from recollect.lsh import FAMILIES, LshIndex, collision_probability

Array = npt.NDArray[np.float32]


def unit(rows: npt.NDArray[np.float64]) -> Array:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def planted(noise: float, seed: int, count: int = 20_000, asked: int = 400) -> tuple[Array, Array]:
    """Return vectors around 2,000 random centres, and queries around the same ones."""
    random = np.random.default_rng(seed)
    centres = unit(random.standard_normal((2_000, 128)))

    def around(number: int) -> Array:
        of = random.integers(0, len(centres), number)
        return unit(centres[of] + noise * random.standard_normal((number, 128)) / np.sqrt(128))

    return around(count), around(asked)


def nearest(rows: Array, queries: Array, k: int = 10) -> npt.NDArray[np.int64]:
    scores = queries @ rows.T
    return np.argpartition(-scores, k, axis=1)[:, :k]


def pairs_at(cosine: float, count: int, dim: int, seed: int) -> tuple[Array, Array]:
    random = np.random.default_rng(seed)
    first, other = (random.standard_normal((count, dim)) for _ in range(2))
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    other -= (other * first).sum(1, keepdims=True) * first
    other /= np.linalg.norm(other, axis=1, keepdims=True)
    return unit(first), unit(cosine * first + np.sqrt(1 - cosine**2) * other)


# The two sets of the design: mean cosines to the ten nearest of .73 and .49.
@pytest.mark.parametrize(("noise", "cosine", "least"), [(0.52, 0.73, 0.90), (1.0, 0.49, 0.60)])
@pytest.mark.parametrize("seed", range(5))
def test_the_defaults_find_what_is_planted(noise: float, cosine: float, least: float, seed: int) -> None:
    rows, queries = planted(noise, seed)
    true = nearest(rows, queries)
    mean = np.mean([rows[true[at]] @ query for at, query in enumerate(queries)])
    assert mean == pytest.approx(cosine, abs=0.01)
    index = LshIndex(128, seed=seed)
    index.add(rows)
    found = [index.candidates(query) for query in queries]
    recall = np.mean([np.isin(true[at], one).mean() for at, one in enumerate(found)])
    assert recall >= least
    assert np.mean([len(one) for one in found]) <= 0.08 * len(rows)


@pytest.mark.parametrize(("family", "bits"), [("hyperplane", 1), ("hyperplane", 8), ("cross-polytope", 8)])
@pytest.mark.parametrize("cosine", [0.3, 0.6, 0.9])
def test_collisions_come_as_often_as_theory_says(family: str, bits: int, cosine: float) -> None:
    count, seeds, met = 1_000, 10, 0
    for seed in range(seeds):
        first, second = pairs_at(cosine, count, 100, seed)
        index = LshIndex(100, family=family, bits=bits, tables=1, seed=seed)
        index.add(first)
        met += sum(at in index.candidates(query) for at, query in enumerate(second))
    theory = collision_probability(family, cosine, bits)
    assert met / (count * seeds) == pytest.approx(theory, abs=0.02)
    assert index.collision(cosine) == theory
    assert index.recall(cosine) == pytest.approx(theory)


def test_theory_has_its_known_values() -> None:
    # Charikar's formula with eight bits in sixteen tables.
    index = LshIndex(4, family="hyperplane")
    assert [round(index.recall(x), 3) for x in (0.8, 0.5, 0.2)] == [0.938, 0.471, 0.152]
    assert collision_probability("hyperplane", 0.5, 1) == pytest.approx(2 / 3)
    for family in FAMILIES:
        assert collision_probability(family, 1.0) == pytest.approx(1.0)
        rates = [collision_probability(family, x) for x in (-0.9, -0.5, 0.0, 0.5, 0.9)]
        assert rates == sorted(rates)
    assert collision_probability("fly", 0.0) == pytest.approx(0.05)
    assert collision_probability("cross-polytope", 0.0, 5) == pytest.approx(1 / 32)


def test_one_table_is_the_hash_of_think_in_memory() -> None:
    rows, _ = planted(0.49, 1, 2_000, 50)
    index = LshIndex(128, tables=1, bits=6)
    index.add(rows)
    assert index.stats()["tables"] == 1
    assert index.stats()["keys"] == 64
    # Each vector is in one bucket, and a query sees one: the buckets part the vectors.
    seen = {tuple(index.candidates(row).tolist()) for row in rows[:300]}
    assert sum(len(bucket) for bucket in seen) == len({at for bucket in seen for at in bucket})


def test_the_overlap_of_the_fly_ranks() -> None:
    rows, queries = planted(0.98, 3, 5_000, 100)
    index = LshIndex(128, family="fly", bits=2560, active=64)
    index.add(rows)
    true = nearest(rows, queries)
    hits = [np.isin(true[at], index.candidates(query, most=10)).mean() for at, query in enumerate(queries)]
    assert np.mean(hits) >= 0.24
    exact = [np.isin(true[at], index.search(query, 10)[0]).mean() for at, query in enumerate(queries)]
    assert np.mean(exact) > np.mean(hits) + 0.2


@settings(max_examples=25)
@given(
    st.lists(st.tuples(st.sampled_from(["add", "remove", "update"]), st.integers(-5, 20)), max_size=60),
    st.sampled_from(FAMILIES),
    st.sampled_from(["cosine", "dot", "euclidean"]),
)
def test_it_holds_what_it_was_given(ops: list[tuple[str, int]], family: str, metric: str) -> None:
    random = np.random.default_rng(len(ops))
    bits = None if family == "fly" else 3
    index, held = LshIndex(8, family=family, bits=bits, tables=4, metric=metric), {}
    for op, id in ops:
        vector = random.standard_normal(8).astype(np.float32)
        if op == "add":
            if id in held:
                with pytest.raises(InvalidArgument, match=r"ids\[0\]"):
                    index.add(vector, [id])
            else:
                assert index.add(vector, [id]).tolist() == [id]
                held[id] = vector
        elif id not in held:
            with pytest.raises(KeyError, match=f"no vector {id}"):
                index.remove(id) if op == "remove" else index.update(id, vector)
        elif op == "remove":
            index.remove(id)
            del held[id]
        else:
            index.update([id], vector)
            held[id] = vector
    assert len(index) == len(held)
    assert all((id in index) == (id in held) for id in range(-6, 22))
    query = random.standard_normal(8).astype(np.float32)
    found, scores = index.search(query, k=50, probes=100, most=1_000)
    assert set(found.tolist()) <= set(held)
    assert scores.tolist() == sorted(scores.tolist(), reverse=True)
    if family == "cross-polytope":
        # All keys were probed but for the opposite ends of the axes.
        assert set(index.candidates(query, probes=100)) | set(index.candidates(-query, probes=100)) == set(
            held
        )
    for id, score in zip(found.tolist(), scores.tolist(), strict=True):
        a, b = query.astype(float), held[id].astype(float)
        exact = {
            "cosine": a @ b / np.linalg.norm(a) / np.linalg.norm(b),
            "dot": a @ b,
            "euclidean": -((a - b) ** 2).sum(),
        }
        assert score == pytest.approx(exact[metric], rel=1e-4, abs=1e-5)


def test_the_same_seed_gives_the_same_answers() -> None:
    rows, queries = planted(0.5, 9, 3_000, 20)
    answers = []
    for seed in (1, 1, 2):
        index = LshIndex(128, family="hyperplane", bits=10, probes=4, seed=seed)
        index.add(rows[:1_500])
        index.add(rows[1_500:])
        answers.append([index.candidates(query).tolist() for query in queries])
    assert answers[0] == answers[1] != answers[2]


def test_many_queries_are_each_searched() -> None:
    rows, queries = planted(0.5, 4, 3_000, 30)
    index = LshIndex(128)
    index.add(rows, np.arange(3_000) * 7)
    for (ids, scores), query in zip(index.search_many(queries, 5), queries, strict=True):
        alone = index.search(query, 5)
        assert ids.tolist() == alone[0].tolist()
        assert scores.tolist() == alone[1].tolist()
        np.testing.assert_allclose(scores, rows[ids // 7] @ query, atol=1e-5)


def test_ids_count_on() -> None:
    index = LshIndex(2)
    assert index.add([[1, 0], [0, 1]]).tolist() == [0, 1]
    index.remove(1)
    assert index.add([1, 1]).tolist() == [2]
    assert index.add([1, 1], [40]).tolist() == [40]
    assert index.add([1, 1]).dtype == np.int64
    assert 41 in index
    index.add([1, 1], [2**63 - 1])
    with pytest.raises(LimitExceeded):
        index.add([1, 1])


def near_pairs(rows: Array, threshold: float) -> set[tuple[int, int]]:
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    first, second = np.nonzero(np.triu(rows @ rows.T >= threshold, 1))
    return set(zip(first.tolist(), second.tolist(), strict=True))


def test_near_duplicates_are_found_and_verified() -> None:
    random = np.random.default_rng(2)
    rows = random.standard_normal((6_000, 64)).astype(np.float32)
    rows[3_000:] = rows[:3_000] + random.uniform(0, 1, (3_000, 1)) * random.standard_normal((3_000, 64))
    index = LshIndex(64)
    index.add(rows)
    for threshold, miss in ((0.8, 0.01), (0.9, 0.2), (0.97, 0.001)):
        pairs, similarity = index.near_duplicates(threshold, miss=miss)
        true = near_pairs(rows, threshold)
        found = {(int(a), int(b)) for a, b in pairs}
        assert len(found - near_pairs(rows, threshold - 1e-5)) == 0
        # Most pairs lie above the threshold, where fewer are missed.
        assert len(true - found) <= miss * len(true)
        assert pairs.dtype == np.int64
        assert pairs.tolist() == sorted(pairs.tolist())
        assert (similarity >= np.float32(threshold) - 1e-6).all()


def test_equal_vectors_are_one_group() -> None:
    index = LshIndex(3)
    index.add(np.tile([1.0, 2.0, 3.0], (2_000, 1)))
    index.add(np.zeros((5, 3)))
    pairs, similarity = index.near_duplicates(1.0)
    assert len(pairs) == 2_000 * 1_999 // 2
    assert (similarity == 1).all()
    with pytest.raises(LimitExceeded, match="most"):
        index.near_duplicates(0.9, most=1_000)


def test_a_crowd_below_the_threshold_is_refused_and_not_waited_for() -> None:
    random = np.random.default_rng(0)
    centre = unit(random.standard_normal((1, 16)))
    index = LshIndex(16, tables=1)
    index.add(centre + 0.024 * random.standard_normal((9_000, 16)))
    with pytest.raises(LimitExceeded, match="threshold"):
        index.near_duplicates(0.999)


def test_zero_has_no_direction() -> None:
    for family in FAMILIES:
        index = LshIndex(5, family=family)
        index.add(np.vstack([np.zeros(5), np.eye(5)]))
        ids, scores = index.search(np.zeros(5), 3)
        assert 0 in ids
        assert (scores == 0).all()


@pytest.mark.parametrize(
    ("call", "kind", "words"),
    [
        (lambda x: LshIndex(0), InvalidArgument, "dim"),
        (lambda x: LshIndex(8193), LimitExceeded, "dim"),
        (lambda x: LshIndex(2.5), WrongType, "dim"),
        (lambda x: LshIndex(3, family="simhash"), InvalidArgument, "family"),
        (lambda x: LshIndex(3, bits=0), InvalidArgument, "bits"),
        (lambda x: LshIndex(3, bits=15), InvalidArgument, "bits"),
        (lambda x: LshIndex(3, family="hyperplane", bits=21), InvalidArgument, "bits"),
        (lambda x: LshIndex(3, family="fly", bits=10), InvalidArgument, "active"),
        (lambda x: LshIndex(3, active=10), InvalidArgument, "active"),
        (lambda x: LshIndex(3, tables=0), InvalidArgument, "tables"),
        (lambda x: LshIndex(3, tables=1025), InvalidArgument, "tables"),
        (lambda x: LshIndex(3, probes=-1), InvalidArgument, "probes"),
        (lambda x: LshIndex(3, metric="l2"), InvalidArgument, "metric"),
        (lambda x: LshIndex(3, seed=-1), InvalidArgument, "seed"),
        (lambda x: LshIndex(3, seed="x"), WrongType, "seed"),
        (lambda x: x.add([1, 2]), DimensionMismatch, "vectors"),
        (lambda x: x.add([[1, 2, 3], [1, np.nan, 3]]), InvalidArgument, r"vectors\[1\]"),
        (lambda x: x.add([1, 2, 3], [1, 2]), InvalidArgument, "ids"),
        (lambda x: x.add([1, 2, 3], [0.5]), WrongType, "ids"),
        (lambda x: x.add([1, 2, 3], [[1]]), InvalidArgument, "ids"),
        (lambda x: x.add([1, 2, 3], [2**63]), LimitExceeded, "ids"),
        (lambda x: x.add([[1, 2, 3]] * 2, [7, 7]), InvalidArgument, r"ids\[1\]"),
        (lambda x: x.remove([0, 9]), UnknownMemory, r"ids\[1\]: no vector 9"),
        (lambda x: x.update([9], [1, 2, 3]), KeyError, "no vector 9"),
        (lambda x: x.search([1, 2, 3], 0), ValueError, "k"),
        (lambda x: x.search([1, 2, 3], True), TypeError, "k"),
        (lambda x: x.search([1, 2, 3], most=0), InvalidArgument, "most"),
        (lambda x: x.search([1, 2, 3], probes=-2), InvalidArgument, "probes"),
        (lambda x: x.search([[1, 2, 3]] * 2), InvalidArgument, "query"),
        (lambda x: x.search([1, 2]), DimensionMismatch, "query"),
        (lambda x: x.candidates([1, np.inf, 2]), InvalidArgument, "query"),
        (lambda x: x.near_duplicates(0.0), InvalidArgument, "threshold"),
        (lambda x: x.near_duplicates(1.5), InvalidArgument, "threshold"),
        (lambda x: x.near_duplicates("a"), WrongType, "threshold"),
        (lambda x: x.near_duplicates(0.5, miss=0), InvalidArgument, "miss"),
        (lambda x: LshIndex(3, metric="dot").near_duplicates(0.5), InvalidArgument, "metric"),
        (lambda x: x.collision(1.01), InvalidArgument, "similarity"),
        (lambda x: collision_probability("fly", np.nan), InvalidArgument, "similarity"),
    ],
)
def test_what_is_wrong_is_named_and_changes_nothing(call, kind, words) -> None:
    index = LshIndex(3)
    index.add(np.eye(3))
    with pytest.raises(kind, match=words) as raised:
        call(index)
    assert isinstance(raised.value, recollect.RecollectError)
    assert len(index) == 3
    assert index.stats()["entries"] == 48


def test_threads_search_while_others_write() -> None:
    rows, queries = planted(0.5, 5, 4_000, 40)
    index = LshIndex(128, tables=4)
    index.add(rows[:2_000])
    failures = []

    def search() -> None:
        try:
            for query in queries:
                ids, scores = index.search(query, 5)
                assert (np.diff(scores) <= 0).all()
                assert len(set(ids.tolist())) == len(ids)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=search) for _ in range(4)]
    for thread in threads:
        thread.start()
    for at in range(2_000, 4_000, 100):
        index.add(rows[at : at + 100])
        index.remove(range(at - 2_000, at - 1_900))
    for thread in threads:
        thread.join()
    assert not failures
    assert len(index) == 2_000


def test_the_example_runs() -> None:
    program = "import doctest, recollect.lsh; raise SystemExit(doctest.testmod(recollect.lsh).failed)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert doctest.DocTestFinder().find(recollect.lsh)
    assert "lsh" in recollect.__all__
