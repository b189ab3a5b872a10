"""Sequences of a cache are chosen, repeated and taken back, as beams and rejected drafts ask for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recollect.errors import InvalidArgument
from recollect.kvcache import Layer, QuantizedCache, Rope, decode_attention, scores
from recollect.kvcache.quantizers import Rotated


def rows(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float16)


def cache_of(*sizes: int, lengths: list[int] | None = None) -> QuantizedCache:
    """Return a cache of two sequences that came in chunks of these sizes."""
    cache = QuantizedCache(Rotated(4, block=8), "int4", n_sink=2, residual=6, block=32)
    whole, begin = (rows(2, 3, 90, 16), rows(2, 3, 90, 16, seed=1)), 0
    for size in sizes:
        cache.append(*(part[:, :, begin : begin + size] for part in whole), lengths=lengths)
        begin += size
    return cache


def held(cache: QuantizedCache, index: int) -> list[tuple[bytes, ...]]:
    return [
        tuple(
            part.tobytes() for part in (one.positions, *one.keys.parts.values(), *one.values.parts.values())
        )
        for one in cache.segments(index)
    ]


@given(st.lists(st.integers(0, 1), max_size=5))
def test_chosen_sequences_are_what_they_were(chosen):
    cache, before = cache_of(50, 7), cache_of(50, 7)
    cache.take(chosen)
    assert cache.seen.tolist() == [57] * len(chosen)
    for index, old in enumerate(chosen):
        assert held(cache, index) == held(before, old)
    # What is shared is held once.
    assert cache.nbytes == sum(
        sum(part.nbytes for part in (*one.keys.parts.values(), *one.values.parts.values()))
        for old in set(chosen)
        for one in before.segments(old)
    )


def test_sequences_that_were_one_go_their_own_ways():
    cache = cache_of(50)
    cache.take([1, 1])
    new = rows(2, 3, 40, 16, seed=2)
    cache.append(new, new)
    assert held(cache, 0)[:2] == held(cache, 1)[:2]
    assert held(cache, 0)[-1] != held(cache, 1)[-1]
    queries = rows(2, 3, 1, 16, seed=3)
    assert decode_attention(queries, cache).output.shape == (2, 3, 1, 16)


@given(st.integers(0, 90), st.data())
def test_what_is_taken_back_never_came(count, data):
    cache, whole = cache_of(count), (rows(2, 3, 90, 16), rows(2, 3, 90, 16, seed=1))
    codes = sum(one.keys.shape[1] for one in list(cache.segments(0))[1:-1])
    free = count - (codes + 2 if codes else 0)
    back = data.draw(st.integers(0, free))
    cache.drop_newest([back, back])
    assert cache.seen.tolist() == [count - back] * 2
    cache.append(*(part[:, :, count - back :] for part in whole))
    assert [held(cache, index) for index in (0, 1)] == [held(cache_of(90), index) for index in (0, 1)]


def test_sequences_take_back_numbers_of_their_own():
    cache = cache_of(20, lengths=[20, 12])
    cache.drop_newest(np.array([3, 12]))
    assert cache.seen.tolist() == [17, 0]


def test_codes_are_not_taken_back():
    cache = cache_of(60)
    before = [held(cache, index) for index in (0, 1)]
    with pytest.raises(InvalidArgument, match=r"^counts: 58 newest tokens, of which 26 are as they came"):
        cache.drop_newest([1, 58])
    assert [held(cache, index) for index in (0, 1)] == before
    with pytest.raises(InvalidArgument, match=r"^sequences: 2 of 2"):
        cache.take([0, 2])
    assert len(cache.seen) == 2


def test_states_of_scores_follow_the_sequences():
    keys, queries = rows(2, 2, 12, 8), rows(2, 4, 12, 8, seed=1)
    hitters = scores.HeavyHitters()
    hitters.observe(Layer(keys, queries=queries))
    hitters.take([1, 0, 1])
    chosen = Layer(keys[[1, 0, 1]], queries=queries[[1, 0, 1]])
    np.testing.assert_array_equal(hitters.scores(chosen), scores.heavy_hitter(chosen))
    assert hitters.nbytes == 2 * 3 * 2 * 12 * 8
    statistics, alone = scores.QueryStats(), scores.QueryStats()
    statistics.observe(queries)
    statistics.take([1])
    alone.observe(queries[1:])
    for one, two in zip(statistics.of(0), alone.of(0), strict=True):
        np.testing.assert_allclose(one, two)
    assert statistics.nbytes == alone.nbytes > 0


def test_expected_attention_knows_what_position_is_next():
    keys, values, queries = rows(1, 2, 40, 8), rows(1, 2, 40, 8, seed=1), rows(1, 4, 40, 8, seed=2)
    statistics, frequencies = scores.QueryStats(), 100.0 ** -(np.arange(4) / 4)
    statistics.observe(queries)
    options = {"statistics": statistics, "inv_freq": frequencies, "n_sink": 0}
    layer = Layer(keys, values)
    found = scores.expected_attention(layer, next_positions=[140], **options)
    assert not np.allclose(found, scores.expected_attention(layer, **options))
    # Attention goes by distance: all of it a hundred tokens on is the same.
    moved = Rope(frequencies).moved(keys.astype(np.float64), np.full(40, -100))
    np.testing.assert_allclose(found, scores.expected_attention(Layer(moved, values), **options), rtol=1e-5)
    with pytest.raises(InvalidArgument, match=r"^next_positions: expected the shape \(1,\), found \(2,\)"):
        scores.expected_attention(layer, next_positions=[1, 2], **options)
