"""Attention by kernels, which run on the CPU here in several orders of threads, against the reference."""

import numpy as np
import pytest
from hypothesis import given as any_of
from hypothesis import settings
from hypothesis import strategies as st

from recollect.errors import InvalidArgument
from recollect.kvcache import MixedCache, PlainCache, compact, decode_attention, select
from tests.cuda_host.device import ORDERS, SHUFFLED, HostDevice, compiler
from tests.cuda_host.standing_in import stand_in
from tests.kvcache_drawn import FORMS, rows

pytestmark = pytest.mark.skipif(compiler() is None, reason="no C++ compiler")

DEVICES = {order: HostDevice(order) for order in ORDERS}


def same(queries, made, order=SHUFFLED, **options):
    """Compare attention over a cache that `made` makes for a backend."""
    wanted = decode_attention(queries, made("numpy"), backend="numpy", **options)
    with pytest.MonkeyPatch.context() as patch:
        stand_in(patch, DEVICES[order])
        found = decode_attention(queries, made("cuda"), backend="cuda", **options)
    np.testing.assert_allclose(found.output, wanted.output, rtol=2e-5, atol=2e-5)
    np.testing.assert_allclose(found.lse, wanted.lse, rtol=1e-5, atol=1e-5)
    if options.get("with_received"):
        np.testing.assert_allclose(found.received, wanted.received, rtol=2e-5, atol=1e-5)
        assert found.received.dtype == np.float32
    assert found.output.dtype == found.lse.dtype == np.float32


def same_padded(queries, keys, values, group, order, seed):
    """Compare attention over sequences of drawn lengths, from their ends and from drawn places."""
    random, (batch, _, tokens, _) = np.random.default_rng(seed), keys.shape
    lengths = random.integers(0, tokens + 1, batch)
    for places in (None, random.integers(-1, tokens + 1, (batch, queries.shape[2]))):
        same(
            queries,
            lambda backend: PlainCache(keys, values, lengths=lengths, backend=backend),
            order,
            positions=places,
            with_received=group % 2 == 1,
        )
    return lengths


@settings(max_examples=15)
@any_of(
    batch=st.integers(0, 2),
    tokens=st.integers(0, 40) | st.sampled_from([511, 600, 1100]),
    group=st.integers(1, 5),
    w=st.integers(0, 3),
    dim=st.sampled_from([1, 7, 16, 64, 128]),
    form=st.sampled_from(sorted(FORMS)),
    order=st.sampled_from(ORDERS),
    seed=st.integers(0, 99),
)
def test_attention_over_plain_caches(batch, tokens, group, w, dim, form, order, seed):
    keys, values = (
        FORMS[form](rows(batch, 2, tokens, size, seed=seed + size)) for size in (dim, max(dim - 3, 1))
    )
    queries = rows(batch, 2 * group, w, dim, seed=seed + 7).astype(np.float32) * 2
    same_padded(queries, keys, values, group, order, seed)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(("dim", "value_dim"), [(40, 300), (300, 40)])
def test_long_rows_and_heads_beside_each_other(order, dim, value_dim):
    keys, values = (
        rows(2, 90, 2, size, seed=size).astype(np.float16).swapaxes(1, 2) for size in (dim, value_dim)
    )
    queries = rows(2, 18, 1, dim, seed=3).astype(np.float16)
    same(queries, lambda backend: PlainCache(keys, values, backend=backend), order)


