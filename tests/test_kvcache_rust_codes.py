"""The codes of the native half are the bits of the reference, whatever goes in and on any threads."""

import numpy as np
import pytest
from hypothesis import given as any_of
from hypothesis import settings
from hypothesis import strategies as st

from recollect.errors import InvalidArgument
from recollect.kvcache import bf16_bits, qk_logits, quantize
from recollect.kvcache.quantizers import KINDS, Asymmetric, Float8, Rotated, codec_of

EVERY = [
    *(codec_of(kind, role) for kind in KINDS[1:] for role in ("keys", "values")),
    Asymmetric(4, "token", 5),
    Asymmetric(8, "channel", 7),
    Asymmetric(2, "channel", 100),
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
}


def same(found, wanted):
    assert found.parts.keys() == wanted.parts.keys()
    for name, part in wanted.parts.items():
        assert found.parts[name].dtype == part.dtype
        assert found.parts[name].shape == part.shape
        assert found.parts[name].tobytes() == part.tobytes(), name


def both(array, codec, **options):
    wanted = quantize(array, codec, backend="numpy", **options)
    for threads in (1, 3):
        same(quantize(array, codec, backend="rust", threads=threads, **options), wanted)
    return wanted


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
@settings(max_examples=25)
@any_of(
    n=st.integers(0, 70) | st.sampled_from([127, 128, 129, 260]),
    d=st.integers(1, 40) | st.sampled_from([64, 80, 96, 128, 256]),
    scale=st.sampled_from([1.0, 1e-4, 1e-8, 30.0]),
    form=st.sampled_from(sorted(FORMS)),
    seed=st.integers(0, 1000),
)
def test_any_rows(codec, n, d, scale, form, seed):
    both(FORMS[form](some_rows((1, 2, n, d), scale, seed)), codec)


@every
@settings(max_examples=10)
@any_of(lengths=st.lists(st.integers(0, 50), min_size=2, max_size=2), seed=st.integers(0, 99))
def test_padding_is_no_part_of_it(codec, lengths, seed):
    array = some_rows((2, 2, 50, 12), 1.0, seed).astype(np.float32)
    for index, length in enumerate(lengths):
        array[index, :, length:] = np.nan
    both(array, codec, lengths=lengths)


@every
def test_long_rows_and_long_sequences(codec):
    random = np.random.default_rng(0)
    both(random.standard_normal((1, 1, 3000, 32)).astype(np.float16), codec)
    both(random.standard_normal((1, 1, 5, 2000)).astype(np.float32), codec)
    both(random.standard_normal((1, 1, 2, 20000)).astype(np.float32), codec)


@every
def test_heads_beside_each_other_and_other_steps_are_read_where_they_lie(codec):
    random = np.random.default_rng(0)
    array = random.standard_normal((2, 40, 3, 16)).astype(np.float16)
    both(array.swapaxes(1, 2), codec)
    both(array.swapaxes(1, 2)[:, :, :17], codec)
    both(array.swapaxes(1, 2)[:, ::-1, ::2, ::-1], codec)
    both(array.astype(">f4").swapaxes(1, 2), codec)
    both(array[0, 0], codec)


@every
@pytest.mark.parametrize("shape", [(0, 2, 5, 8), (1, 2, 0, 8), (1, 1, 1, 1)])
def test_next_to_nothing(codec, shape):
    both(np.zeros(shape, dtype=np.float32), codec)


@every
@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
def test_a_broken_number_is_refused_by_both_in_the_same_words(codec, broken):
    array = np.random.default_rng(0).standard_normal((1, 2, 40, 8)).astype(np.float32)
    array[0, 1, 7, 3] = broken
    for backend in ("numpy", "rust"):
        with pytest.raises(InvalidArgument, match=r"array\[0, 1, 7\]: a number is not finite in float32"):
            quantize(array, codec, backend=backend)


@pytest.mark.parametrize("kind", ["int4", "int2", "rot2"])
def test_what_16_bits_cannot_scale_is_refused_by_both(kind):
    array = np.random.default_rng(0).standard_normal((1, 1, 40, 8)).astype(np.float32)
    array[..., 0] = 1e6
    for backend in ("numpy", "rust"):
        with pytest.raises(InvalidArgument, match="beyond 65504"):
            quantize(array, kind, backend=backend)


@pytest.mark.parametrize("threads", [0, -1])
def test_no_threads_are_refused(threads):
    with pytest.raises(InvalidArgument, match=r"^threads: expected at least 1"):
        quantize(np.zeros((1, 1, 4, 4), dtype=np.float32), "int4", threads=threads)


def test_a_class_derived_from_a_quantizer_is_asked_itself():
    class Halved(Asymmetric):
        def encode(self, rows, counts=None):
            return super().encode(rows / 2, counts)

        def logits(self, queries, parts, n):
            return 2 * super().logits(queries, parts, n)

    array = np.random.default_rng(0).standard_normal((1, 1, 40, 8)).astype(np.float32)
    found, plain = quantize(array, Halved(8)), quantize(array, Asymmetric(8))
    np.testing.assert_allclose(found.dequantize() * 2, plain.dequantize(), atol=2e-2)
    np.testing.assert_allclose(qk_logits(array, found), qk_logits(array, plain), atol=0.2)
