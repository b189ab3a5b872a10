"""Arrays of any framework that shares memory of the CPU go in; the same kind comes out."""

import doctest
import sys
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given as any_of
from hypothesis import strategies as st

import recollect.kvcache
from recollect import gpu
from recollect.errors import (
    DimensionMismatch,
    GpuUnavailable,
    InvalidArgument,
    RecollectError,
    WrongType,
)
from recollect.kvcache import (
    Layer,
    bf16_bits,
    compact_in_place,
    decode_attention,
    from_bf16,
    qk_logits,
    quantize,
    scores,
    select,
)
from recollect.kvcache.float_formats import e4m3_bits, from_e4m3
from recollect.kvcache.quantized_cache import QuantizedCache

without_gpu = pytest.mark.skipif(gpu.available(), reason="there is a GPU")


class Tensor:
    """An array of a framework that opens by DLPack alone."""

    def __init__(self, held: np.ndarray) -> None:
        self.held = held

    def __dlpack__(self, **options: object) -> object:
        return self.held.__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.held.__dlpack_device__()


class Attached(Tensor):
    """A tensor that is part of a computation, or of a type that NumPy lacks."""

    def __dlpack__(self, **options: object) -> object:
        raise BufferError("require gradient")


@pytest.fixture
def framework(monkeypatch: pytest.MonkeyPatch) -> type[Tensor]:
    """Return the kind of tensor of a framework that is loaded."""
    module = ModuleType("a_framework")
    module.from_dlpack = lambda found: Tensor(np.from_dlpack(found))
    monkeypatch.setitem(sys.modules, "a_framework", module)
    monkeypatch.setattr(Tensor, "__module__", "a_framework.tensors")
    return Tensor


