"""Tensors of PyTorch go into every call and come out of it, with the numbers that NumPy gives."""

import numpy as np
import pytest
import torch

from recollect.errors import InvalidArgument, WrongType
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
from recollect.kvcache.arrays import received, returned
from tests.cuda_host.device import HostDevice, compiler
from tests.cuda_host.standing_in import stand_in


def rows(*shape):
    return torch.from_numpy(np.random.default_rng(0).standard_normal(shape).astype(np.float32))


@pytest.mark.parametrize(
    "dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.float8_e4m3fn]
)
def test_what_is_seen_is_the_memory_itself(dtype):
    tensor = rows(1, 2, 5, 8).to(dtype)
    seen = received(tensor, "keys")
    assert seen.ctypes.data == tensor.data_ptr()
    assert seen.shape == (1, 2, 5, 8)
    back = returned(seen, tensor)
    assert back.dtype == dtype
    assert back.data_ptr() == tensor.data_ptr()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_scores_are_those_of_numpy(dtype):
    keys, values, queries = (rows(2, heads, 40, 16).to(dtype) for heads in (2, 2, 6))
    mask = torch.arange(40) >= torch.tensor([[7], [0]])
    layer = Layer(keys, values, queries, mask=mask)
    plain = Layer(*(one.float().numpy() for one in (keys, values, queries)), mask=mask.numpy())
    for score in (scores.key_diff, scores.window_attention, scores.heavy_hitter, scores.cur):
        found = score(layer)
        assert isinstance(found, torch.Tensor)
        assert (found.dtype, found.device) == (torch.float32, keys.device)
        np.testing.assert_array_equal(found.numpy(), score(plain))
    lengths = Layer(keys, lengths=torch.tensor([33, 40]))
    np.testing.assert_array_equal(scores.key_norm(lengths).isneginf().sum(-1), torch.tensor([[7, 7], [0, 0]]))


