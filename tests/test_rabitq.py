"""Codes of a few bits a dimension: unbiased, within their bound, finer with every bit, and kept whole."""

import doctest

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import recollect.rabitq
from recollect.errors import DimensionMismatch, InvalidArgument, RecollectError, WrongType
from recollect.rabitq import RabitqCodes


def vectors(n: int, dim: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, dim)).astype(np.float32)


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_estimates_are_unbiased_and_keep_their_bound(bits: int) -> None:
    base, query = vectors(5_000, 200), vectors(1, 200, 9)[0]
    offs = []
    for seed in range(8):
        estimates, deviations = RabitqCodes.encode(base, bits=bits, seed=seed).estimate(query)
        offs.append((estimates - base @ query) / deviations)
    off = np.concatenate(offs)
    assert abs(off.mean()) < 0.05
    for z in (2, 3):
        assert (np.abs(off) > z).mean() < 2 * np.exp(-z * z / 2)


def test_more_bits_find_more() -> None:
    base = vectors(4_000, 96)
    queries = base[:40] + 0.8 * vectors(40, 96, 5)
    exact = np.argsort(-(queries @ base.T), axis=1)[:, :10]
    recalls = []
    for bits in (1, 2, 4):
        ids, scores = RabitqCodes.encode(base, bits=bits).search(queries, k=10)
        assert ids.shape == scores.shape == (40, 10)
        assert (np.diff(scores, axis=1) <= 0).all()
        recalls.append(np.mean([len(set(a) & set(b)) / 10 for a, b in zip(ids, exact, strict=True)]))
    assert recalls[0] < recalls[1] < recalls[2]
    assert recalls[2] > 0.8


@settings(deadline=None, max_examples=40)
@given(
    n=st.integers(1, 40),
    dim=st.integers(1, 130),
    bits=st.sampled_from([1, 2, 4]),
    seed=st.integers(0, 2**64 - 1),
)
def test_parts_make_the_same_codes_again(n: int, dim: int, bits: int, seed: int) -> None:
    base = vectors(n, dim, seed % 97)
    codes = RabitqCodes.encode(base, bits=bits, seed=seed)
    again = RabitqCodes.of_parts(codes.parts(), dim, bits=bits, seed=seed)
    assert (len(again), again.dim, again.bits, again.seed) == (n, dim, bits, seed)
    for one, other in zip(codes.estimate(base[0]), again.estimate(base[0]), strict=True):
        np.testing.assert_array_equal(one, other)
    planes = codes.parts()["planes"]
    assert planes.shape == (bits, -(-n // 8), -(-dim // 64), 8)


def test_vectors_of_zeros_and_of_one_dimension() -> None:
    codes = RabitqCodes.encode(np.zeros((3, 7)), bits=2)
    estimates, deviations = codes.estimate(np.ones(7))
    assert estimates.tolist() == deviations.tolist() == [0, 0, 0]
    ids, _ = RabitqCodes.encode([[1.0], [-2.0]], bits=4).search([-1.0], k=5)
    assert ids.tolist() == [1, 0]


def test_what_is_wrong_is_named() -> None:
    base = vectors(3, 8)
    codes = RabitqCodes.encode(base)
    with pytest.raises(InvalidArgument, match="bits: 3"):
        RabitqCodes.encode(base, bits=3)
    with pytest.raises(InvalidArgument, match=r"vectors\[1\]"):
        RabitqCodes.encode([[1.0, 2.0], [np.nan, 1.0]])
    with pytest.raises(InvalidArgument, match="seed"):
        RabitqCodes.encode(base, seed=-1)
    with pytest.raises(WrongType, match="seed"):
        RabitqCodes.encode(base, seed="x")  # type: ignore[arg-type]
    with pytest.raises(DimensionMismatch, match="query"):
        codes.estimate(np.ones(9))
    with pytest.raises(InvalidArgument, match="query"):
        codes.estimate(base)
    with pytest.raises(DimensionMismatch, match="queries"):
        codes.search(np.ones(9))
    with pytest.raises(InvalidArgument, match="parts: norms"):
        RabitqCodes.of_parts({k: v for k, v in codes.parts().items() if k != "norms"}, 8)
    with pytest.raises(InvalidArgument, match="codes"):
        RabitqCodes.of_parts(codes.parts(), 8, bits=2)
    with pytest.raises(WrongType, match="uint64"):
        RabitqCodes.of_parts(codes.parts() | {"planes": np.zeros(4)}, 8)
    with pytest.raises(RecollectError):
        RabitqCodes()


def test_the_example_runs() -> None:
    assert doctest.testmod(recollect.rabitq) == (0, 8)
    assert "rabitq" in recollect.__all__
