"""What codes stand for and products with them on a GPU: kernels on a CPU, in several orders of threads."""

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as any_of
from hypothesis import strategies as st

from recollect.errors import DimensionMismatch, InvalidArgument
from recollect.kvcache import bf16_bits, pv, qk_logits, quantize
from recollect.kvcache.quantizers import KINDS, Asymmetric, Float8, Plain, Rotated, codec_of
from tests.cuda_host.device import ORDERS, SHUFFLED, HostDevice, compiler
from tests.cuda_host.outside import run_outside
from tests.cuda_host.standing_in import stand_in

pytestmark = pytest.mark.skipif(compiler() is None, reason="no C++ compiler")

EVERY = [
    *(codec_of(kind, role) for kind in KINDS for role in ("keys", "values")),
    Asymmetric(4, "token", 5),
    Asymmetric(8, "channel", 7),
    Asymmetric(2, "token", 16),
    Float8("channel", 16),
    Float8("head", 16),
    Rotated(2, block=None),
    Rotated(3, block=9, seed=7),
]
every = pytest.mark.parametrize("codec", EVERY, ids=[f"{codec.name}-{at}" for at, codec in enumerate(EVERY)])


@pytest.fixture
def device(monkeypatch):
    found = HostDevice(SHUFFLED)
    stand_in(monkeypatch, found)
    return found


