"""Codes of a KV cache: made, read back, multiplied and attended to, beside PyTorch as one first writes it."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from benches.gpu.kv_scores import GROUP, Held, Work, measured, once
from benches.gpu.row import GpuRow
from recollect.kvcache import QuantizedCache, compact, decode_attention, pv, qk_logits, quantize, select

__all__ = ["rows_of"]

_LEAST = {
    "int8": 3.031,
    "fp8": 3.016,
    "int4": 2.625,
    "int2": 2.375,
    "rot4": 2.516,
    "rot2": 2.266,
    "rot1": 2.141,
}
"""Bytes to move for each element of bfloat16: it is read, its codes and what they mean are written."""


def rows_of(batch: int, heads: int, tokens: int, rounds: int, dim: int = 128) -> Iterator[GpuRow]:
    """Yield rows for every call; agreement is the share of codes or numbers that a CPU gives."""
    yield from measured(_works(), batch, heads, tokens, rounds, dim)


def _works() -> Mapping[str, Work]:
    plain: dict[str, Callable[[Any], Any]] = {
        "int8": lambda keys: _asymmetric(keys, 8),
        "fp8": _float8,
        "int4": lambda keys: _asymmetric(keys.unflatten(2, (-1, 32)).transpose(3, 4), 4),
        "int2": lambda keys: _asymmetric(keys.unflatten(2, (-1, 32)).transpose(3, 4), 2),
    }
    made = {
        f"quantize {kind}": Work(
            _quantizing(kind), _of_keys(plain.get(kind)), least,
            compiled=_of_keys(torch.compile(plain[kind]) if kind in plain else None),
        )
        for kind, least in _LEAST.items()
    }  # fmt: skip
    return made | {
        "dequantize int4": Work(_reading("int4"), None, 4.625, "to float32"),
        "dequantize rot4": Work(_reading("rot4"), None, 4.516, "to float32, in float64"),
        "keep a quarter": Work(_compacted, _gathered, 2.0, "keys and values"),
        "logits on int4": Work(
            lambda held: qk_logits(held.queries[:, :, -1:], _kept(held, "int4", "keys")), None, 0.75
        ),
        "sums of int4": Work(
            lambda held: pv(_weights(held), _kept(held, "int4", "values")), None, 0.75
        ),
        "decode attention, int4": Work(_attention("int4", "int4"), _dense, 1.25, "torch: bfloat16"),
        "decode attention, rot4 and int4": Work(_attention("rot4", "int4"), _dense, 1.2, "torch: bfloat16"),
        "decode attention, rot1 and int2": Work(_attention("rot1", "int2"), _dense, 0.516, "torch: bfloat16"),
    }  # fmt: skip


def _of_keys(call: Callable[[Any], Any] | None) -> Callable[[Held], Any] | None:
    return None if call is None else lambda held: call(held.keys)


def _kept(held: Held, kind: str, role: str) -> Any:
    return once(held, (kind, role), lambda: quantize(getattr(held, role), kind, role=role))


def _quantizing(kind: str) -> Callable[[Held], Any]:
    return lambda held: quantize(held.keys, kind).parts["codes"].view(np.uint8)


def _reading(kind: str) -> Callable[[Held], Any]:
    return lambda held: _kept(held, kind, "keys").dequantize()


def _weights(held: Held) -> Any:
    def alike() -> Any:
        batch, heads, tokens, _ = held.keys.shape
        return torch.full((batch, heads * GROUP, 1, tokens), 1 / tokens, device=held.keys.device)

    return once(held, ("weights",), alike)


def _attention(*kinds: str) -> Callable[[Held], Any]:
    def attended(held: Held) -> Any:
        def grown() -> QuantizedCache:
            cache = QuantizedCache(*kinds, n_sink=0, residual=0)
            cache.append(held.keys, held.values)
            return cache

        cache = once(held, ("cache", *kinds), grown)
        return decode_attention(held.queries[:, :, -1:].float(), cache).output

    return attended


def _dense(held: Held) -> Any:
    return F.scaled_dot_product_attention(held.queries[:, :, -1:], held.keys, held.values, enable_gqa=True)


def _staying(held: Held) -> Any:
    quarter = held.keys.shape[2] // 4
    return once(held, ("quarter",), lambda: select(held.keys[..., 0].float(), quarter, n_sink=0))


def _compacted(held: Held) -> Any:
    return compact(held.keys, held.values, _staying(held)).keys


def _gathered(held: Held) -> Any:
    def places() -> Any:
        batch, heads, _, dim = held.keys.shape
        indices = torch.as_tensor(_staying(held).indices, device=held.keys.device).long()
        return indices.view(batch, heads, -1, 1).expand(-1, -1, -1, dim)

    at = once(held, ("places",), places)
    return held.keys.gather(2, at), held.values.gather(2, at)


def _asymmetric(groups: Any, bits: int) -> Any:
    low, high = groups.amin(-1, keepdim=True), groups.amax(-1, keepdim=True)
    scale = (high - low) / (2**bits - 1)
    codes = ((groups - low) / scale).round().clamp(0, 2**bits - 1).to(torch.uint8)
    if bits == 8:
        return codes
    few = codes.unflatten(-1, (-1, 8 // bits))
    return sum(few[..., at] << (bits * at) for at in range(8 // bits))


def _float8(keys: Any) -> Any:
    scale = keys.abs().amax(-1, keepdim=True) / 448
    return (keys / scale).to(torch.float8_e4m3fn)
