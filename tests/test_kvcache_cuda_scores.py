"""Scores by kernels, which run on the CPU here in several orders of threads, against the reference."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given as any_of
from hypothesis import settings
from hypothesis import strategies as st

from recollect.errors import InvalidArgument
from recollect.kvcache import Layer, query_stats, scores, select
from tests.cuda_host.device import ORDERS, SHUFFLED, HostDevice, compiler
from tests.cuda_host.standing_in import host_alone, stand_in
from tests.kvcache_drawn import FORMS, drawn_layer, rows
from tests.kvcache_methods import EVERY_METHOD, computed_by, tensors

pytestmark = pytest.mark.skipif(compiler() is None, reason="no C++ compiler")

# Relative and absolute: what sums in float32 lose against sums in float64.
BOUNDS = {
    "streaming": (0.0, 0.0),
    "key_norm": (1e-6, 0.0),
    "key_diff": (0.0, 1e-6),
    "cur": (3e-6, 0.0),
    "value_weighted, 1": (1e-6, 1e-30),
    "value_weighted, 2": (1e-6, 1e-30),
    "q_filter": (1e-6, 1e-5),
    "page_bound": (1e-6, 1e-6),
    "page_bound, mean": (1e-6, 1e-6),
    "surprise": (1e-6, 0.0),
    # Ranks: two tokens whose spreads are the same to seven digits may change places.
    "lag_relative": (0.0, 1.01 / 8),
    "window_attention": (1e-5, 1e-9),
    "window_attention, max": (1e-5, 1e-9),
    "last_query": (1e-5, 1e-9),
    "heavy_hitter": (1e-5, 1e-9),
    "heavy_hitter, exposure": (1e-5, 1e-9),
    "heavy_hitter, max": (1e-5, 1e-9),
    "reconstruction": (1e-5, 1e-9),
    # Of forms in two parts of 16 bits.
    "expected_attention": (1e-4, 1e-7),
    "expected_attention, means": (1e-5, 1e-9),
}
METHODS = {
    "streaming": lambda layer: scores.streaming(layer, n_sink=2),
    "key_norm": scores.key_norm,
    "key_diff": scores.key_diff,
    "cur": lambda layer: scores.cur(layer, window=5, n_sink=1),
    "value_weighted, 1": lambda layer: scores.value_weighted(layer, scores=rising(layer)),
    "value_weighted, 2": lambda layer: scores.value_weighted(layer, scores=rising(layer), order=2),
    "q_filter": lambda layer: scores.q_filter(layer, filters=rows(*layer.shape[1::2], seed=3)),
    "page_bound": lambda layer: scores.page_bound(layer, page=7),
    "page_bound, mean": lambda layer: scores.page_bound(layer, page=16, reduce="mean"),
    "surprise": lambda layer: scores.surprise(
        layer, log_probability=-np.abs(rows(*layer.shape[::2], seed=4)), n_sink=1
    ),
    "lag_relative": lambda layer: scores.lag_relative(layer, n_sink=2, lag=8),
    "window_attention": lambda layer: scores.window_attention(layer, window=7),
    "window_attention, max": lambda layer: scores.window_attention(
        layer, window=70, kernel=3, pool="max", reduce="max"
    ),
    "last_query": scores.last_query,
    "heavy_hitter": scores.heavy_hitter,
    "heavy_hitter, exposure": lambda layer: scores.heavy_hitter(
        layer, norm="exposure", decay=0.97, reduce="sum"
    ),
    "heavy_hitter, max": lambda layer: scores.heavy_hitter(layer, reduce="max"),
    "expected_attention": lambda layer: expected(layer, epsilon=0.01),
    "expected_attention, means": lambda layer: expected(layer, covariance=False, value_norm=False),
    "reconstruction": lambda layer: scores.reconstruction(
        layer, replay=rows(layer.shape[0], 2 * layer.shape[1], 9, layer.shape[3], seed=5)
    ),
}


def expected(layer: Layer, **options) -> np.ndarray:
    batch, heads, _, dim = layer.shape
    if dim % 2:
        with pytest.raises(InvalidArgument, match="inv_freq"):
            scores.expected_attention(layer, statistics=scores.QueryStats(), inv_freq=np.ones(dim), **options)
        return scores.key_norm(layer)
    statistics = scores.QueryStats(skip=1)
    statistics.observe(rows(batch, 2 * heads, 30, dim, seed=6), backend=layer.backend)
    frequencies = 1e4 ** -(np.arange(dim // 2) / (dim // 2))
    return scores.expected_attention(
        layer, statistics=statistics, inv_freq=frequencies, n_sink=2, n_future=9, **options
    )


QUADRATIC = {
    name
    for name in METHODS
    if name.split("_")[0] in ("window", "last", "heavy", "reconstruction", "expected")
}
DEVICES = {order: HostDevice(order) for order in ORDERS}
every = pytest.mark.parametrize("name", METHODS)


def rising(layer: Layer) -> np.ndarray:
    return np.linspace(0, 1, int(np.prod(layer.shape[:3])), dtype=np.float32).reshape(layer.shape[:3])


def scored(name, parts, order=SHUFFLED, on=None, **options):
    wanted = METHODS[name](Layer(*parts, backend="numpy", **options))
    device = on or DEVICES[order]
    with pytest.MonkeyPatch.context() as patch:
        stand_in(patch, device)
        before = len(device.launched)
        found = METHODS[name](Layer(*parts, backend="cuda", **options))
        assert len(device.launched) > before or not parts[0].size
    assert found.dtype == wanted.dtype == np.float32
    relative, absolute = BOUNDS[name]
    np.testing.assert_allclose(found, wanted, rtol=relative, atol=absolute)


@every
@settings(max_examples=8)
@any_of(
    batch=st.integers(0, 2),
    heads=st.integers(1, 3),
    group=st.integers(1, 3),
    tokens=st.integers(0, 40) | st.sampled_from([255, 300]),
    dim=st.integers(1, 40) | st.sampled_from([64, 80, 128]),
    form=st.sampled_from(sorted(FORMS)),
    data=st.data(),
)
def test_any_layer(name, batch, heads, group, tokens, dim, form, data):
    parts, options = drawn_layer(data, batch, heads, group, tokens, dim, form)
    scored(name, parts, data.draw(st.sampled_from(ORDERS)), **options)


@every
@pytest.mark.parametrize("order", ORDERS)
def test_the_order_of_threads_does_not_matter(name, order):
    parts = [rows(2, 2, 300, 40, seed=seed).astype(np.float16) for seed in range(3)]
    parts[0][1, 1, 7, 3] = np.nan
    scored(name, parts, order, lengths=[300, 290])


@every
def test_heads_beside_each_other_are_read_where_they_lie(name):
    parts = [rows(2, 40, 2, 16).astype(np.float16).swapaxes(1, 2) for _ in range(3)]
    scored(name, parts)
    scored(name, [part[:, :, 3:30] for part in parts])
    scored(name, [part[:, :, ::-1] for part in parts])


@host_alone
@pytest.mark.parametrize("form", sorted(FORMS))
@pytest.mark.parametrize("shared", [64 << 10, 99 << 10])
def test_devices_with_less_shared_memory_get_smaller_tiles(shared, form):
    parts = [FORMS[form](rows(1, 2 * group, 90, 120, seed=group)) for group in (1, 1, 2)]
    device = HostDevice(SHUFFLED, shared, architecture=75)
    for name in ("window_attention", "heavy_hitter, max", "expected_attention"):
        scored(name, parts, on=device)
    wide = [FORMS[form](rows(1, 1, 20, 250, seed=seed)) for seed in range(3)]
    if shared == 64 << 10 and form != "f16":
        with pytest.raises(InvalidArgument, match="more than a block of this GPU can share"):
            scored("window_attention", wide, on=device)
    else:
        scored("window_attention", wide, on=device)


def test_many_keys_come_in_parts_and_many_queries_do_not():
    many = [rows(1, 1, 2300, 8, seed=seed).astype(np.float16) for seed in range(2)]
    scored("window_attention", [*many, rows(1, 2, 9, 8, seed=2).astype(np.float16)])
    few = [rows(1, 1, 300, 8, seed=seed).astype(np.float16) for seed in range(2)]
    scored("heavy_hitter", [*few, rows(1, 4, 300, 8, seed=2).astype(np.float16)])


@every
def test_a_sequence_whose_only_query_is_no_number_gets_no_votes(name):
    parts = [rows(2, 2, tokens, 8, seed=tokens).astype(np.float16) for tokens in (5, 5, 1)]
    parts[2][0] = np.nan
    scored(name, parts)


def test_keys_that_cancel_each_other_have_no_mean_direction():
    keys = np.tile(rows(1, 1, 1, 24).astype(np.float16), (1, 1, 300, 1))
    keys[:, :, ::2] *= -2
    scored("key_diff", [keys, keys])


@every
def test_huge_and_tiny_numbers(name):
    parts = [rows(1, 2, 40, 8, seed=seed).astype(np.float32) for seed in range(3)]
    if name not in QUADRATIC:
        parts[0][0, 0] *= 1e25
        parts[0][0, 1, 3] *= 1e-22
    parts[1][0, 1, 5] *= 1e-30
    parts[0][0, 1, 6] = 0
    scored(name, parts)


@every
def test_equal_keys_and_keys_of_eight_bits(name):
    parts = [np.full((1, 2, 30, 16), size, np.float32) for size in (2.0, 0.5, 1.0)]
    scored(name, parts)
    random = np.random.default_rng(1)
    scored(name, [random.integers(0, 0x50, (2, 2, 30, 20), dtype=np.uint8) for _ in range(3)])


def test_heavy_hitters_are_kept_up_where_the_cache_lies():
    keys, queries = rows(2, 2, 60, 16).astype(np.float32), rows(2, 4, 60, 16, seed=1).astype(np.float32)
    found = {}
    for backend in ("numpy", "cuda"):
        with pytest.MonkeyPatch.context() as patch:
            stand_in(patch, DEVICES[SHUFFLED])
            state = scores.HeavyHitters(norm="exposure", decay=0.9)
            for start, end in ((23, 30), (30, 37), (37, 38)):
                state.observe(Layer(keys[:, :, :end], queries=queries[:, :, start:end], backend=backend))
            state.keep(select(state.scores(Layer(keys[:, :, :38], backend=backend)), 20, backend="numpy"))
            state.take([1, 0, 0])
            layer = Layer(keys[[1, 0, 0], :, :25], queries=queries[[1, 0, 0], :, :5], backend=backend)
            state.observe(layer)
            found[backend] = state.scores(layer)
    np.testing.assert_allclose(found["cuda"], found["numpy"], rtol=1e-5)


@pytest.mark.parametrize("name", EVERY_METHOD)
def test_every_method_scores_a_cache_on_a_gpu(name):
    given = tensors(tokens=33).in_type(np.float32)
    with computed_by("numpy"):
        wanted = EVERY_METHOD[name](given)
    with pytest.MonkeyPatch.context() as patch, computed_by("cuda"):
        stand_in(patch, DEVICES[SHUFFLED])
        found = EVERY_METHOD[name](given)
    if name == "lag_relative":
        np.testing.assert_allclose(found, wanted, atol=1.01 / 8)
    else:
        np.testing.assert_allclose(found, wanted, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("name", sorted(set(EVERY_METHOD) & set(METHODS)))
def test_no_bit_depends_on_the_batch_or_on_padding(name):
    given = tensors(batch=3, tokens=140).in_type(np.float32)
    lengths = np.array([140, 97, 3])
    padded = replace(given, mask=np.arange(140) < lengths[:, None])
    with pytest.MonkeyPatch.context() as patch, computed_by("cuda"):
        stand_in(patch, DEVICES[SHUFFLED])
        whole = EVERY_METHOD[name](padded)
        for at, length in enumerate(lengths):
            alone = EVERY_METHOD[name](padded.sequence(at).each(lambda part, n=length: _first(part, n)))
            assert alone.tobytes() == np.ascontiguousarray(whole[at : at + 1, :, :length]).tobytes()


def _first(part: np.ndarray, n: int) -> np.ndarray:
    # A replay has fewer tokens, and is no part of the sequence.
    along = 1 if part.ndim == 2 else 2
    return part if part.shape[along] != 140 else np.ascontiguousarray(part.take(np.arange(n), along))


@pytest.mark.parametrize("form", sorted(FORMS))
@pytest.mark.parametrize("page", [1, 3, 16, 100])
def test_bounds_of_pages_with_broken_tokens(page, form):
    keys = rows(2, 3, 130, 24).astype(np.float32)
    keys[1, :, 40:57, 5] = -0.0
    keys[1, :, 40:57, 6] = np.linspace(-0.0, 0.0, 17) * np.resize([1, -1], 17)
    broken = FORMS[form](keys)
    # One token in the first page alone, then nearly a page, then a page, and the last token.
    no_number = FORMS[form](np.full(1, np.nan, np.float32))[0]
    for at in (2, *range(17, 31), *range(48, 64), 129):
        broken[0, at % 3, at, at % 24] = no_number
    for head, size in ((1, np.inf), (2, -np.inf)):
        broken[0, head, 69 + head, 3] = FORMS[form](np.full(1, size, np.float32))[0]
    for part in (broken, broken[:, :, :, 1:], broken[:, :, 1:, :8], broken[:, :, ::2]):
        wanted = scores.page_bounds(Layer(part, backend="numpy"), page=page)
        for order in ORDERS:
            with pytest.MonkeyPatch.context() as patch:
                stand_in(patch, DEVICES[order])
                found = scores.page_bounds(Layer(part, backend="cuda"), page=page)
            np.testing.assert_array_equal(found.low, wanted.low)
            np.testing.assert_array_equal(found.high, wanted.high)


@pytest.mark.parametrize("of", [0, 1])
@pytest.mark.parametrize("at", [0, 5, 40, 70, 131, 149])
def test_partitions_begin_where_tokens_count(of, at):
    # In the sinks, the first partition, one in the middle, what follows the last, and the last token of all.
    parts = [rows(2, 2, 150, 16, seed=seed).astype(np.float16) for seed in range(2)]
    parts[of][0, 1, at, 3] = np.nan
    parts[1 - of][1, 0, 9:70, 2] = np.inf
    found = {}
    for backend in ("numpy", "cuda"):
        with pytest.MonkeyPatch.context() as patch:
            stand_in(patch, DEVICES[SHUFFLED])
            layer = Layer(*parts, lengths=[150, 80], backend=backend)
            found[backend] = [scores.lag_relative(layer, n_sink=4, lag=32), scores.key_norm(layer)]
    np.testing.assert_allclose(found["cuda"][0], found["numpy"][0], rtol=0, atol=1.01 / 32)
    np.testing.assert_allclose(found["cuda"][1], found["numpy"][1], rtol=1e-6)


@every
def test_a_sequence_of_which_no_token_counts(name):
    parts = [rows(2, 2, 90, 16, seed=seed).astype(np.float16) for seed in range(3)]
    parts[0][0, 1] = np.nan
    scored(name, parts)
    scored(name, parts, lengths=[90, 50])


def test_what_kernels_do_not_read_goes_by_way_of_numpy():
    keys = rows(1, 2, 20, 16)
    wanted = scores.key_norm(Layer(keys, backend="numpy"))
    with pytest.MonkeyPatch.context() as patch:
        stand_in(patch, DEVICES[SHUFFLED])
        for options in ({}, {"strict": True}):
            np.testing.assert_array_equal(scores.key_norm(Layer(keys, backend="cuda", **options)), wanted)
        keys[0, 1, 3, 2] = np.nan
        with pytest.raises(InvalidArgument, match="token 3 has a number that is not finite"):
            scores.key_norm(Layer(keys.astype(np.float32), backend="cuda", strict=True))
        with pytest.raises(InvalidArgument, match="values: cur needs the values"):
            scores.cur(Layer(keys, backend="cuda"))
        layer = Layer(keys.astype(np.float32), queries=keys.astype(np.float32), backend="cuda")
        with pytest.raises(InvalidArgument, match="kernel: expected an odd number"):
            scores.window_attention(layer, kernel=4)


def test_statistics_of_queries_are_those_of_the_reference():
    queries = rows(2, 4, 50, 16)
    queries[0, 1, 7, 3] = np.nan
    found = {}
    for backend in ("numpy", "cuda"):
        with pytest.MonkeyPatch.context() as patch:
            stand_in(patch, DEVICES[SHUFFLED])
            patch.setattr(query_stats, "_AT_ONCE", 8)
            known = scores.QueryStats(skip=3)
            known.observe(queries[:, :, :20], lengths=[20, 2], backend=backend)
            known.observe(queries[:, :, 20:], backend=backend)
            known.take([1, 0, 1])
            found[backend] = known.of(0), known.of(1)
            assert known.shape == (3, 4, 16)
    for one, other in zip(found["numpy"], found["cuda"], strict=True):
        for part, same in zip(one, other, strict=True):
            np.testing.assert_allclose(same, part, rtol=1e-12, atol=1e-13)