def rows(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def compared(device, array, codec, group=2, w=1):
    found = quantize(array, codec, backend="numpy")
    batch, heads, n, d = array.shape
    before = len(device.launched)
    assert found.dequantize(backend="cuda").tobytes() == found.dequantize(backend="numpy").tobytes()
    assert (len(device.launched) > before) == (n > 0)
    for call, given in (
        (qk_logits, rows(batch, heads * group, w, d, seed=1)),
        (pv, rows(batch, heads * group, w, n, seed=2)),
    ):
        wanted, one = (call(given, found, backend=backend) for backend in ("numpy", "cuda"))
        assert one.dtype == np.float32
        # Of sums of terms of order one, as many as dimensions or tokens.
        bound = 2e-6 * np.sqrt(given.shape[3] + 1) * 4 * max(1.0, float(np.abs(array).max(initial=0)) / 4)
        np.testing.assert_allclose(one, wanted, rtol=1e-5, atol=bound)


@every
@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
@any_of(
    n=st.integers(0, 70) | st.sampled_from([127, 128, 129, 513]),
    d=st.integers(2, 40) | st.sampled_from([64, 80, 128, 300]),
    group=st.integers(1, 3),
    w=st.integers(0, 5),
    seed=st.integers(0, 99),
)
def test_products_are_those_of_the_reference(device, codec, n, d, group, w, seed):
    compared(device, rows(2, 2, n, d, seed=seed).astype(np.float16), codec, group, w)


@every
@pytest.mark.parametrize("order", ORDERS)
def test_the_order_of_threads_does_not_matter(monkeypatch, codec, order):
    device = HostDevice(order)
    stand_in(monkeypatch, device)
    compared(device, rows(1, 2, 600, 64).astype(np.float16), codec, 4, 3)


@every
def test_the_order_of_threads_changes_no_bit(monkeypatch, codec):
    array, given = rows(1, 1, 600, 80).astype(np.float16), rows(1, 2, 1, 600)
    found, sums = quantize(array, codec), []
    for order in ORDERS:
        stand_in(monkeypatch, HostDevice(order))
        sums.append(pv(given, found, backend="cuda").tobytes())
    assert len(set(sums)) == 1


@pytest.mark.parametrize("kind", ["int4", "int2", "rot4", "rot3", "rot2", "rot1"])
def test_matrix_units_multiply_codes_that_they_know(device, kind):
    compared(device, rows(1, 2, 600, 128).astype(np.float16), codec_of(kind, "keys"), 4, 2)
    assert "logits_by_units" in device.launched


@pytest.mark.parametrize("kind", ["int8", "int4", "int2"])
def test_matrix_units_add_up_values_that_are_whole_numbers(device, kind):
    compared(device, rows(1, 2, 600, 128).astype(np.float16), codec_of(kind, "values"), 4, 2)
    assert "sums_by_units" in device.launched


@pytest.mark.parametrize("size", [3e-6, 1.0, 4e5])
def test_queries_and_weights_of_any_size_keep_their_bits(device, size):
    """Halves hold numbers up to 65,504, and lose bits below 2^-14: both are brought between."""
    array = rows(1, 2, 600, 128).astype(np.float16)
    for call, role, given in ((qk_logits, "keys", rows(1, 4, 1, 128)), (pv, "values", rows(1, 4, 1, 600))):
        found = quantize(array, "int4", role=role, backend="numpy")
        wanted, one = (
            call(given * np.float32(size), found, backend=backend) for backend in ("numpy", "cuda")
        )
        np.testing.assert_allclose(one / size, wanted / size, rtol=1e-5, atol=2e-4)
    assert {"logits_by_units", "sums_by_units"} <= set(device.launched)


@pytest.mark.parametrize("form", [lambda x: x, lambda x: x.astype(np.float16), bf16_bits])
def test_plain_rows_of_all_kinds(device, form):
    compared(device, form(rows(1, 2, 37, 20)), Plain())


def test_codes_made_on_a_device_are_read_there(device):
    array = rows(2, 2, 70, 64)
    found = quantize(array, "rot4", backend="cuda")
    assert found.origin.framework == "numpy"
    assert found.nbytes == quantize(array, "rot4").nbytes
    np.testing.assert_array_equal(found.dequantize(backend="cuda"), found.dequantize(backend="rust"))
    queries = rows(2, 6, 1, 64)
    np.testing.assert_allclose(
        qk_logits(queries, found, backend="cuda"), qk_logits(queries, found), rtol=1e-5, atol=1e-4
    )


def test_what_kernels_do_not_know_is_read_by_the_reference(device):
    class Halved(Asymmetric):
        def logits(self, queries, parts, n):
            return super().logits(queries, parts, n) / 2

    array, queries, weights = rows(1, 1, 40, 8), rows(1, 2, 1, 8), rows(1, 2, 1, 40)
    for codec, given in ((Halved(8), array), (Plain(), array.astype(np.float64))):
        found = quantize(given, codec, backend="cuda")
        before = len(device.launched)
        assert found.dequantize(backend="cuda").tobytes() == found.dequantize(backend="numpy").tobytes()
        for call, asked in ((qk_logits, queries), (pv, weights)):
            np.testing.assert_array_equal(
                call(asked, found, backend="cuda"), call(asked, found, backend="numpy")
            )
        assert len(device.launched) == before


def test_shapes_that_do_not_belong_together_are_refused(device):
    found = quantize(rows(1, 2, 10, 8), "int4")
    with pytest.raises(DimensionMismatch, match="queries: expected 8 dimensions, found 7"):
        qk_logits(rows(1, 2, 1, 7), found, backend="cuda")
    with pytest.raises(InvalidArgument, match="weights: of 9 tokens, there are 10"):
        pv(rows(1, 2, 1, 9), found, backend="cuda")
    with pytest.raises(InvalidArgument, match="queries:"):
        qk_logits(rows(1, 3, 1, 8), found, backend="cuda")


PROGRAM = """
import sys
import numpy as np
from recollect.kvcache.cuda.products import logits, weighted
from recollect.kvcache.quantizers import codec_of
from tests.cuda_host.device import HostDevice
changed = lambda text: text.replace(sys.argv[1], "")
codec = codec_of(sys.argv[2])
random = np.random.default_rng(0)
rows, queries, weights = (random.standard_normal(shape) for shape in ((1, 300, 64), (1, 3, 64), (1, 3, 300)))
parts = codec.encode(rows.astype(np.float32))
wanted = codec.logits(queries, parts, 300), codec.weighted(weights, parts, 64)
for order in (0, 1, 7):
    device = HostDevice(order, changed=changed)
    coded = codec.coded(parts, 300, 64)
    found = (
        logits(device, coded, queries.astype(np.float32)),
        weighted(device, coded, weights.astype(np.float32)),
    )
    if not all(np.allclose(one, other, atol=1e-3) for one, other in zip(found, wanted)):
        sys.exit("seen")
"""


@pytest.mark.parametrize(
    ("removed", "kind", "caught"),
    [
        ("nothing at all", "rot2", False),
        ("__syncthreads();", "rot2", True),
        ("__syncwarp();", "rot2", True),
        ("__syncthreads();", "int4", True),
    ],
)
def test_a_barrier_that_is_missing_is_seen(removed, kind, caught):
    done = run_outside(PROGRAM, removed, kind)
    assert (done.returncode != 0) == caught, done.stderr
