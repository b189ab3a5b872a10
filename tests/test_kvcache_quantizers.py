"""Quantizers: codes by their formula, bytes really held, products without bias, and what breaks others."""

import pickle
from math import erf

import numpy as np
import pytest
from hypothesis import given as any_of
from hypothesis import strategies as st

from recollect.errors import DimensionMismatch, FormatTooNew, InvalidArgument
from recollect.kvcache import Quantized, bf16_bits, from_bf16, pv, qk_logits, quantize
from recollect.kvcache.quantizers import KINDS, Asymmetric, Float8, Plain, Rotated, codec_of
from recollect.kvcache.quantizers.packing import packed, unpacked
from recollect.kvcache.quantizers.rotated import DISTORTION, LEVELS
from recollect.rabitq import RabitqCodes

EVERY = [
    *(codec_of(kind, role) for kind in KINDS[1:] for role in ("keys", "values")),
    Plain(8),
    Asymmetric(4, "token", 5),
    Asymmetric(8, "channel", 7),
    Float8("channel", 16),
    Float8("head", 16),
    Rotated(2, block=None),
    Rotated(3, block=9, seed=7),
]
names = [f"{codec.name}-{at}" for at, codec in enumerate(EVERY)]
every = pytest.mark.parametrize("codec", EVERY, ids=names)


def rows(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape)


@any_of(bits=st.integers(1, 8), count=st.integers(0, 70), seed=st.integers(0, 99))
def test_packed_codes_come_back_and_lie_where_the_layout_says(bits, count, seed):
    codes = np.random.default_rng(seed).integers(0, 1 << bits, (2, 3, count)).astype(np.uint8)
    found = packed(codes, bits)
    assert found.dtype == np.uint32
    assert found.shape == (2, 3, -(-count * bits // 32))
    np.testing.assert_array_equal(unpacked(found, bits, count), codes)
    whole = sum(int(word) << (32 * at) for at, word in enumerate(found[1, 2]))
    assert [(whole >> (bits * at)) & ((1 << bits) - 1) for at in range(count)] == codes[1, 2].tolist()


@every
@pytest.mark.parametrize(("n", "d"), [(1, 8), (70, 80), (33, 5), (128, 96), (0, 8), (200, 1)])
def test_bytes_are_those_that_were_foretold(codec, n, d):
    found = quantize(rows(2, 3, n, d), codec)
    assert found.nbytes == sum(part.nbytes for part in found.parts.values()) == 6 * codec.nbytes(n, d)
    assert found.dequantize().shape == (2, 3, n, d)
    assert found.dequantize().dtype == np.float32


@pytest.mark.parametrize(
    ("kind", "role", "per_token"),
    [
        ("fp8", "keys", 130),
        ("int8", "keys", 132),
        ("int4", "keys", 80),
        ("int4", "values", 80),
        ("int2", "keys", 48),
        ("int2", "values", 48),
        ("rot4", "keys", 68),
        ("rot3", "keys", 52),
        ("rot2", "keys", 36),
        ("rot1", "keys", 20),
    ],
)
def test_bytes_of_a_token_of_128_dimensions(kind, role, per_token):
    # Rotated codes have a mean of 256 bytes a 128 tokens on top of their 66, 50, 34 and 18.
    assert quantize(rows(1, 1, 1024, 128), kind, role=role).nbytes == 1024 * per_token


@every
def test_products_are_those_of_the_rows_that_codes_stand_for(codec):
    for n, d in ((70, 80), (1, 3), (200, 16)):
        array = rows(2, 2, n, d)
        found = quantize(array, codec)
        meant = found.dequantize().astype(np.float64)
        queries, weights = rows(2, 6, 3, d, seed=1), np.abs(rows(2, 6, 3, n, seed=2))
        np.testing.assert_allclose(
            qk_logits(queries, found), queries @ np.repeat(meant, 3, 1).swapaxes(2, 3), rtol=1e-5, atol=1e-4
        )
        np.testing.assert_allclose(pv(weights, found), weights @ np.repeat(meant, 3, 1), rtol=1e-5, atol=1e-4)


@every
def test_heads_and_sequences_are_quantized_alone(codec):
    array = rows(2, 3, 70, 16)
    whole = quantize(array, codec).dequantize()
    for at in np.ndindex(2, 3):
        np.testing.assert_array_equal(quantize(array[at], codec).dequantize(), whole[at])


@pytest.mark.parametrize("codec", [codec for codec in EVERY if getattr(codec, "means", 0) is not None])
def test_cut_at_its_blocks_the_codes_are_the_same(codec):
    array, cut = rows(1, 2, 600, 8), 2 * codec.block
    whole = quantize(array, codec).dequantize()
    parts = [quantize(array[:, :, start : start + cut], codec).dequantize() for start in range(0, 600, cut)]
    np.testing.assert_array_equal(np.concatenate(parts, 2), whole)


@every
def test_padding_changes_no_code(codec):
    array = rows(2, 2, 50, 16)
    array[0, :, 20:] = np.nan
    array[1, :, :] *= 1e3
    found = quantize(array, codec, lengths=[20, 0])
    alone = quantize(array[:1, :, :20], codec)
    assert found.dequantize().shape == array.shape
    np.testing.assert_array_equal(found.dequantize()[:1, :, :20], alone.dequantize())


@every
@pytest.mark.parametrize("value", [0.0, 1.0, -250.0, 1e-7])
def test_constant_rows_are_exact_within_16_bits(codec, value):
    found = quantize(np.full((1, 1, 40, 16), value), codec).dequantize()
    assert np.isfinite(found).all()
    exact = np.float32(np.float16(value))
    limit = 0.07 * abs(value) + 1e-6 if codec.name in ("fp8",) else 1e-6 * abs(value) + 1e-7
    assert np.abs(found - exact).max() <= limit


@every
@any_of(scale=st.sampled_from([1e-6, 1e-3, 1.0, 1e3]), seed=st.integers(0, 50))
def test_no_code_is_further_off_than_its_step(codec, scale, seed):
    array = rows(1, 1, 64, 16, seed=seed) * scale
    found = quantize(array, codec).dequantize().astype(np.float64)
    assert np.isfinite(found).all()
    if isinstance(codec, Asymmetric):
        span = array.max() - array.min()
        # Half a step, and what scale and zero lose in 16 bits.
        assert (
            np.abs(found - array).max()
            <= 0.51 * span / (2**codec.bits - 1) + 2e-3 * np.abs(array).max() + 1e-6
        )


@every
@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf, 1e39])
def test_a_broken_number_is_refused_by_place(codec, broken):
    array = rows(1, 2, 10, 8)
    array[0, 1, 7, 3] = broken
    with pytest.raises(InvalidArgument, match=r"array\[0, 1, 7\]: a number is not finite in float32"):
        quantize(array, codec)


