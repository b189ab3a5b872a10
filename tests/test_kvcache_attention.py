"""Attention over caches of mixed pieces is attention over the rows that the pieces stand for."""

import numpy as np
import pytest
from hypothesis import given as any_of
from hypothesis import strategies as st

from recollect.errors import InvalidArgument
from recollect.kvcache import (
    Kept,
    MixedCache,
    PagedStore,
    PlainCache,
    QuantizedCache,
    bf16_bits,
    decode_attention,
    merged,
    pv,
    qk_logits,
    quantize,
    scores,
    select,
)
from tests.kvcache_methods import tensors

STATES = {
    1: ("rot1", "int2"),
    2: ("rot2", "int2"),
    4: ("int4", "int4"),
    8: ("fp8", "int8"),
    16: ("plain", "plain"),
}


def rows(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape)


def dense(queries, cache, positions):
    """Return output and logarithm of the sum, out of all rows at once."""
    batch, query_heads, w, dim = queries.shape
    output = np.zeros((batch, query_heads, w, cache.value_dim))
    lse = np.full((batch, query_heads, w), -np.inf)
    for at, one in np.ndindex(batch, query_heads):
        head = one * cache.heads // query_heads
        mine = [segment for segment in cache.segments(at) if segment.heads.start <= head < segment.heads.stop]
        keys, values = (
            np.concatenate(
                [np.zeros((0, size)), *(getattr(s, name).dequantize()[head - s.first] for s in mine)]
            )
            for name, size in (("keys", dim), ("values", cache.value_dim))
        )
        places = np.concatenate([np.zeros(0), *(segment.positions for segment in mine)])
        for row in range(w):
            seen = places <= positions[at, row]
            if seen.any():
                logits = keys[seen] @ queries[at, one, row] / np.sqrt(dim)
                powers = np.exp(logits - logits.max())
                output[at, one, row] = powers @ values[seen] / powers.sum()
                lse[at, one, row] = np.log(powers.sum()) + logits.max()
    return output, lse


