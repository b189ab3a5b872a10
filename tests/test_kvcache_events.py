"""Events: where surprise begins one, and where a boundary lies best."""

import numpy as np
import pytest
from hypothesis import example
from hypothesis import given as any_of
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from recollect.errors import InvalidArgument
from recollect.kvcache import boundaries, refined, similarity, split_quality

surprises = arrays.arrays(
    np.float64, st.integers(0, 200), elements=st.sampled_from([0.5, 1.0, 2.0, 9.0, np.nan])
)


def test_a_surprising_token_begins_an_event():
    surprise = np.ones(100)
    surprise[[30, 61]] = 9.0
    assert boundaries(surprise).tolist() == [0, 30, 61]
    surprise[0] = np.nan
    assert boundaries(surprise).tolist() == [0, 30, 61]


@pytest.mark.parametrize("value", [0.0, 0.1, 3.7])
def test_equal_tokens_have_no_boundary_but_the_greatest_size(value):
    assert boundaries(np.full(60, value)).tolist() == [0]
    assert boundaries(np.full(60, value), most=25).tolist() == [0, 25, 50]


@example(surprise=np.array([0.5] + [1.0] * 13), least=1, more=2, window=2)
@any_of(surprise=surprises, least=st.integers(1, 9), more=st.integers(0, 20), window=st.integers(1, 50))
def test_events_are_as_the_rule_says_and_as_long_as_allowed(surprise, least, more, window):
    found = boundaries(surprise, window=window, least=least, most=least + more)
    starts = [0] if len(surprise) else []
    for at in range(1, len(surprise)):
        before = surprise[max(at - window, 0) : at]
        before = before[np.isfinite(before)]
        above = len(before) > 1 and surprise[at] > before.mean() + before.std() + 1e-6
        length = at - starts[-1]
        if length >= least + more or (length >= least and above):
            starts.append(at)
    assert found.tolist() == starts


@any_of(surprise=surprises, cut=st.integers(0, 200))
def test_what_comes_later_changes_no_event(surprise, cut):
    whole, part = boundaries(surprise), boundaries(surprise[:cut])
    assert part.tolist() == whole[whole < min(cut, len(surprise))].tolist()


def test_a_chunk_is_compared_with_what_came_before_it():
    surprise = np.ones(40)
    surprise[20:] += 5
    assert boundaries(surprise, chunk=20, least=1).tolist() == [0, *range(20, 40)]
    assert boundaries(surprise, least=1).tolist()[:2] == [0, 20]


def clusters(seed: int, counts=(20, 20, 20), dim: int = 64) -> np.ndarray:
    random = np.random.default_rng(seed)
    centres = np.linalg.qr(random.standard_normal((dim, len(counts))))[0].T
    rows = [
        centre + 0.3 * random.standard_normal((count, dim)) / 8
        for centre, count in zip(centres, counts, strict=True)
    ]
    return np.concatenate(rows)


@pytest.mark.parametrize("measure", ["modularity", "conductance"])
@pytest.mark.parametrize("moved", [17, 23])
def test_a_boundary_that_was_moved_comes_back(measure, moved):
    for seed in range(20):
        keys = clusters(seed, (20, 20))[None, None]
        assert refined([0, moved], keys, measure=measure).tolist() == [0, 20]


@pytest.mark.parametrize("measure", ["modularity", "conductance"])
@any_of(n=st.integers(2, 14), seed=st.integers(0, 50))
def test_all_cuts_at_once_are_each_cut_alone(measure, n, seed):
    rows = np.random.default_rng(seed).standard_normal((3, n, 5))
    alike = similarity(rows).astype(np.float64)
    for volume in ("within", "degree"):
        found = split_quality(alike, measure=measure, volume=volume)
        assert found[0] == -np.inf
        for cut in range(1, n):
            sides = [np.arange(n) < cut, np.arange(n) >= cut]
            degree, total = alike.sum(1), alike.sum()
            if measure == "modularity":
                truth = sum(
                    (alike - np.outer(degree, degree) / total)[np.ix_(side, side)].sum() for side in sides
                ) / (2 * total)  # fmt: skip
            else:
                across = alike[np.ix_(*sides)].sum()
                volumes = [
                    alike[np.ix_(side, side)].sum() if volume == "within" else degree[side].sum()
                    for side in sides
                ]
                truth = -min(across / min(one, total - one) for one in volumes)
            assert found[cut] == pytest.approx(truth, rel=1e-6, abs=1e-9)


def test_products_that_sum_to_nothing_move_no_boundary():
    # With signs the sum of similarities can be zero or less, and quality is not defined.
    keys = np.array([[1.0], [-1.0]] * 15)[None]
    assert similarity(keys, kind="dot").sum() <= 0
    assert refined([0, 11], keys, kind="dot").tolist() == [0, 11]


def test_boundaries_keep_their_number_their_order_and_the_least_size():
    keys = clusters(3, (30, 25, 40, 10))[None]
    for starts in ([0, 28, 50, 96], [0, 33, 58, 90], [0, 8, 16, 24]):
        found = refined(starts, keys)
        assert len(found) == 4
        assert (np.diff(np.append(found, 105)) >= 8).all()
    assert refined([0, 28, 50, 96], keys).tolist() == [0, 30, 55, 95]
    assert refined([], keys).tolist() == []


def test_wrong_arguments_are_named():
    for call, match in [
        (lambda: boundaries(np.zeros((2, 2))), r"^surprise"),
        (lambda: boundaries(np.zeros(3), least=9, most=8), r"^least"),
        (lambda: split_quality(np.zeros((2, 3))), r"^alike"),
        (lambda: split_quality(np.zeros((2, 2)), measure="cut"), r"^measure"),
        (lambda: refined([0, 50], clusters(0)[:20]), r"^starts"),
        (lambda: refined([3, 5], clusters(0)), r"^starts"),
    ]:
        with pytest.raises(InvalidArgument, match=match):
            call()