@pytest.mark.parametrize("kind", ["int4", "int2", "rot2"])
def test_what_16_bits_cannot_scale_is_refused(kind):
    array = rows(1, 1, 40, 8)
    array[..., 0] = 1e6
    with pytest.raises(InvalidArgument, match="beyond 65504"):
        quantize(array, kind)


@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize("axis", ["channel", "token"])
def test_codes_are_those_of_kivi(bits, axis):
    array = rows(64, 64).astype(np.float32)
    found = quantize(array, Asymmetric(bits, axis, 32))
    grouped = array.T if axis == "channel" else array
    codes = unpacked(found.parts["codes"][0], bits, 64)
    for row, mine in zip(grouped, codes, strict=True):
        for start in (0, 32):
            part = row[start : start + 32]
            scale = np.float32(np.float16((part.max() - part.min()) / np.float32(2**bits - 1)))
            zero = np.float32(np.float16(part.min()))
            wanted = np.clip(np.rint((part - zero) / scale), 0, 2**bits - 1)
            assert wanted.dtype == np.float32
            np.testing.assert_array_equal(mine[start : start + 32], wanted)


def test_levels_are_the_centres_of_what_is_nearest():
    for bits, levels in LEVELS.items():
        edges = np.concatenate([[-np.inf], (levels[1:] + levels[:-1]) / 2, [np.inf]])
        below = np.array([0.5 * (1 + erf(edge / np.sqrt(2))) for edge in edges])
        density = np.exp(-(edges**2) / 2) / np.sqrt(2 * np.pi)
        centres = (density[:-1] - density[1:]) / np.diff(below)
        np.testing.assert_allclose(levels, centres, atol=2e-8)
        assert 1 - (levels**2 * np.diff(below)).sum() == pytest.approx(DISTORTION[bits], abs=1e-7)


@pytest.mark.parametrize("bits", [1, 2, 3, 4])
def test_a_row_and_what_stands_for_it_have_the_product_of_the_row_with_itself(bits):
    array = rows(1, 1, 256, 128) * np.exp(rows(1, 1, 256, 1, seed=3))
    codec = Rotated(bits, block=None)
    found = quantize(array, codec)
    mean = found.parts["mean"].astype(np.float64)
    apart, meant = array - mean, found.dequantize() - mean
    ratio = (apart * meant).sum(-1) / (apart**2).sum(-1)
    np.testing.assert_allclose(ratio, 1.0, atol=1e-3)


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_products_with_other_rows_have_no_bias(bits):
    array, query = rows(1, 1, 400, 64), rows(1, 1, 1, 64, seed=4)
    truth = (query @ array.swapaxes(2, 3))[0, 0, 0]
    offs = [
        qk_logits(query, quantize(array, Rotated(bits, seed=seed)))[0, 0, 0] - truth for seed in range(30)
    ]
    spread = np.std(offs)
    assert abs(np.mean(offs)) < 0.05 * spread
    assert abs(np.mean(np.mean(offs, 0) * truth)) < 0.1 * spread


