"""Scores, products and attention of the native half against the reference, within the bounds stated here.

Nothing depends on the number of threads, which is asked bit for bit.
"""

import numpy as np
import pytest
from hypothesis import given as any_of
from hypothesis import settings
from hypothesis import strategies as st

from recollect.kvcache import (
    Layer,
    MixedCache,
    QuantizedCache,
    bf16_bits,
    compact,
    compact_in_place,
    decode_attention,
    from_bf16,
    pv,
    qk_logits,
    quantize,
    scores,
    select,
)
from recollect.kvcache.quantizers import KINDS, codec_of
from tests.kvcache_drawn import FORMS, drawn_layer, rows

# Relative and absolute: what sums in float32 lose against sums in float64.
BOUNDS = {
    "key_norm": (1e-6, 0.0),
    "key_diff": (0.0, 1e-6),
    "cur": (3e-6, 0.0),
    "value_weighted, 1": (1e-6, 1e-30),
    "value_weighted, 2": (1e-6, 1e-30),
    "window_attention": (1e-5, 1e-9),
    "window_attention, max": (1e-5, 1e-9),
    "last_query": (1e-5, 1e-9),
    "heavy_hitter": (1e-5, 1e-9),
    "heavy_hitter, exposure": (1e-5, 1e-9),
    # Ranks: two tokens whose spreads are the same to seven digits may change places.
    "lag_relative": (0.0, 1.01 / 8),
}
METHODS = {
    "key_norm": scores.key_norm,
    "key_diff": scores.key_diff,
    "cur": lambda layer: scores.cur(layer, window=5, n_sink=1),
    "value_weighted, 1": lambda layer: scores.value_weighted(layer, scores=ones(layer)),
    "value_weighted, 2": lambda layer: scores.value_weighted(layer, scores=ones(layer), order=2),
    "window_attention": lambda layer: scores.window_attention(layer, window=7),
    "window_attention, max": lambda layer: scores.window_attention(
        layer, window=70, kernel=3, pool="max", reduce="max"
    ),
    "last_query": scores.last_query,
    "heavy_hitter": scores.heavy_hitter,
    "heavy_hitter, exposure": lambda layer: scores.heavy_hitter(
        layer, norm="exposure", decay=0.97, reduce="sum"
    ),
    "lag_relative": lambda layer: scores.lag_relative(layer, n_sink=2, lag=8),
}
every = pytest.mark.parametrize("name", METHODS)


def ones(layer: Layer) -> np.ndarray:
    return np.linspace(0, 1, int(np.prod(layer.shape[:3])), dtype=np.float32).reshape(layer.shape[:3])


def scored(name, parts, **options):
    wanted = METHODS[name](Layer(*parts, backend="numpy", **options))
    found = METHODS[name](Layer(*parts, backend="rust", threads=1, **options))
    assert found.dtype == wanted.dtype == np.float32
    relative, absolute = BOUNDS[name]
    np.testing.assert_allclose(found, wanted, rtol=relative, atol=absolute)
    for threads in (2, 5):
        again = METHODS[name](Layer(*parts, backend="rust", threads=threads, **options))
        assert again.tobytes() == found.tobytes()


@every
@settings(max_examples=20)
@any_of(
    batch=st.integers(0, 2),
    heads=st.integers(1, 3),
    group=st.integers(1, 3),
    tokens=st.integers(0, 40) | st.sampled_from([255, 256, 257, 600]),
    dim=st.integers(1, 40) | st.sampled_from([64, 80, 96, 128]),
    form=st.sampled_from(sorted(FORMS)),
    data=st.data(),
)
def test_any_layer(name, batch, heads, group, tokens, dim, form, data):
    parts, options = drawn_layer(data, batch, heads, group, tokens, dim, form)
    scored(name, parts, **options)


@every
def test_heads_beside_each_other_are_read_where_they_lie(name):
    parts = [rows(2, 40, 2, 16).astype(np.float16).swapaxes(1, 2) for _ in range(3)]
    scored(name, parts)
    scored(name, [part[:, :, 3:30] for part in parts])
    scored(name, [part[:, :, ::-1] for part in parts])


