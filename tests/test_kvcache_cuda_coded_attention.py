"""Attention over codes by kernels, which run on the CPU here in several orders of threads."""

import numpy as np
import pytest
from hypothesis import given as any_of
from hypothesis import settings
from hypothesis import strategies as st

from recollect.kvcache import MixedCache, QuantizedCache, decode_attention
from recollect.kvcache.cuda import coded_tables
from recollect.kvcache.quantizers import KINDS, Asymmetric, Float8
from tests.cuda_host.device import ORDERS, SHUFFLED, HostDevice, compiler
from tests.cuda_host.outside import run_outside
from tests.cuda_host.standing_in import ON_GPU, host_alone, stand_in

pytestmark = pytest.mark.skipif(compiler() is None, reason="no C++ compiler")

DEVICES = {order: HostDevice(order) for order in ORDERS}
MIXED = {1: ("rot1", "int2"), 2: ("int4", "fp8"), 4: ("plain", "plain")}


def rows(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def grown(keys, values, *kinds):
    cache = QuantizedCache(*kinds, residual=9, n_sink=3)
    cache.append(keys, values)
    return cache


def mixed(keys, values):
    states = np.random.default_rng(1).choice([0, 0, 1, 2, 4], keys.shape[:3])
    return MixedCache(keys, values, states, MIXED)


def same(queries, cache, order=SHUFFLED, **options):
    wanted = decode_attention(queries, cache, backend="numpy", **options)
    device = DEVICES[order]
    before = len(device.launched)
    with pytest.MonkeyPatch.context() as patch:
        stand_in(patch, device)
        found = decode_attention(queries, cache, backend="cuda", **options)
    np.testing.assert_allclose(found.output, wanted.output, rtol=2e-5, atol=3e-5)
    np.testing.assert_allclose(found.lse, wanted.lse, rtol=1e-5, atol=2e-5)
    return device.launched[before:]


@settings(max_examples=15)
@any_of(
    kinds=st.tuples(st.sampled_from(KINDS[1:]), st.sampled_from(KINDS[1:])) | st.none(),
    batch=st.integers(1, 2),
    tokens=st.integers(1, 40) | st.sampled_from([300, 700]),
    group=st.integers(1, 5),
    w=st.integers(1, 3),
    dim=st.sampled_from([2, 7, 16, 64, 80, 128]),
    order=st.sampled_from(ORDERS),
    seed=st.integers(0, 99),
)
def test_attention_over_codes(kinds, batch, tokens, group, w, dim, order, seed):
    keys, values = (
        rows(batch, 2, tokens, size, seed=seed + size).astype(np.float16) for size in (dim, max(dim - 3, 2))
    )
    cache = mixed(keys, values) if kinds is None else grown(keys, values, *kinds)
    queries = rows(batch, 2 * group, w, dim, seed=seed + 7).astype(np.float32)
    for places in (None, np.random.default_rng(seed).integers(-1, tokens + 1, (batch, w))):
        same(queries, cache, order, positions=places)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("kinds", [("rot4", "int4"), ("int2", "rot2"), ("fp8", "int8"), ("rot1", "rot3")])
def test_long_caches_in_every_order_of_threads(order, kinds):
    keys, values = (rows(1, 2, 1400, 64, seed=seed).astype(np.float16) for seed in (1, 2))
    launched = same(rows(1, 8, 1, 64, seed=3).astype(np.float16), grown(keys, values, *kinds), order)
    assert {"attend_to_codes", "join_parts"} <= set(launched)


@pytest.mark.parametrize("codecs", [(Asymmetric(8, "channel", 7), Asymmetric(4, "channel")),
                                    (Asymmetric(4, "token", 5), Float8("channel", 16)),
                                    (Float8("head", 16), Asymmetric(2, "token", 8))])  # fmt: skip
def test_codecs_made_by_hand(codecs):
    keys, values = (rows(1, 2, 300, 40, seed=seed).astype(np.float32) for seed in (1, 2))
    assert "attend_to_codes" in same(rows(1, 2, 1, 40).astype(np.float32), grown(keys, values, *codecs))


@settings(max_examples=10)
@any_of(
    keys=st.sampled_from(
        [
            "int4",
            "int2",
            "rot4",
            "rot3",
            "rot2",
            "rot1",
            Asymmetric(8, "channel"),
            Asymmetric(4, "channel", 64),
        ]
    ),
    values=st.sampled_from(["int4", "int2", "int8", Asymmetric(4, "token", 64)]),
    tokens=st.sampled_from([200, 300, 800]),
    group=st.integers(1, 5),
    w=st.integers(1, 2),
    dims=st.sampled_from([(128, 128), (64, 128), (32, 64), (128, 64)]),
    order=st.sampled_from(ORDERS),
    seed=st.integers(0, 99),
)
def test_matrix_units_attend_to_values_that_are_whole_numbers(
    keys, values, tokens, group, w, dims, order, seed
):
    if str(keys).startswith("rot"):
        dims = 128, dims[1]
    made = [rows(2, 2, tokens, size, seed=seed + size).astype(np.float16) for size in dims]
    cache = grown(*made, keys, values)
    queries = rows(2, 2 * group, w, dims[0], seed=seed + 7).astype(np.float32)
    for places in (None, np.random.default_rng(seed).integers(-1, tokens + 1, (2, w))):
        assert "attend_by_units" in same(queries, cache, order, positions=places)


@pytest.mark.parametrize(
    ("kinds", "dim"), [(("int4", "int4"), 80), (("rot4", "int4"), 64), (("int8", "int8"), 64)]
)
def test_other_codes_do_without_matrix_units(kinds, dim):
    keys, values = (rows(1, 2, 300, dim, seed=seed).astype(np.float16) for seed in (1, 2))
    launched = same(rows(1, 4, 1, dim, seed=3).astype(np.float32), grown(keys, values, *kinds))
    assert "attend_by_units" not in launched


@host_alone
def test_devices_that_share_little_do_without_matrix_units():
    small = HostDevice(SHUFFLED, shared_bytes=48 * 1024)
    keys, values = (rows(1, 2, 300, 128, seed=seed).astype(np.float16) for seed in (1, 2))
    with pytest.MonkeyPatch.context() as patch:
        stand_in(patch, small)
        decode_attention(
            rows(1, 4, 1, 128).astype(np.float32), grown(keys, values, "int4", "int4"), backend="cuda"
        )
    assert "attend_to_codes" in small.launched
    assert "attend_by_units" not in small.launched


@pytest.mark.parametrize("size", [3000.0, 1e-4])
def test_large_and_small_steps_keep_their_bits(size):
    """Halves hold numbers up to 65,504, and lose bits below 2^-14: codes are brought between."""
    keys, values = (rows(1, 2, 1500, 64, seed=seed) for seed in (1, 2))
    keys[:, :, 700:] *= min(size, 500.0)
    values[:, :, 400:900] *= size
    queries = (rows(1, 8, 1, 64, seed=3) / min(size, 500.0)).astype(np.float32)
    cache = grown(keys.astype(np.float16), values.astype(np.float16), "int4", "int4")
    wanted = decode_attention(queries, cache, backend="numpy")
    with pytest.MonkeyPatch.context() as patch:
        stand_in(patch, DEVICES[SHUFFLED])
        found = decode_attention(queries, cache, backend="cuda")
    assert "attend_by_units" in DEVICES[SHUFFLED].launched
    scale = np.abs(wanted.output).max()
    np.testing.assert_allclose(found.output / scale, wanted.output / scale, atol=1e-5)
    np.testing.assert_allclose(found.lse, wanted.lse, rtol=1e-6)


def test_parts_of_several_stages():
    """With few processors a part is long, and its greatest logit changes from stage to stage."""
    keys, values = (rows(1, 4, 4100, 32, seed=seed).astype(np.float16) for seed in (1, 2))
    queries = 4 * rows(1, 8, 1, 32, seed=3).astype(np.float32)
    device = HostDevice(SHUFFLED)
    device.processors = 1
    cache = grown(keys, values, "int4", "int4")
    wanted = decode_attention(queries, cache, backend="numpy")
    with pytest.MonkeyPatch.context() as patch:
        stand_in(patch, device)
        found = decode_attention(queries, cache, backend="cuda")
    # Matrix units of a GPU cut off what is below the last bit of a sum.
    off = 5e-5 if ON_GPU else 2e-5
    np.testing.assert_allclose(found.output, wanted.output, rtol=off, atol=off)
    np.testing.assert_allclose(found.lse, wanted.lse, rtol=1e-6)


def test_a_query_that_sees_nothing_gets_zeros():
    keys = rows(1, 1, 200, 16).astype(np.float16)
    with pytest.MonkeyPatch.context() as patch:
        stand_in(patch, DEVICES[SHUFFLED])
        found = decode_attention(
            rows(1, 1, 1, 16).astype(np.float32), grown(keys, keys, "rot2", "rot2"), positions=[[-1]],
            backend="cuda",
        )  # fmt: skip
    assert not found.output.any()
    assert np.isneginf(found.lse).all()


@pytest.mark.parametrize("kinds", [("int4", "int4"), ("rot4", "int2"), ("fp8", "rot2")])
def test_a_query_that_is_no_number_gets_none(kinds):
    keys, values = (rows(1, 1, 300, 128, seed=seed).astype(np.float16) for seed in (1, 2))
    queries = rows(1, 2, 1, 128).astype(np.float32)
    queries[0, 1, 0, 9] = np.nan
    with pytest.MonkeyPatch.context() as patch:
        stand_in(patch, DEVICES[SHUFFLED])
        found = decode_attention(queries, grown(keys, values, *kinds), backend="cuda")
    np.testing.assert_array_equal(np.isnan(found.lse), [[[False], [True]]])
    np.testing.assert_array_equal(np.isnan(found.output).all(-1), [[[False], [True]]])
    assert np.isfinite(found.output[0, 0]).all()


PROGRAM = """
import sys
import numpy as np
import pytest
from recollect.kvcache import QuantizedCache, decode_attention
from tests.cuda_host.device import HostDevice
from tests.cuda_host.standing_in import ON_GPU, host_alone, stand_in
random = np.random.default_rng(0)
keys, queries = random.standard_normal((1, 1, 700, 128)), random.standard_normal((1, 2, 1, 128))
cache = QuantizedCache(*sys.argv[2].split(), residual=0, n_sink=0)
cache.append(keys.astype(np.float32), keys.astype(np.float32))
wanted = decode_attention(queries, cache, backend="numpy").output
changed = lambda text: text.replace(sys.argv[1], "")
for order in (0, 1, 7):
    with pytest.MonkeyPatch.context() as patch:
        stand_in(patch, HostDevice(order, changed=changed))
        found = decode_attention(queries.astype(np.float32), cache, backend="cuda").output
    if not np.allclose(found, wanted, atol=1e-4):
        sys.exit("seen")
"""


@pytest.mark.parametrize("kinds", ["int4 rot2", "int4 int4", "rot4 int4"])
@pytest.mark.parametrize(("removed", "caught"), [("nothing at all", False), ("__syncthreads();", True)])
def test_a_barrier_that_is_missing_is_seen(kinds, removed, caught):
    done = run_outside(PROGRAM, removed, kinds)
    assert (done.returncode != 0) == caught, done.stderr


@host_alone
@pytest.mark.parametrize("kinds", [("int4", "int4"), ("rot4", "int4")])
def test_tables_are_brought_again_where_segments_change(kinds, monkeypatch):
    device, brought = HostDevice(SHUFFLED), []
    stand_in(monkeypatch, device)
    whole = coded_tables.brought
    monkeypatch.setattr(
        coded_tables, "brought", lambda on, *tables: brought.append(len(tables)) or whole(on, *tables)
    )
    cache = QuantizedCache(*kinds, n_sink=0, residual=0, backend="cuda")
    plain = QuantizedCache(*kinds, n_sink=0, residual=0, backend="numpy")

    def attended(rows):
        asked = np.random.default_rng(rows).standard_normal((2, 4, rows, 128)).astype(np.float32)
        found = decode_attention(asked, cache, backend="cuda")
        wanted = decode_attention(asked, plain, backend="numpy")
        np.testing.assert_allclose(found.output, wanted.output, rtol=0, atol=3e-3)
        return brought.pop()

    def grow(tokens):
        random = np.random.default_rng(tokens)
        keys, values = (random.standard_normal((2, 2, tokens, 128)).astype(np.float32) for _ in range(2))
        cache.append(keys, values)
        plain.append(keys, values)

    grow(256)
    # Positions, the order of parts, segments, works and sizes; and then positions alone.
    assert [attended(1), attended(1), attended(2), attended(1)] == [6, 1, 6, 6]
    grow(40)
    # What is no block yet is laid out for each call.
    assert [attended(1), attended(1)] == [9 if kinds[0] == "int4" else 6, 6]
    grow(88)
    assert attended(1) == 6
    assert not brought
