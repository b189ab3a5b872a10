"""Segmentation against known cuts, and a stream against all at once."""

import doctest
from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import recollect
from recollect import Segmenter, segment
from recollect.errors import DimensionMismatch, InvalidArgument, WrongType
from recollect.segmentation import merge_episodes


def clusters(seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    centres = random.standard_normal((3, 64))
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    vectors = np.repeat(centres, 20, axis=0) + random.standard_normal((60, 64)) * 0.3 / 8
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_clusters_are_segments():
    options = {"min_size": 8, "max_size": 128}
    found = [segment(clusters(seed), **options).bounds.tolist() for seed in range(50)]
    assert found == [[0, 20, 40, 60]] * 50
    # 41 and 19 of 50 where the bound is lower: 3 is for cosines, 1 for log-probabilities.
    for gamma, right in ((2, 41), (1, 19)):
        found = [segment(clusters(seed), gamma=gamma, **options).bounds.tolist() for seed in range(50)]
        assert abs(found.count([0, 20, 40, 60]) - right) <= 3
    found = segment(clusters(0), **options)
    assert found.reasons == [(), ("cosine",), ("cosine",)]
    assert found.labels().tolist() == [0] * 20 + [1] * 20 + [2] * 20
    assert np.isnan(found.surprise[0])
    assert found.surprise[20] == found.surprise[1:].max() or found.surprise[40] == found.surprise[1:].max()


@pytest.mark.parametrize("objective", ["modularity", "conductance"])
def test_what_size_cut_too_late_moves_back(objective):
    for seed in range(20):
        # 17 items, then others: full at 18, and the two segments stay below that.
        vectors = np.concatenate([clusters(seed)[:17], clusters(seed)[20:38]])
        options = {"gamma": 1e6, "min_size": 8, "max_size": 18}
        assert segment(vectors, **options).bounds.tolist() == [0, 18, 35]
        assert segment(vectors, refine=objective, **options).bounds.tolist() == [0, 17, 35]


def test_topics_change_in_valleys():
    for seed in range(20):
        found = segment(clusters(seed), gamma=1e6, min_size=8, max_size=128, topic_window=8)
        assert found.bounds.tolist() == [0, 20, 40, 60]
        assert found.reasons[1:] == [("topic",), ("topic",)]


def test_sizes_and_gaps():
    same = np.ones((60, 8))
    assert segment(same, min_size=8, max_size=128).bounds.tolist() == [0, 60]
    assert segment(same).bounds.tolist() == [0, 25, 50, 60]
    assert segment(same, sizes=np.full(60, 5), max_size=50).bounds.tolist() == list(range(0, 61, 10))
    start = datetime(2026, 3, 1)
    minutes = [0, 29, 60, 50, 79]
    found = segment(times=[start + timedelta(minutes=minute) for minute in minutes])
    assert found.bounds.tolist() == [0, 2, 5]
    assert found.reasons[1] == ("gap",)
    assert segment(np.empty((0, 8))).bounds.tolist() == [0]
    assert len(segment(times=[])) == 0


def test_what_a_model_did_not_expect():
    surprises = 1 + 0.1 * (np.arange(40) % 3)
    surprises[20] = 9
    found = segment(surprises=surprises, gamma_log_probability=2, min_size=8, max_size=128)
    assert found.bounds.tolist() == [0, 20, 40]
    assert found.reasons[1] == ("log_probability",)


def test_episodes_merge():
    a, b, c = [1.0, 0.0], [0.9, 0.2], [0.0, 1.0]
    hours = np.arange(0, 6) * 3_600_000_000
    found = merge_episodes([a, c, b, c, a], hours[[0, 1, 2, 3, 3]] + [0, 0, 0, 1, 0], hours[[1, 2, 3, 4, 5]])
    assert found.tolist() == [0, 1, 0, 2, 0]
    assert merge_episodes([], [], []).tolist() == []


@given(
    arrays.arrays(np.float32, st.tuples(st.integers(1, 40), st.just(3)), elements=st.floats(-1, 1, width=32)),
    st.integers(1, 4),
    st.integers(0, 9),
)
def test_a_stream_gives_what_all_at_once_gives(vectors, least, more):
    options = {"gamma": 1.0, "min_size": least, "max_size": least + more, "gap": 60}
    times = np.arange(len(vectors)) ** 2 * 2_000_000
    segmenter = Segmenter(**options)
    cuts = [segmenter.push(row, time=int(at)) for row, at in zip(vectors, times, strict=True)]
    found = segment(vectors, times=times, **options)
    assert found.bounds.tolist() == [0, *(cut.at for cut in cuts if cut), len(vectors)]
    assert found.reasons[1:] == [cut.reasons for cut in cuts if cut]
    assert len(segmenter) == len(vectors)
    refined = segment(vectors, times=times, refine="modularity", **options)
    assert len(refined.bounds) == len(found.bounds)
    assert np.all(np.diff(refined.bounds) > 0)


def test_bad_arguments():
    segmenter = Segmenter()
    segmenter.push([1.0, 0.0])
    for error, call in (
        (DimensionMismatch, lambda: segmenter.push([1.0])),
        (InvalidArgument, lambda: segmenter.push([np.nan, 0.0])),
        (InvalidArgument, lambda: segmenter.push(surprise=float("inf"))),
        (InvalidArgument, lambda: segment()),
        (InvalidArgument, lambda: segment(np.ones((3, 2)), times=[1, 2])),
        (InvalidArgument, lambda: segment(np.ones((3, 2)), refine="beauty")),
        (InvalidArgument, lambda: segment(times=[1, 2], refine="modularity")),
        (InvalidArgument, lambda: segment(np.ones((3, 2)), min_size=0)),
        (InvalidArgument, lambda: segment(np.ones((3, 2)), topic_window=0)),
        (InvalidArgument, lambda: segment(times=[1, 2], topic_window=8)),
        (InvalidArgument, lambda: Segmenter(window=1)),
        (InvalidArgument, lambda: Segmenter(gamma=-1)),
        (WrongType, lambda: segment(np.ones((3, 2)), sizes=[1.0, 1.0, 1.0])),
        (WrongType, lambda: segmenter.push("text")),
    ):
        with pytest.raises(error):
            call()
    assert len(segmenter) == 1
    assert recollect.segmentation.segment is segment


def test_the_example_is_right():
    assert doctest.testmod(recollect.segmentation).failed == 0
