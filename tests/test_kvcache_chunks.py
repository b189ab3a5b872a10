"""What comes in chunks is what came at once: states of scores, and a cache that quantizes as it grows."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given as any_of
from hypothesis import settings
from hypothesis import strategies as st

from recollect.errors import DimensionMismatch, InvalidArgument
from recollect.kvcache import (
    Layer,
    QuantizedCache,
    bf16_bits,
    compact_in_place,
    decode_attention,
    scores,
    select,
)
from tests.kvcache_methods import tensors

cuts = st.lists(st.integers(0, 40), max_size=5).map(lambda found: sorted({0, 40, *found}))
KINDS = [("rot4", "int4"), ("int2", "int2"), ("rot1", "rot1"), ("fp8", "int8"), ("plain", "plain")]


@any_of(cuts=cuts)
def test_key_anchor(cuts):
    given = tensors()
    anchor = scores.KeyAnchor()
    for start, end in pairwise(cuts):
        anchor.observe(Layer(given.keys[:, :, start:end]))
    found = scores.key_diff(given.layer(), anchor=anchor)
    np.testing.assert_allclose(found, scores.key_diff(given.layer()), rtol=1e-6, atol=1e-7)


@any_of(cuts=cuts, decay=st.sampled_from([1.0, 0.9, 0.0]), norm=st.sampled_from(["none", "exposure"]))
def test_heavy_hitters(cuts, decay, norm):
    given = tensors()
    state = scores.HeavyHitters(norm=norm, decay=decay)
    for start, end in pairwise(cuts):
        layer = Layer(given.keys[:, :, :end], queries=given.queries[:, :, start:end])
        state.observe(layer)
    whole = scores.heavy_hitter(given.layer(), norm=norm, decay=decay)
    np.testing.assert_allclose(state.scores(given.layer()), whole, rtol=1e-6, atol=1e-7)


@any_of(cuts=cuts)
def test_query_statistics(cuts):
    given = tensors()
    chunked, whole = scores.QueryStats(skip=7), scores.QueryStats(skip=7)
    whole.observe(given.queries)
    for start, end in pairwise(cuts):
        chunked.observe(given.queries[:, :, start:end])
    for at in range(2):
        for one, other in zip(chunked.of(at), whole.of(at), strict=True):
            np.testing.assert_allclose(one, other, atol=1e-12)


def test_heavy_hitters_follow_evictions():
    given = tensors()
    keys, values = given.keys.copy(), given.values.copy()
    state = scores.HeavyHitters()
    layer = Layer(keys, queries=given.queries)
    state.observe(layer)
    found = state.scores(layer)
    kept = select(found, 10, n_sink=0)
    counts = compact_in_place(keys, values, kept)
    state.keep(kept)
    assert (counts == 10).all()
    small = Layer(keys[:, :, :10])
    np.testing.assert_array_equal(
        state.scores(small), found.reshape(-1)[np.flatnonzero(kept.mask())].reshape(2, 2, 10)
    )
    more = np.concatenate([keys[:, :, :10], given.keys[:, :, :1]], 2)
    state.observe(Layer(more, queries=given.queries[:, :, :1]))
    assert (state.scores(Layer(more))[..., 10] > 0).all()
    with pytest.raises(InvalidArgument, match="of a cache"):
        state.keep(kept)
    with pytest.raises(InvalidArgument, match="different numbers"):
        state.keep(select(state.scores(Layer(more)), [3, 4], n_sink=0))


@pytest.mark.parametrize("kinds", KINDS)
@settings(max_examples=12)
@any_of(data=st.data())
def test_a_growing_cache_holds_the_same_bits_however_it_grew(kinds, data):
    tokens = 150
    bits = {
        name: bf16_bits(part)
        for name, part in vars(tensors(tokens=tokens)).items()
        if name in ("keys", "values")
    }
    places = sorted({0, tokens, *data.draw(st.lists(st.integers(0, tokens), max_size=6))})
    whole, chunked = (QuantizedCache(*kinds, residual=16, n_sink=3) for _ in range(2))
    whole.append(bits["keys"], bits["values"])
    for start, end in pairwise(places):
        chunked.append(bits["keys"][:, :, start:end], bits["values"][:, :, start:end])
    assert whole.nbytes == chunked.nbytes
    assert whole.seen.tolist() == chunked.seen.tolist() == [tokens, tokens]
    for at in range(2):
        pairs = list(zip(whole.segments(at), chunked.segments(at), strict=True))
        for one, other in pairs:
            np.testing.assert_array_equal(one.positions, other.positions)
            for mine, theirs in ((one.keys, other.keys), (one.values, other.values)):
                for name, part in mine.parts.items():
                    np.testing.assert_array_equal(part, theirs.parts[name])
        assert [place for one, _ in pairs for place in one.positions] == list(range(tokens))


@any_of(lengths=st.lists(st.integers(0, 90), min_size=3, max_size=3))
def test_sequences_of_a_batch_do_not_share_blocks(lengths):
    given = tensors(batch=3, tokens=90).in_type(np.float16)
    together = QuantizedCache("int4", "int4", residual=8)
    together.append(given.keys, given.values, lengths=np.array(lengths))
    for at, length in enumerate(lengths):
        alone = QuantizedCache("int4", "int4", residual=8)
        alone.append(given.keys[at : at + 1, :, :length], given.values[at : at + 1, :, :length])
        for one, other in zip(alone.segments(0), together.segments(at), strict=True):
            np.testing.assert_array_equal(one.keys.dequantize(), other.keys.dequantize())


def test_sinks_and_the_newest_stay_as_they_came():
    given = tensors(tokens=400).in_type(np.float16)
    cache = QuantizedCache("rot2", "int2", n_sink=4, residual=128)
    cache.append(given.keys, given.values)
    first, *blocks, last = cache.segments(0)
    np.testing.assert_array_equal(first.keys.dequantize(), given.keys[0, :, :4].astype(np.float32))
    assert [len(one.positions) for one in blocks] == [128, 128]
    assert len(last.positions) == 400 - 4 - 256
    np.testing.assert_array_equal(last.values.dequantize(), given.values[0, :, 260:].astype(np.float32))


def test_a_block_is_quantized_once():
    given = tensors(tokens=400).in_type(np.float16)
    cache = QuantizedCache("int2", "int2", residual=32)
    cache.append(given.keys[:, :, :200], given.values[:, :, :200])
    before = [one.keys for one in cache.segments(0)][1:-1]
    for at in range(200, 400):
        cache.append(given.keys[:, :, at : at + 1], given.values[:, :, at : at + 1])
    after = [one.keys for one in cache.segments(0)][1:-1]
    assert len(after) > len(before)
    assert all(one is other for one, other in zip(before, after, strict=False))


def test_one_token_at_a_time_takes_the_bytes_of_two_bits():
    given = tensors(batch=1, heads=1, tokens=1000, dim=128).in_type(np.float16)
    values = given.values[..., :128]
    cache = QuantizedCache("int2", "int2", n_sink=4, residual=32)
    for at in range(1000):
        cache.append(given.keys[:, :, at : at + 1], values[:, :, at : at + 1])
    full = sum(len(one.positions) for one in cache.segments(0) if one.keys.codec.name == "plain")
    assert full < 4 + 32 + 32
    assert cache.nbytes == full * 512 + (1000 - full) * 96


def test_what_does_not_go_on_is_refused_and_changes_nothing():
    given = tensors().in_type(np.float16)
    cache = QuantizedCache()
    cache.append(given.keys, given.values)
    before = cache.nbytes
    broken = given.keys.copy()
    broken[1, 0, 3, 0] = np.nan
    with pytest.raises(InvalidArgument, match=r"keys\[1\]: token 3"):
        cache.append(broken, given.values)
    with pytest.raises(InvalidArgument, match="does not go on"):
        cache.append(given.keys[:1], given.values[:1])
    with pytest.raises(InvalidArgument, match="does not go on"):
        cache.append(given.keys.astype(np.float32), given.values)
    with pytest.raises(DimensionMismatch):
        cache.append(given.keys[..., :8], given.values)
    with pytest.raises(InvalidArgument, match="block: expected a multiple of 128"):
        QuantizedCache("rot2", "int4", block=32)
    assert cache.nbytes == before
    assert cache.seen.tolist() == [40, 40]


def test_what_cannot_be_quantized_loses_nothing():
    given = tensors(tokens=60).in_type(np.float32)
    cache = QuantizedCache("int4", "int4", n_sink=0, residual=0)
    cache.append(given.keys[:, :, :20], given.values[:, :, :20])
    huge = given.keys[:, :, 20:].copy()
    huge[1, 0, 3, 0] = 1e6
    for _ in range(2):
        with pytest.raises(InvalidArgument, match="beyond 65504"):
            cache.append(huge, given.values[:, :, 20:])
        assert cache.seen.tolist() == [20, 20]
    cache.append(given.keys[:, :, 20:], given.values[:, :, 20:])
    whole = QuantizedCache("int4", "int4", n_sink=0, residual=0)
    whole.append(given.keys, given.values)
    assert cache.nbytes == whole.nbytes


def test_an_empty_cache_gives_nothing():
    cache = QuantizedCache()
    cache.append(np.zeros((1, 2, 0, 8)), np.zeros((1, 2, 0, 8)))
    found = decode_attention(np.ones((1, 4, 1, 8)), cache)
    assert (found.output == 0).all()
    assert (found.lse == -np.inf).all()
    assert cache.nbytes == 0
