"""Codes that are decided in f32 are those of f64: what a bound of the error leaves open is done again."""

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as any_of
from hypothesis import strategies as st

from recollect.kvcache import bf16_bits
from recollect.kvcache.cuda.handing import handed
from recollect.kvcache.cuda.verdict import Verdict
from recollect.kvcache.quantizers import Asymmetric, Float8, Rotated
from tests.cuda_host.device import SHUFFLED, HostDevice, compiler
from tests.cuda_host.standing_in import host_alone

pytestmark = [pytest.mark.skipif(compiler() is None, reason="no C++ compiler"), host_alone]

SURE = "const bool decided ="
"""What says whether the bounds decide a row."""
BOUNDS = {"NEAR_MIDDLE": "((BITS > 2 ? 74 : 42) * UNIT)", "NEAR_HALF": "(35 * UNIT)"}


def codes(codec, rows, changed=lambda text: text):
    device = HostDevice(SHUFFLED, changed=changed)
    verdict = Verdict(device)
    parts = codec.encode_on(device, handed(device, rows), None, verdict)
    return parts, verdict.broken()


def differing(codec, rows, **options):
    """Return how many bytes differ from those of the reference."""
    found, broken = codes(codec, rows, **options)
    assert not broken
    heads, n, d = np.prod(rows.shape[:2]), *rows.shape[2:]
    wanted = codec.encode(rows.reshape(heads, n, d))
    return sum(
        int((found[name].view(np.uint8) != part.view(np.uint8)).sum()) for name, part in wanted.items()
    )


def many(d, seed, n=2048):
    return bf16_bits(np.random.default_rng(seed).standard_normal((1, 1, n, d)))


@pytest.mark.parametrize("bits", [1, 2, 3, 4])
@pytest.mark.parametrize("d", [64, 128, 200, 512])
def test_many_rows_are_those_of_f64(bits, d):
    assert differing(Rotated(bits), many(d, seed=bits)) == 0


@pytest.mark.parametrize("bits", [1, 2, 3, 4])
@pytest.mark.parametrize("d", [64, 200, 512])
def test_rows_in_doubt_are_those_of_f64(bits, d):
    def doubtful(text):
        assert SURE in text
        return text.replace(SURE, f"{SURE} false &&")

    assert differing(Rotated(bits), many(d, seed=bits, n=140), changed=doubtful) == 0


def test_without_bounds_some_rows_would_differ():
    def unbound(text):
        for name, bound in BOUNDS.items():
            assert f"#define {name} {bound}" in text
            text = text.replace(f"#define {name} {bound}", f"#define {name} 0.0f")
        return text

    assert sum(differing(Rotated(4), many(128, seed, 4096), changed=unbound) for seed in range(3)) > 0


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@any_of(
    bits=st.sampled_from([2, 4]),
    low=st.floats(-40.0, 40.0),
    spread=st.floats(1e-30, 1e12),
    seed=st.integers(0, 10**6),
)
def test_rows_of_any_size_and_on_any_offset(bits, low, spread, seed):
    random = np.random.default_rng(seed)
    rows = (random.standard_normal((1, 1, 140, 64)) * spread + low).astype(np.float32)
    found, broken = codes(Rotated(bits), rows)
    try:
        wanted = Rotated(bits).encode(rows[0])
    except ValueError:
        assert broken
        return
    assert not broken
    assert all(found[name].tobytes() == part.tobytes() for name, part in wanted.items())


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@any_of(
    codec=st.sampled_from([Asymmetric(bits, axis) for bits in (2, 4, 8) for axis in ("channel", "token")]),
    offset=st.sampled_from([0.0, 1.0, 300.0, -2e4]),
    spread=st.sampled_from([1.0, 1e-3, 1e-6, 3e3]),
    steps=st.integers(2, 600),
    seed=st.integers(0, 10**6),
)
def test_numbers_near_the_middle_of_two_codes(codec, offset, spread, steps, seed):
    # Multiples of half a step and their neighbours.
    random = np.random.default_rng(seed)
    rows = random.integers(0, steps, (1, 2, 64, 128)) / np.float32(2 * steps) * np.float32(spread)
    near = np.nextafter(rows.astype(np.float32), np.float32(random.choice([-1, 1])), dtype=np.float32)
    assert differing(codec, near + np.float32(offset)) == 0


@pytest.mark.parametrize("codec", [Float8(), Float8("channel", 16), Float8("head", 16)])
def test_zeros_keep_their_sign(codec):
    rows = np.random.default_rng(0).choice(np.float32([0.0, -0.0, 1e-30, -1e-30, 1.0]), (1, 1, 64, 128))
    assert differing(codec, rows) == 0