def rows(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


def test_a_tensor_goes_in_and_a_tensor_comes_out(framework: type[Tensor]) -> None:
    keys, queries = rows(1, 2, 10, 8), rows(1, 4, 10, 8)
    found = scores.heavy_hitter(Layer(framework(keys), queries=framework(queries)))
    assert isinstance(found, framework)
    np.testing.assert_array_equal(found.held, scores.heavy_hitter(Layer(keys, queries=queries)))
    products = qk_logits(framework(queries), quantize(framework(keys), "rot4"))
    assert isinstance(products, framework)
    cache = QuantizedCache()
    cache.append(framework(keys), framework(keys))
    assert isinstance(decode_attention(framework(queries), cache).output, framework)


def test_memory_of_another_framework_is_compacted_where_it_lies() -> None:
    held = rows(1, 2, 6, 3)
    before = held.copy()
    kept = select(rows(1, 2, 6), 2, n_sink=0)
    lent = Tensor(held)
    if np.from_dlpack(lent).flags.writeable:
        compact_in_place(lent, held.copy(), kept)
        for (batch, head), indices in kept.by_head():
            np.testing.assert_array_equal(held[batch, head, :2], before[batch, head, indices])
    else:  # Older versions of NumPy never write to what they are lent.
        with pytest.raises(InvalidArgument, match="read-only"):
            compact_in_place(lent, held.copy(), kept)
    with pytest.raises(WrongType, match="list does not share its memory"):
        compact_in_place(held.tolist(), held, kept)


def test_what_speaks_no_module_of_its_own_gives_numpy() -> None:
    assert isinstance(scores.key_norm(Layer(Tensor(rows(1, 1, 3, 4)))), np.ndarray)


def test_a_tensor_that_does_not_open_says_what_to_do() -> None:
    with pytest.raises(WrongType, match=r"^keys: Attached does not open .* detach it, bring it to the CPU"):
        Layer(Attached(rows(1, 1, 3, 4)))


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ([[1.0]], "expected an array, found list"),
        ("abc", "expected an array, found str"),
        (np.zeros((1, 1, 3, 4), dtype=np.int32), "found int32"),
        (np.zeros((1, 1, 3, 4), dtype=complex), "found complex128"),
        (np.array([["a"]]), "found <U1"),
    ],
)
def test_what_is_no_array_of_floats_is_refused(keys: object, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        Layer(keys)


def test_shapes_that_do_not_belong_together_are_named() -> None:
    keys = rows(2, 2, 10, 8)
    for wrong, match in [
        ({"values": rows(2, 2, 9, 8)}, "^values:"),
        ({"queries": rows(2, 3, 10, 8)}, "^queries: expected 2 sequences and a multiple of 2 heads"),
        ({"queries": rows(2, 0, 10, 8)}, "^queries:"),
        ({"queries": rows(2, 2, 11, 8)}, "^queries: 11 for 10 tokens"),
        ({"lengths": [3]}, r"^lengths: expected the shape \(2,\)"),
        ({"lengths": [3, 11]}, "^lengths: expected 0 to 10"),
        ({"lengths": [3, -1]}, "^lengths: expected 0 to 10"),
        ({"mask": np.ones((2, 9), dtype=bool)}, "^mask:"),
        ({"mask": np.ones((2, 10), dtype=bool), "lengths": [1, 1]}, "^mask: give lengths or a mask"),
    ]:
        with pytest.raises(ValueError, match=match):
            Layer(keys, **wrong)
    with pytest.raises(DimensionMismatch, match="queries: expected 8 dimensions, found 7"):
        Layer(keys, queries=rows(2, 2, 10, 7))
    with pytest.raises(InvalidArgument, match="keys: expected 4 axes"):
        Layer(rows(2, 10, 8))
    with pytest.raises(WrongType, match="lengths: expected whole numbers"):
        Layer(keys, lengths=[1.5, 2.0])
    # An additive mask of zeros and minus infinity would mean the opposite.
    with pytest.raises(WrongType, match="mask: expected truth values"):
        Layer(keys, mask=np.zeros((2, 10)))


def test_the_example_of_the_package_is_true() -> None:
    assert doctest.testmod(recollect.kvcache).failed == 0


@pytest.mark.parametrize(
    ("backend", "error", "message"),
    [
        pytest.param("cuda", GpuUnavailable, "the GPU needs CuPy|finds no GPU", marks=without_gpu),
        ("torch", InvalidArgument, "backend: 'torch' is not in this build, which has rust, numpy, cuda"),
    ],
)
def test_a_backend_that_is_not_there_is_refused(backend: str, error: type[Exception], message: str) -> None:
    keys = rows(1, 1, 3, 4)
    for call in (
        lambda: Layer(keys, backend=backend),
        lambda: quantize(keys, "int4", backend=backend),
        lambda: qk_logits(keys, quantize(keys, "int4"), backend=backend),
    ):
        with pytest.raises(error, match=message):
            call()
    assert issubclass(InvalidArgument, RecollectError)
    with pytest.raises(WrongType):
        Layer(keys, backend=3)
    assert (Layer(keys, backend="numpy").backend, Layer(keys).backend) == ("numpy", "rust")


@any_of(st.floats(width=32))
def test_bfloat16_is_the_nearest_with_ties_to_even(number: float) -> None:
    floats = np.array([number], dtype=np.float32)
    found = from_bf16(bf16_bits(floats))
    if np.isnan(number):
        assert np.isnan(found[0])
    elif np.isfinite(found[0]):
        bits = bf16_bits(floats).astype(np.int64)
        around = [from_bf16((bits + step).clip(0, 0xFFFF).astype(np.uint16))[0] for step in (-1, 1)]
        gaps = [
            abs(float(one) - number)
            for one in around
            if np.isfinite(one) and np.sign(one) == np.sign(found[0])
        ]
        mine = abs(float(found[0]) - number)
        assert all(mine < gap or (mine == gap and bits[0] % 2 == 0) for gap in gaps)
    else:
        assert abs(number) > 3.38e38


def test_every_bfloat16_and_every_float8_survives() -> None:
    bits = np.arange(1 << 16).astype(np.uint16)
    sound = ~np.isnan(from_bf16(bits))
    np.testing.assert_array_equal(bf16_bits(from_bf16(bits))[sound], bits[sound])
    codes = np.arange(256).astype(np.uint8)
    sound = ~np.isnan(from_e4m3(codes))
    assert sound.sum() == 254
    np.testing.assert_array_equal(e4m3_bits(from_e4m3(codes))[sound], codes[sound])


def test_known_float8_numbers() -> None:
    known = {0x00: 0.0, 0x01: 2.0**-9, 0x08: 2.0**-6, 0x38: 1.0, 0x7E: 448.0, 0xB8: -1.0, 0xFE: -448.0}
    for code, number in known.items():
        assert from_e4m3(np.array([code], dtype=np.uint8))[0] == number
    assert e4m3_bits([1e9, -1e9, 17.0, 19.0]).tolist() == [0x7E, 0xFE, 0x58, 0x5A]  # 17 and 19: ties to even