@every
def test_huge_and_tiny_numbers(name):
    parts = [rows(1, 2, 40, 8, seed=seed).astype(np.float32) for seed in range(3)]
    if "attention" not in name and "hitter" not in name and name != "last_query":
        parts[0][0, 0] *= 1e25
        parts[0][0, 1, 3] *= 1e-22
        parts[1][0, 1, 5] *= 1e-30
    scored(name, parts)


def test_keys_that_cancel_each_other_have_no_mean_direction():
    keys = np.tile(rows(1, 1, 1, 24).astype(np.float32), (1, 1, 300, 1))
    keys[:, :, ::2] *= -2
    scored("key_diff", [keys])
    assert not np.asarray(scores.key_diff(Layer(keys, backend="rust"))).any()


def test_anchors_of_both_backends_are_one():
    keys = rows(2, 2, 600, 24).astype(np.float32)
    found = {}
    for backend in ("numpy", "rust"):
        anchor = scores.KeyAnchor()
        for start in (0, 100, 350):
            anchor.observe(Layer(keys[:, :, start : start + 250], backend=backend))
        found[backend] = np.stack([anchor.mean(at) for at in range(2)])
    np.testing.assert_allclose(found["rust"], found["numpy"], atol=1e-7)


@any_of(
    levels=st.lists(st.sampled_from([0.0, -0.0, 1.0, 2.0, np.inf, -np.inf, np.nan]), max_size=40),
    budget=st.integers(0, 30),
    n_sink=st.integers(0, 4),
    n_recent=st.integers(0, 4),
    threshold=st.sampled_from([None, 0.0, 1.5, 9.0, np.nan]),
    dtype=st.sampled_from([np.float32, np.float16]),
)
def test_the_same_tokens_stay(levels, budget, n_sink, n_recent, threshold, dtype):
    given = np.array([levels, levels[::-1]], dtype=dtype).reshape(1, 2, -1)
    options = {"n_sink": n_sink, "n_recent": n_recent, "threshold": threshold}
    wanted = select(given, budget, backend="numpy", **options)
    for threads in (1, 2):
        found = select(given, budget, backend="rust", threads=threads, **options)
        np.testing.assert_array_equal(found.indices, wanted.indices)
        np.testing.assert_array_equal(found.cu_len, wanted.cu_len)
        np.testing.assert_array_equal(found.positions, wanted.positions)