@pytest.mark.parametrize("kinds", [("rot4", "int4"), ("int4", "rot2"), ("rot1", "int2"), ("fp8", "int8")])
def test_a_growing_cache(kinds):
    given = tensors(batch=3, tokens=230)
    cache = QuantizedCache(*kinds, residual=20)
    cache.append(given.keys, given.values, lengths=[230, 7, 0])
    queries = rows(3, 6, 4, 16, seed=5)
    found = decode_attention(queries, cache)
    positions = cache.seen[:, None] - 4 + np.arange(4)
    output, lse = dense(queries, cache, positions)
    np.testing.assert_allclose(found.output, output, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(found.lse, lse, rtol=1e-5, atol=1e-5)
    assert (found.output[2] == 0).all()
    assert (found.lse[2] == -np.inf).all()


@any_of(seed=st.integers(0, 99), tokens=st.integers(0, 40), group=st.integers(1, 3))
def test_a_cache_with_tokens_in_states_of_their_own(seed, tokens, group):
    given = tensors(tokens=tokens, seed=seed)
    states = np.random.default_rng(seed).choice([0, 0, 1, 2, 4, 8, 16], (2, 2, tokens))
    cache = MixedCache(given.keys, given.values, states, STATES)
    queries = rows(2, 2 * group, 3, 16, seed=seed)
    positions = np.random.default_rng(seed).integers(0, tokens + 1, (2, 3))
    found = decode_attention(queries, cache, positions=positions)
    output, lse = dense(queries, cache, positions)
    np.testing.assert_allclose(found.output, output, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(found.lse, lse, rtol=1e-5, atol=1e-5)


def test_all_tokens_as_they_came_is_plain_attention():
    given = tensors()
    cache = MixedCache(given.keys, given.values, np.full((2, 2, 40), 16), STATES)
    queries = given.queries
    logits = queries @ np.repeat(given.keys, 3, 1).swapaxes(2, 3) / 4
    logits = np.where(np.tri(40, dtype=bool), logits, -np.inf)
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    truth = powers / powers.sum(-1, keepdims=True) @ np.repeat(given.values, 3, 1)
    np.testing.assert_allclose(decode_attention(queries, cache).output, truth, rtol=1e-5, atol=1e-6)
    with np.testing.assert_raises(AssertionError):
        np.testing.assert_allclose(decode_attention(queries, cache, scale=1.0).output, truth, rtol=1e-2)


@any_of(cut=st.integers(0, 40), seed=st.integers(0, 20))
def test_attention_over_two_parts_makes_that_over_the_whole(cut, seed):
    given = tensors(seed=seed)
    whole = np.full((2, 2, 40), 4)
    first, second = whole.copy(), whole.copy()
    first[..., cut:], second[..., :cut] = 0, 0
    queries, positions = rows(2, 4, 2, 16, seed=seed) * 5, np.full((2, 2), 40)
    caches = [
        MixedCache(given.keys, given.values, states, {4: ("plain", "plain")})
        for states in (whole, first, second)
    ]
    parts = [decode_attention(queries, cache, positions=positions) for cache in caches]
    joined = merged(parts[1], parts[2])
    np.testing.assert_allclose(joined.output, parts[0].output, rtol=2e-5, atol=1e-5)
    np.testing.assert_allclose(joined.lse, parts[0].lse, rtol=1e-5, atol=1e-5)


def test_pages_are_attended_to_as_what_they_hold():
    given = tensors().in_type(np.float32)
    store = PagedStore(2, 2, 16, 18, dtype=np.float32, page=7)
    store.append(given.keys, given.values)
    kept = select(rows(2, 2, 40).astype(np.float32), [3, 30])
    store.keep(kept)
    store.append(given.keys[:, :, :1], given.values[:, :, :1])
    found = decode_attention(given.queries[:, :, -1:], store)
    output, lse = dense(given.queries[:, :, -1:], store, store.seen[:, None] - 1)
    np.testing.assert_allclose(found.output, output, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(found.lse, lse, rtol=1e-5, atol=1e-5)
    held = [segment.positions.tolist() for segment in store.segments(1)]
    assert held == [[*np.flatnonzero(kept.mask()[1, head]).tolist(), 40] for head in range(2)]


def test_what_positions_receive_makes_heavy_hitters():
    given = tensors(tokens=70)
    growing = QuantizedCache("plain", "plain", residual=10, block=20)
    growing.append(given.keys, given.values)
    for cache in (MixedCache(given.keys, given.values, np.full((2, 2, 70), 16), STATES), growing):
        found = decode_attention(given.queries, cache, with_received=True)
        np.testing.assert_allclose(found.received, scores.heavy_hitter(given.layer()), rtol=1e-5, atol=1e-6)
        assert decode_attention(given.queries, cache).received is None


def test_what_is_gone_receives_nothing_and_the_rest_receives_all():
    given = tensors()
    kept = select(rows(2, 2, 40).astype(np.float32), [3, 9], n_sink=1)
    cache = MixedCache(given.keys, given.values, kept, {1: ("rot2", "int2")})
    found = decode_attention(given.queries[:, :, -5:], cache, with_received=True).received
    assert ((found > 0) <= kept.mask()).all()
    np.testing.assert_allclose(found.sum(-1), 5, rtol=1e-5)


def test_an_empty_batch():
    given = tensors(batch=0)
    cache = MixedCache(given.keys, given.values, np.zeros((0, 2, 40), dtype=np.uint8), STATES)
    assert decode_attention(given.queries, cache, with_received=True).output.shape == (0, 6, 40, 18)
    growing = QuantizedCache()
    growing.append(given.keys, given.values)
    assert decode_attention(given.queries, growing).lse.shape == (0, 6, 40)
    assert qk_logits(given.queries, quantize(given.keys, "rot2")).shape == (0, 6, 40, 40)
    assert pv(np.zeros((0, 6, 3, 40)), quantize(given.values, "int2")).shape == (0, 6, 3, 18)


def test_huge_logits_do_not_overflow():
    keys = np.zeros((1, 1, 3, 4))
    keys[0, 0, :, 0] = [1e4, -1e4, 0]
    values = np.arange(3.0).reshape(1, 1, 3, 1)
    cache = MixedCache(keys, values, np.full((1, 1, 3), 16), STATES)
    found = decode_attention(np.full((1, 1, 1, 4), 1e4), cache, positions=[[9]])
    assert found.output.ravel().tolist() == [0.0]
    assert found.lse[0, 0, 0] == pytest.approx(5e7)


def test_bytes_of_a_mixed_cache_are_those_of_its_parts_and_positions():
    keys = bf16_bits(rows(1, 2, 300, 128))
    states = np.zeros((1, 2, 300), dtype=np.uint8)
    states[0, 0, :64], states[0, 1, 100:132] = 16, 4
    cache = MixedCache(keys, keys, states, STATES)
    assert cache.nbytes == 64 * (512 + 2) + 32 * (160 + 2)
    assert cache.nbytes == sum(segment.nbytes for segment in cache.segments(0))
    evicted = MixedCache(keys, keys, np.zeros((1, 2, 300), dtype=np.uint8), STATES)
    assert evicted.nbytes == 0


def test_what_is_kept_is_state_one():
    given = tensors()
    kept = select(rows(2, 2, 40).astype(np.float32), [3, 9])
    cache = MixedCache(given.keys, given.values, kept, {1: ("plain", "plain")})
    for at in range(2):
        for head, segment in enumerate(cache.segments(at)):
            mine = kept.mask()[at, head]
            assert segment.positions.tolist() == np.flatnonzero(mine).tolist()
            np.testing.assert_array_equal(
                segment.keys.dequantize()[0], given.keys[at, head, mine].astype(np.float32)
            )


def test_what_is_broken_may_go_but_not_stay():
    given = tensors(batch=1, heads=1)
    given.keys[0, 0, 5] = np.nan
    mask = np.ones((1, 1, 40), dtype=bool)
    with pytest.raises(InvalidArgument, match="a number that is not finite"):
        MixedCache(given.keys, given.values, Kept.of_mask(mask), {1: ("int4", "int4")})
    mask[..., 5] = False
    cache = MixedCache(given.keys, given.values, Kept.of_mask(mask), {1: ("int4", "int4")})
    assert np.isfinite(decode_attention(given.queries, cache).output).all()


def test_wrong_arguments_are_named():
    given = tensors()
    cache = MixedCache(given.keys, given.values, np.full((2, 2, 40), 16), STATES)
    whole = np.full((2, 2, 40), 16)
    for call, match in [
        (lambda: decode_attention(rows(2, 3, 1, 16), cache), "^queries: "),
        (lambda: decode_attention(rows(1, 2, 1, 16), cache), "^queries: "),
        (lambda: decode_attention(rows(2, 2, 1, 16), cache, positions=[[1.0], [2.0]]), "^positions: "),
        (lambda: decode_attention(rows(2, 2, 1, 16), cache, positions=[[1]]), "^positions: "),
        (
            lambda: MixedCache(given.keys, given.values, whole, {1: ("int4", "int4")}),
            r"no quantizers for \[16\]",
        ),
        (lambda: MixedCache(given.keys, given.values, whole[:1], STATES), "^states: "),
        (lambda: MixedCache(given.keys, given.values[:, :, 1:], whole, STATES), "^values: "),
        (lambda: decode_attention(rows(2, 2, 1, 15), cache), "^queries: expected 16 dimensions"),
    ]:
        with pytest.raises(InvalidArgument, match=match):
            call()


@pytest.mark.parametrize("backend", ["numpy", "rust"])
@pytest.mark.parametrize("broken", [np.nan, np.inf])
@pytest.mark.parametrize("kinds", [("plain", "plain"), ("int4", "int4"), ("rot2", "int2")])
@pytest.mark.filterwarnings("ignore:invalid value encountered")
def test_a_query_that_is_broken_gets_no_numbers_and_others_theirs(backend, broken, kinds):
    keys, values = (rows(1, 2, 1100, 32, seed=seed).astype(np.float32) for seed in (1, 2))
    cache = QuantizedCache(*kinds, residual=0, n_sink=0)
    cache.append(np.abs(keys) + 0.1, values)
    queries = rows(1, 4, 2, 32, seed=3).astype(np.float32)
    whole = decode_attention(queries, cache, backend=backend)
    queries[0, 1, 1, 5] = broken
    found = decode_attention(queries, cache, backend=backend)
    assert np.isnan(found.output[0, 1, 1]).all()
    assert not np.isfinite(found.lse[0, 1, 1])
    sound = np.ones((1, 4, 2), bool)
    sound[0, 1, 1] = False
    np.testing.assert_array_equal(found.output[sound], whole.output[sound])
    np.testing.assert_array_equal(found.lse[sound], whole.lse[sound])


@pytest.mark.parametrize("backend", ["numpy", "rust"])
@pytest.mark.filterwarnings("ignore:invalid value encountered")
def test_keys_that_are_no_numbers_show_where_they_are_seen(backend):
    keys, values = (rows(1, 2, 700, 16, seed=seed).astype(np.float32) for seed in (1, 2))
    keys[0, 0, 600, 3] = np.nan
    values[0, 1, 20, 7] = np.nan
    queries = rows(1, 4, 2, 16, seed=3).astype(np.float32)
    found = decode_attention(queries, PlainCache(keys, values), positions=[[599, 699]], backend=backend)
    assert np.isnan(found.output[0, :2, 1]).all()
    assert np.isnan(found.lse[0, :2, 1]).all()
    assert np.isfinite(found.output[0, :2, 0]).all()
    assert np.isfinite(found.lse[0, 2:]).all()
    assert np.array_equal(np.isnan(found.output[0, 2:]), np.broadcast_to(np.arange(16) == 7, (2, 2, 16)))