@settings(max_examples=15)
@any_of(
    batch=st.integers(1, 2),
    tokens=st.integers(1, 40) | st.sampled_from([511, 600, 1100]),
    group=st.sampled_from([1, 4, 5, 9]),
    w=st.integers(1, 3),
    dims=st.sampled_from([(128, 128), (64, 64), (8, 128), (80, 96), (256, 40), (136, 256)]),
    forms=st.sampled_from(
        [("f16", "f16"), ("f16", "f32"), ("bf16", "bf16"), ("bf16", "f32"), ("bf16", "f16")]
    ),
    size=st.sampled_from([1e-6, 1, 10]),
    order=st.sampled_from(ORDERS),
    seed=st.integers(0, 99),
)
def test_rows_of_16_bits_are_attended_to_on_matrix_units(
    batch, tokens, group, w, dims, forms, size, order, seed
):
    form, asked = forms
    keys, values = (
        FORMS[form](rows(batch, 2, tokens, width, seed=seed + at)) for at, width in enumerate(dims)
    )
    queries = FORMS[asked](rows(batch, 2 * group, w, dims[0], seed=seed + 7) * size)
    before = DEVICES[order].launched.count("attend_rows")
    lengths = same_padded(queries, keys, values, group, order, seed)
    assert DEVICES[order].launched.count("attend_rows") - before == 2 * bool(lengths.any())


def test_what_was_compacted_is_attended_to_by_its_positions():
    keys, values = (rows(2, 2, 60, 16, seed=seed).astype(np.float16) for seed in (1, 2))
    kept = select(rows(2, 2, 60, seed=3), [[5, 60], [1, 33]], backend="numpy")
    ragged = compact(keys, values, kept)
    queries = rows(2, 4, 2, 16, seed=4).astype(np.float32)
    same(queries, lambda backend: PlainCache.of_ragged(ragged, backend=backend), with_received=True)
    states = MixedCache(keys, values, kept, {1: ("plain", "plain")})
    wanted = decode_attention(queries, states, positions=[[59, 60]] * 2)
    whole = PlainCache.of_ragged(ragged, seen=[61, 61])
    np.testing.assert_array_equal(whole.seen, [61, 61])
    np.testing.assert_allclose(decode_attention(queries, whole).output, wanted.output, rtol=1e-6, atol=1e-6)


def test_caches_with_codes_are_read_by_numpy():
    keys, values = (rows(1, 2, 20, 16, seed=seed).astype(np.float32) for seed in (1, 2))
    states = np.random.default_rng(0).choice([0, 1, 2], (1, 2, 20))
    queries = rows(1, 4, 1, 16, seed=4).astype(np.float32)
    for kinds in (
        {1: ("plain", "plain"), 2: ("plain", "plain")},
        {1: ("int8", "int8"), 2: ("plain", "rot4")},
    ):
        same(queries, lambda backend, kinds=kinds: MixedCache(keys, values, states, kinds))


def test_nothing_is_copied_and_shapes_are_checked():
    keys, values = rows(1, 2, 20, 16).astype(np.float32), rows(1, 2, 20, 8).astype(np.float32)
    cache = PlainCache(keys, values)
    queries = rows(1, 2, 1, 16).astype(np.float32)
    before = decode_attention(queries, cache).output
    values *= 2
    np.testing.assert_allclose(decode_attention(queries, cache).output, 2 * before, rtol=1e-6)
    assert (cache.heads, cache.dim, cache.value_dim) == (2, 16, 8)
    with pytest.raises(InvalidArgument, match="values: expected"):
        PlainCache(keys, values[:, :, :3])


@pytest.mark.parametrize("form", sorted(FORMS))
def test_what_is_no_number_shows_where_it_is_seen(form):
    keys, values = (rows(1, 2, 700, 16, seed=seed) for seed in (1, 2))
    keys[0, 0, 600, 3] = np.nan
    values[0, 1, 20, 7] = np.nan
    queries = rows(1, 4, 2, 16, seed=3).astype(np.float32)
    queries[0, 3, 1, 2] = np.nan
    with pytest.MonkeyPatch.context() as patch:
        stand_in(patch, DEVICES[SHUFFLED])
        cache = PlainCache(FORMS[form](keys), FORMS[form](values), backend="cuda")
        found = decode_attention(queries, cache, positions=[[599, 699]], backend="cuda")
    broken = np.zeros((1, 4, 2), bool)
    broken[0, :2, 1] = broken[0, 3, 1] = True
    np.testing.assert_array_equal(np.isnan(found.lse), broken)
    broken = np.broadcast_to(broken[..., None], (1, 4, 2, 16)).copy()
    broken[0, 2:, :, 7] = True
    np.testing.assert_array_equal(np.isnan(found.output), broken)
