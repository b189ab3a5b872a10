"""The codes of a GPU are the bits of the reference: its kernels on a CPU, in several orders of threads."""

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as any_of
from hypothesis import strategies as st

from recollect.errors import InvalidArgument
from recollect.kvcache import bf16_bits, quantize
from recollect.kvcache.float_formats import e4m3_bits
from recollect.kvcache.quantizers import KINDS, Asymmetric, Float8, Rotated, codec_of
from tests.cuda_host.device import ORDERS, SHUFFLED, HostDevice, compiler
from tests.cuda_host.outside import run_outside
from tests.cuda_host.standing_in import stand_in

pytestmark = pytest.mark.skipif(compiler() is None, reason="no C++ compiler")

EVERY = [
    *(codec_of(kind, role) for kind in KINDS[1:] for role in ("keys", "values")),
    Asymmetric(4, "token", 5),
    Asymmetric(8, "channel", 7),
    Asymmetric(2, "channel", 100),
    Asymmetric(2, "token", 16),
    Float8("channel", 16),
    Float8("head", 16),
    Rotated(2, block=None),
    Rotated(3, block=9, seed=7),
    Rotated(4, block=1),
]
every = pytest.mark.parametrize("codec", EVERY, ids=[f"{codec.name}-{at}" for at, codec in enumerate(EVERY)])
FORMS = {
    "f32": lambda rows: rows.astype(np.float32),
    "f16": lambda rows: rows.astype(np.float16),
    "bf16": bf16_bits,
    "e4m3": e4m3_bits,
}
relaxed = settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def device(monkeypatch):
    found = HostDevice(SHUFFLED)
    stand_in(monkeypatch, found)
    return found


def both(device, array, codec, **options):
    wanted = quantize(array, codec, backend="numpy", **options)
    before = len(device.launched)
    found = quantize(array, codec, backend="cuda", **options)
    assert found.parts.keys() == wanted.parts.keys()
    for name, part in wanted.parts.items():
        assert found.parts[name].dtype == part.dtype
        assert found.parts[name].shape == part.shape
        assert found.parts[name].tobytes() == part.tobytes(), name
    return device.launched[before:]


def some_rows(shape, scale, seed):
    random = np.random.default_rng(seed)
    kinds = [
        lambda: random.standard_normal(shape),
        lambda: random.integers(-8, 9, shape).astype(float),  # Ties everywhere.
        lambda: np.full(shape, random.standard_normal()),
        lambda: random.standard_normal(shape) + 50 * (np.arange(shape[-1]) % 5 == 0),
        lambda: random.standard_normal(shape) * 10.0 ** random.integers(-6, 3, (*shape[:-1], 1)),
        lambda: random.choice([0.0, -0.0, 1.0], shape),
    ]
    return kinds[seed % len(kinds)]() * scale


@every
@relaxed
@any_of(
    n=st.integers(1, 70) | st.sampled_from([127, 128, 129, 260]),
    d=st.integers(2, 40) | st.sampled_from([64, 80, 96, 128, 256]),
    scale=st.sampled_from([1.0, 1e-4, 1e-8, 30.0]),
    form=st.sampled_from(sorted(FORMS)),
    seed=st.integers(0, 1000),
)
def test_any_rows(device, codec, n, d, scale, form, seed):
    assert both(device, FORMS[form](some_rows((1, 2, n, d), scale, seed)), codec)


@every
@pytest.mark.parametrize("order", ORDERS)
def test_the_order_of_threads_does_not_matter(monkeypatch, codec, order):
    device = HostDevice(order)
    stand_in(monkeypatch, device)
    for shape in ((2, 2, 37, 64), (1, 1, 130, 136)):
        assert both(device, some_rows(shape, 1.0, order).astype(np.float16), codec)


@every
@relaxed
@any_of(lengths=st.lists(st.integers(0, 50), min_size=2, max_size=2), seed=st.integers(0, 99))
def test_padding_is_no_part_of_it(device, codec, lengths, seed):
    array = some_rows((2, 2, 50, 64), 1.0, seed).astype(np.float32)
    for index, length in enumerate(lengths):
        array[index, :, length:] = np.nan
    assert both(device, array, codec, lengths=lengths)