@pytest.mark.parametrize("dtype", [np.uint8, np.float16, np.float32, np.float64])
@pytest.mark.parametrize("swapped", [False, True])
def test_the_same_rows_are_moved(dtype, swapped):
    random = np.random.default_rng(0)
    shape = (2, 50, 3, 8) if swapped else (2, 3, 50, 8)
    keys = (random.standard_normal(shape) * 50).astype(dtype)
    keys = keys.swapaxes(1, 2) if swapped else keys
    kept = select(random.random((2, 3, 50)).astype(np.float32), [0, 9, 60])
    wanted = compact(keys, keys[..., :5], kept, backend="numpy")
    for threads in (1, 3):
        found = compact(keys, keys[..., :5], kept, threads=threads)
        np.testing.assert_array_equal(found.keys, wanted.keys)
        np.testing.assert_array_equal(found.values, wanted.values)
    moved = {backend: (keys.copy(), keys[..., :5].copy()) for backend in ("numpy", "rust")}
    for backend, parts in moved.items():
        compact_in_place(*parts, kept, backend=backend)
    for one, other in zip(*moved.values(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("role", ["keys", "values"])
@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=15)
@any_of(
    n=st.integers(0, 70) | st.sampled_from([512, 513, 600]),
    d=st.integers(1, 40) | st.sampled_from([64, 128]),
    group=st.integers(1, 3),
    w=st.integers(0, 3),
    seed=st.integers(0, 99),
)
def test_products_with_codes(kind, role, n, d, group, w, seed):
    array = rows(2, 2, n, d, seed=seed).astype(np.float16)
    found = quantize(array, codec_of(kind, role))
    assert found.dequantize().tobytes() == found.dequantize(backend="numpy").tobytes()
    assert found.dequantize(threads=3).tobytes() == found.dequantize(threads=1).tobytes()
    queries, weights = rows(2, 2 * group, w, d, seed=seed), rows(2, 2 * group, w, n, seed=seed)
    for call, given in ((qk_logits, queries), (pv, weights)):
        wanted = call(given, found, backend="numpy")
        one = call(given, found, threads=1)
        # Of sums of terms of order one, as many as dimensions or tokens.
        np.testing.assert_allclose(one, wanted, rtol=1e-5, atol=2e-6 * np.sqrt(given.shape[3] + 1) * 4)
        assert call(given, found, threads=3).tobytes() == one.tobytes()


CACHES = {
    "rot4/int4": lambda k, v: grown(k, v, "rot4", "int4"),
    "int2/rot2": lambda k, v: grown(k, v, "int2", "rot2"),
    "fp8/int8": lambda k, v: grown(k, v, "fp8", "int8"),
    "rot1/rot3": lambda k, v: grown(k, v, "rot1", "rot3"),
    "mixed": lambda k, v: MixedCache(
        k,
        v,
        np.random.default_rng(1).choice([0, 0, 1, 2, 4], k.shape[:3]),
        {1: ("rot1", "int2"), 2: ("int4", "fp8"), 4: ("plain", "plain")},
    ),
}


def grown(keys, values, *kinds):
    cache = QuantizedCache(*kinds, residual=9, n_sink=3)
    cache.append(keys, values)
    return cache


@pytest.mark.parametrize("name", CACHES)
@settings(max_examples=12)
@any_of(
    tokens=st.integers(0, 40) | st.sampled_from([300, 700]),
    group=st.integers(1, 3),
    w=st.integers(1, 3),
    form=st.sampled_from(sorted(FORMS)),
    seed=st.integers(0, 99),
)
def test_attention_over_caches(name, tokens, group, w, form, seed):
    keys, values = (rows(2, 2, tokens, size, seed=seed + size) for size in (16, 18))
    cache = CACHES[name](FORMS[form](keys), FORMS[form](values))
    queries = rows(2, 2 * group, w, 16, seed=seed + 7).astype(np.float32) * 3
    positions = np.random.default_rng(seed).integers(-1, tokens + 1, (2, w))
    for places in (None, positions):
        wanted = decode_attention(queries, cache, positions=places, backend="numpy", with_received=True)
        found = decode_attention(queries, cache, positions=places, threads=1, with_received=True)
        np.testing.assert_allclose(found.output, wanted.output, rtol=2e-5, atol=2e-5)
        np.testing.assert_allclose(found.lse, wanted.lse, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(found.received, wanted.received, rtol=2e-5, atol=1e-5)
        again = decode_attention(queries, cache, positions=places, threads=4)
        assert again.output.tobytes() == found.output.tobytes()
        assert again.lse.tobytes() == found.lse.tobytes()


def test_huge_logits_do_not_overflow_and_bfloat16_is_its_numbers():
    keys = np.zeros((1, 1, 3, 4), dtype=np.float32)
    keys[0, 0, :, 0] = [1e4, -1e4, 0]
    values = np.arange(3.0, dtype=np.float32).reshape(1, 1, 3, 1)
    cache = MixedCache(keys, values, np.full((1, 1, 3), 1), {1: ("plain", "plain")})
    found = decode_attention(np.full((1, 1, 1, 4), 1e4, dtype=np.float32), cache, positions=[[9]])
    assert found.output.ravel().tolist() == [0.0]
    assert found.lse[0, 0, 0] == pytest.approx(5e7)
    bits = bf16_bits(rows(1, 1, 20, 4))
    states = np.ones((1, 1, 20), dtype=np.uint8)
    caches = [MixedCache(part, part, states, {1: ("plain", "plain")}) for part in (bits, from_bf16(bits))]
    outputs = [decode_attention(rows(1, 1, 1, 4).astype(np.float32), cache).output for cache in caches]
    np.testing.assert_array_equal(*outputs)