def test_one_bit_codes_are_those_of_the_vector_index_in_form():
    # The factor |y|^2 / (y . code) for signs alone, whatever the rotation.
    array = rows(1, 1, 50, 64)
    found = quantize(array, Rotated(1, block=None))
    apart = array - found.parts["mean"].astype(np.float64)
    level = LEVELS[1][1]
    meant = found.dequantize() - found.parts["mean"].astype(np.float64)
    size = np.sqrt((meant**2).sum(-1)) / np.sqrt(64) / level
    np.testing.assert_allclose(size[0, 0], found.parts["factor"][0].astype(float), rtol=1e-5)
    assert ((apart * meant).sum(-1) > 0).all()


def test_one_bit_is_as_exact_as_in_the_vector_index():
    array, queries = rows(1, 1, 500, 128), rows(1, 1, 8, 128, seed=2)
    apart = (array[0, 0] - quantize(array, Rotated(1, block=None)).parts["mean"][0]).astype(np.float32)
    truth = queries[0, 0] @ apart.T
    mine, index = [], []
    for seed in range(10):
        found = quantize(apart, Rotated(1, block=None, seed=seed))
        mine.append(qk_logits(queries, Quantized(found.codec, found.parts, (1, 1, 500, 128)))[0, 0] - truth)
        codes = RabitqCodes.encode(apart, bits=1, seed=seed)
        index.append(
            [codes.estimate(query)[0] - one for query, one in zip(queries[0, 0], truth, strict=True)]
        )
    assert np.std(mine) == pytest.approx(np.std(index), rel=0.05)


@pytest.mark.parametrize("outlier", [0.0, 8.0, 64.0])
def test_constant_channels_do_not_cost_the_order_of_logits(outlier):
    random = np.random.default_rng(0)
    keys = random.standard_normal((1, 1, 256, 128))
    keys[..., [3, 70]] += outlier
    queries = keys[:, :, ::16] * np.where(np.isin(np.arange(128), [3, 70]), 0.0, 1.0)
    truth = (queries @ keys.swapaxes(2, 3)).argmax(-1)
    for bits in (1, 2, 3, 4):
        found = qk_logits(queries, quantize(keys, Rotated(bits))).argmax(-1)
        assert (found == truth).all()


def test_quantizing_bfloat16_is_quantizing_its_numbers():
    bits = bf16_bits(rows(1, 2, 40, 16))
    for kind in KINDS[1:]:
        one, other = quantize(bits, kind), quantize(from_bf16(bits), kind)
        for name, part in one.parts.items():
            np.testing.assert_array_equal(part, other.parts[name])
    held = quantize(bits, "plain")
    assert held.nbytes == bits.nbytes
    np.testing.assert_array_equal(held.parts["rows"].reshape(bits.shape), bits)


def test_parts_make_the_same_array_again_and_another_layout_is_refused():
    found = quantize(rows(1, 2, 40, 16), "rot3")
    again = Quantized(found.codec, found.parts, found.shape, found.layout)
    np.testing.assert_array_equal(again.dequantize(), found.dequantize())
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(found)).dequantize(), found.dequantize())
    with pytest.raises(FormatTooNew, match="layout: this version reads 1, found 2"):
        Quantized(found.codec, found.parts, found.shape, 2)


def test_wrong_arguments_are_named():
    for call, match in [
        (lambda: quantize(rows(1, 1, 4, 4), "int3"), "kind: expected one of"),
        (lambda: quantize(rows(4), "int4"), "array: expected the shape"),
        (lambda: Asymmetric(3), "bits: expected 2, 4 or 8"),
        (lambda: Rotated(8), "bits: expected 1, 2, 3 or 4"),
        (lambda: Float8("tensor"), "scale: expected one of"),
        (lambda: packed(np.zeros((1, 1), dtype=np.uint8), 9), "bits"),
        (lambda: qk_logits(rows(1, 3, 1, 4), quantize(rows(1, 2, 4, 4), "int4")), "queries"),
        (lambda: pv(rows(1, 2, 1, 5), quantize(rows(1, 2, 4, 4), "int4")), "weights: of 5 tokens"),
        (lambda: pv(rows(1, 2, 1, 4), quantize(rows(2, 4, 4), "int4")), "not .batch, heads, n, d."),
    ]:
        with pytest.raises(InvalidArgument, match=match):
            call()
    with pytest.raises(DimensionMismatch):
        qk_logits(rows(1, 2, 1, 5), quantize(rows(1, 2, 4, 4), "int4"))