@every
def test_heads_beside_each_other_and_other_steps(device, codec):
    array = np.random.default_rng(0).standard_normal((2, 40, 3, 24)).astype(np.float16)
    assert both(device, array.swapaxes(1, 2), codec)
    assert both(device, array.swapaxes(1, 2)[:, ::-1, ::2, ::-1], codec)
    assert both(device, array.swapaxes(1, 2)[..., 1:], codec)
    assert both(device, array.astype(">f4").swapaxes(1, 2), codec)
    assert both(device, array[0, 0], codec)


@every
def test_wide_rows_and_next_to_nothing(device, codec):
    random = np.random.default_rng(0)
    assert both(device, random.standard_normal((1, 1, 5, 512)).astype(np.float32), codec)
    assert both(device, random.standard_normal((1, 1, 3, 1100)).astype(np.float32), codec)
    assert both(device, random.standard_normal((1, 1, 2, 5000)).astype(np.float16), codec)
    for shape in ((0, 2, 5, 8), (1, 2, 0, 8)):
        assert both(device, np.zeros(shape, dtype=np.float32), codec) == []
    both(device, np.zeros((1, 1, 1, 1), dtype=np.float32), codec)


@every
@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
def test_a_broken_number_is_refused_in_the_words_of_the_reference(device, codec, broken):
    array = np.random.default_rng(0).standard_normal((1, 2, 40, 64)).astype(np.float32)
    array[0, 1, 7, 3] = broken
    with pytest.raises(InvalidArgument, match=r"array\[0, 1, 7\]: a number is not finite in float32"):
        quantize(array, codec, backend="cuda")


@pytest.mark.parametrize("kind", ["int4", "int2", "rot2", "fp8"])
def test_what_16_bits_cannot_scale_is_refused(device, kind):
    array = np.random.default_rng(0).standard_normal((1, 1, 40, 64)).astype(np.float32)
    array[..., 0] = 1e9
    with pytest.raises(InvalidArgument, match="beyond 65504"):
        quantize(array, kind, backend="cuda")


def test_what_kernels_do_not_know_is_left_to_the_reference(device):
    class Halved(Asymmetric):
        def encode(self, rows, counts=None):
            return super().encode(rows / 2, counts)

    array = np.random.default_rng(0).standard_normal((1, 1, 40, 8))
    assert both(device, array, "int4") == []
    assert both(device, array.astype(np.float32), Halved(4)) == []
    with pytest.raises(InvalidArgument, match="expected the shape"):
        quantize(np.zeros(3, dtype=np.float32), "int4", backend="cuda")
    with pytest.raises(InvalidArgument, match="lengths: expected 0 to 40"):
        quantize(array, "int4", lengths=[41], backend="cuda")


PROGRAM = """
import sys
import numpy as np
from recollect.kvcache import quantize
from recollect.kvcache.cuda.handing import handed
from recollect.kvcache.cuda.verdict import Verdict
from recollect.kvcache.quantizers import codec_of, Float8, Rotated
from tests.cuda_host.device import HostDevice
changed = lambda text: text.replace(sys.argv[1], "")
codec = {"rot4": codec_of("rot4"), "wide": codec_of("rot4"), "head": Float8("head", 16)}[sys.argv[2]]
width = 1024 if sys.argv[2] == "wide" else 64
rows = np.random.default_rng(0).standard_normal((1, 1, 70, width)).astype(np.float32)
rows[:, :, :, 3] += np.arange(70)
wanted = codec.encode(rows[0])
for order in (0, 1, 7):
    device = HostDevice(order, changed=changed)
    parts = codec.encode_on(device, handed(device, rows), None, Verdict(device))
    if parts is None or any(parts[name].tobytes() != part.tobytes() for name, part in wanted.items()):
        sys.exit("seen")
"""


@pytest.mark.parametrize(
    ("removed", "kind", "caught"),
    [
        ("nothing at all", "rot4", False),
        ("__syncthreads();", "rot4", True),
        ("__syncthreads();", "head", True),
        ("__syncwarp();", "wide", True),
    ],
)
def test_a_barrier_that_is_missing_is_seen(removed, kind, caught):
    done = run_outside(PROGRAM, removed, kind)
    assert (done.returncode != 0) == caught, done.stderr