def test_views_and_gradients_are_no_matter():
    wide = rows(1, 30, 2, 16)
    keys = wide.transpose(1, 2).requires_grad_()
    found = scores.key_norm(Layer(keys))
    np.testing.assert_array_equal(found, scores.key_norm(Layer(keys.detach().numpy().copy())))
    assert not found.requires_grad


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float8_e4m3fn])
def test_what_is_kept_keeps_its_bits_and_its_type(dtype):
    keys, values = (rows(2, 2, 20, 8).to(dtype) for _ in range(2))
    kept = select(scores.key_norm(Layer(keys)), 6, positions=torch.arange(20).expand(2, 20) + 100)
    ragged = compact(keys, values, kept)
    assert (ragged.keys.dtype, ragged.values.dtype) == (dtype, dtype)
    bits = torch.uint8 if dtype == torch.float8_e4m3fn else torch.float32
    bits = torch.int16 if dtype == torch.bfloat16 else bits
    for (batch, head), indices in kept.by_head():
        found, _, positions = ragged.head(batch, head)
        assert found.view(bits).equal(keys.view(bits)[batch, head, indices])
        np.testing.assert_array_equal(positions, indices + 100)
    expected = ragged.head(1, 0)[0].view(bits).clone()
    assert compact_in_place(keys, values, kept).tolist() == [[6, 6], [6, 6]]
    assert keys.view(bits)[1, 0, :6].equal(expected)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_caches_and_attention(dtype):
    keys, values, queries = (rows(2, heads, 50, 16).to(dtype) for heads in (2, 2, 4))
    plain = [part.float().numpy() for part in (keys, values, queries)]
    cache, beside = (QuantizedCache("rot4", "int4", residual=8) for _ in range(2))
    cache.append(keys, values, lengths=torch.tensor([50, 30]))
    beside.append(plain[0], plain[1], lengths=[50, 30])
    where = torch.tensor([[49], [29]])
    found = decode_attention(queries[:, :, -1:], cache, positions=where, with_received=True)
    expected = decode_attention(plain[2][:, :, -1:], beside, positions=where.numpy(), with_received=True)
    for name in ("output", "lse", "received"):
        np.testing.assert_array_equal(getattr(found, name).numpy(), getattr(expected, name))
    states = torch.randint(0, 2, (2, 2, 50), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    mixed = MixedCache(keys, values, states, {1: ("rot2", "int2")})
    assert mixed.nbytes == MixedCache(plain[0], plain[1], states.numpy(), {1: ("rot2", "int2")}).nbytes
    codes = quantize(keys, "int4")
    assert isinstance(qk_logits(queries, codes), torch.Tensor)
    weights = torch.softmax(rows(2, 4, 3, 50), -1)
    assert isinstance(pv(weights, quantize(values, "int4", role="values")), torch.Tensor)


def test_rounding_to_bfloat16_is_that_of_pytorch():
    numbers = rows(4096) * torch.logspace(-30, 30, 4096)
    expected = numbers.to(torch.bfloat16)
    np.testing.assert_array_equal(bf16_bits(numbers.numpy()), expected.view(torch.uint16).numpy())
    np.testing.assert_array_equal(from_bf16(expected.view(torch.uint16).numpy()), expected.float().numpy())


def test_float8_is_that_of_pytorch():
    bits = torch.arange(256, dtype=torch.uint8)
    numbers = bits.view(torch.float8_e4m3fn)
    found = from_e4m3_of(numbers)
    np.testing.assert_array_equal(found, numbers.float().numpy())


def from_e4m3_of(numbers):
    from recollect.kvcache.arrays import numbers as as_floats

    return as_floats(received(numbers, "numbers"))


@pytest.mark.parametrize(
    "tensor",
    [
        torch.zeros(1, 1, 3, 4, dtype=torch.int32),
        torch.zeros(1, 1, 3, 4, dtype=torch.complex64),
        torch.zeros(1, 1, 3, 4).to_sparse(),
        torch.zeros(1, 1, 3, 4, device="meta"),
        torch.zeros(1, 1, 3, 4, dtype=torch.float8_e5m2),
    ],
)
def test_what_is_no_tensor_of_floats_is_refused(tensor):
    with pytest.raises(WrongType, match=r"^keys"):
        Layer(tensor)


def test_masks_are_no_floats():
    with pytest.raises(WrongType, match=r"^mask"):
        Layer(rows(1, 1, 3, 4), mask=torch.ones(1, 3, dtype=torch.bfloat16))
    with pytest.raises(InvalidArgument, match=r"^positions"):
        select(rows(1, 1, 3), 2, positions=torch.zeros(1, 4, dtype=torch.int64))


@pytest.mark.skipif(compiler() is None, reason="no C++ compiler")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16, torch.float8_e4m3fn])
def test_calls_on_a_gpu_take_tensors_and_give_tensors(dtype, monkeypatch):
    stand_in(monkeypatch, HostDevice())
    keys = rows(1, 2, 40, 16).to(dtype)
    for kind in ("int4", "rot2", "fp8"):
        there, here = (quantize(keys, kind, backend=one) for one in ("cuda", "numpy"))
        for name, part in here.parts.items():
            np.testing.assert_array_equal(there.parts[name], part)
        back = there.dequantize(backend="cuda")
        assert isinstance(back, torch.Tensor)
        np.testing.assert_array_equal(back.numpy(), here.dequantize())
    kept = select(rows(1, 2, 40), 9, backend="cuda")
    moved, wanted = (compact(keys, keys, kept, backend=one) for one in ("cuda", "numpy"))
    assert moved.keys.dtype == dtype
    bits = torch.uint8 if dtype.itemsize == 1 else torch.int16 if dtype.itemsize == 2 else torch.int32
    assert torch.equal(moved.keys.view(bits), wanted.keys.view(bits))
    queries = rows(1, 4, 1, 16)
    cache = QuantizedCache("rot4", "int4", residual=0, backend="cuda")
    cache.append(keys, keys)
    assert isinstance(decode_attention(queries, cache, backend="cuda").output, torch.Tensor)
