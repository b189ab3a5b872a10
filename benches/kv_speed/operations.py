"""What is timed: one call on each backend, the bytes it has to move, and how near the answers must be."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from recollect.kvcache import (
    Layer,
    MixedCache,
    Quantized,
    bf16_bits,
    compact,
    decode_attention,
    pv,
    qk_logits,
    quantize,
    scores,
    select,
)

__all__ = ["Operation", "operations"]

HEADS, GROUP, DIM, WINDOW = 8, 4, 128, 64
"""Heads, query heads a head, dimensions of a head, and queries of the window."""

_KINDS = [
    ("fp8", "keys"),
    ("int8", "keys"),
    ("int4", "keys"),
    ("int4", "values"),
    ("int2", "keys"),
    ("int2", "values"),
    ("rot4", "keys"),
    ("rot3", "keys"),
    ("rot2", "keys"),
    ("rot1", "keys"),
]


@dataclass(frozen=True)
class Operation:
    """One call.

    Attributes
    ----------
    name
        Of its row.
    nbytes
        Bytes that it reads at least and writes: each input once, or twice where two passes are the method.
    streams
        Whether memory is what should bound it.
    call
        Takes the backend.
    peer
        The same in PyTorch, where it is installed and has it in a line or two.
    same
        Whether answers must have the same bits; else they agree to 2e-5 of the greatest.
    """

    name: str
    nbytes: int
    streams: bool
    call: Callable[[str], object]
    peer: Callable[[], object] | None = None
    same: bool = False


def operations(tokens: int) -> Iterator[Operation]:
    """Yield the operations on one sequence of bfloat16, whose keys have channels apart from zero."""
    random = np.random.default_rng(0)
    rows = random.standard_normal((1, HEADS, tokens, DIM), dtype=np.float32)
    rows[..., [3, 70]] += 8.0
    keys, values = bf16_bits(rows), bf16_bits(rows[:, :, ::-1])
    queries = bf16_bits(random.standard_normal((1, HEADS * GROUP, WINDOW, DIM), dtype=np.float32))
    peers = _peers(keys)
    size = keys.nbytes

    def layer(backend: str, **parts: np.ndarray) -> Layer:
        return Layer(keys, backend=backend, threads=1, **parts)

    def op(
        name: str, nbytes: int, streams: bool, call: Callable[[str], object], same: bool = False
    ) -> Operation:
        return Operation(name, nbytes, streams, call, peers.get(name), same)

    yield op("key_norm", size, True, lambda by: scores.key_norm(layer(by)))
    yield op("key_diff (two passes)", 2 * size, True, lambda by: scores.key_diff(layer(by)))
    weights = random.random((1, HEADS, tokens), dtype=np.float32)
    yield op(
        "value_weighted", 2 * size, True,
        lambda by: scores.value_weighted(layer(by, values=values), scores=weights),
    )  # fmt: skip
    yield op("cur", 4 * size, True, lambda by: scores.cur(layer(by, values=values)))
    yield op(
        "lag_relative (two passes)", 4 * size, True, lambda by: scores.lag_relative(layer(by, values=values))
    )
    yield op("last_query", size, False, lambda by: scores.last_query(layer(by, queries=queries)))
    yield op(
        f"window_attention, {WINDOW} x {GROUP} queries", size, False,
        lambda by: scores.window_attention(layer(by, queries=queries)),
    )  # fmt: skip
    yield op(
        "select a quarter",
        weights.nbytes,
        False,
        lambda by: select(weights, tokens // 4, backend=by, threads=1),
        True,
    )
    kept = select(weights, tokens // 4)
    moved = size  # A quarter of keys and values, read and written.
    yield op(
        "compact a quarter", moved, True, lambda by: compact(keys, values, kept, backend=by, threads=1), True
    )
    for kind, role in _KINDS:
        made = quantize(keys, kind, role=role)
        yield op(
            f"quantize {kind}, {role}", size + made.nbytes, True,
            lambda by, kind=kind, role=role: quantize(keys, kind, role=role, backend=by, threads=1), True,
        )  # fmt: skip
    for kind, role in (
        ("int8", "keys"),
        ("int4", "keys"),
        ("int4", "values"),
        ("rot4", "keys"),
        ("rot1", "keys"),
    ):
        made = quantize(keys, kind, role=role)
        yield op(
            f"dequantize {kind}, {role}", made.nbytes + rows.nbytes, True,
            lambda by, made=made: made.dequantize(backend=by, threads=1), True,
        )  # fmt: skip
    newest = queries[:, :, -1:]
    shares = random.random((1, HEADS * GROUP, 1, tokens), dtype=np.float32)
    for kind, role in (("int4", "keys"), ("rot2", "keys")):
        made = quantize(keys, kind, role=role)
        yield op(
            f"q k, {kind}, 1 x {GROUP} queries", made.nbytes, False,
            lambda by, made=made: qk_logits(newest, made, backend=by, threads=1),
        )  # fmt: skip
    made = quantize(values, "int4", role="values")
    yield op("p v, int4", made.nbytes, False, lambda by, made=made: pv(shares, made, backend=by, threads=1))
    states = np.ones((1, HEADS, tokens), dtype=np.uint8)
    for kinds in (("int4", "int4"), ("rot1", "int2"), ("plain", "plain")):
        cache = MixedCache(keys, values, states, {1: kinds})
        yield op(
            f"decode_attention, {'/'.join(kinds)}", cache.nbytes, False,
            lambda by, cache=cache: decode_attention(newest, cache, backend=by, threads=1).output,
        )  # fmt: skip


def _peers(keys: np.ndarray) -> dict[str, Callable[[], object]]:
    try:
        import torch
    except ImportError:
        return {}
    torch.set_num_threads(1)
    given = torch.from_numpy(keys.view(np.int16)).view(torch.bfloat16)
    kept = torch.arange(0, given.shape[2], 4)

    def asymmetric(bits: int, axis: int, group: int) -> object:
        whole = given.float()
        if axis == 2:
            whole = whole.transpose(2, 3)
        parts = whole.reshape(*whole.shape[:3], -1, group)
        low, high = parts.amin(-1, keepdim=True), parts.amax(-1, keepdim=True)
        scale = (high - low) / (2**bits - 1)
        # Codes a byte each: packing them is not in these times.
        return ((parts - low) / scale).round_().clamp_(0, 2**bits - 1).to(torch.uint8)

    def float8() -> object:
        scale = given.abs().amax(-1, keepdim=True).float() / 448
        return (given / scale).to(torch.float8_e4m3fn)

    def key_diff() -> object:
        directions = torch.nn.functional.normalize(given.float(), dim=-1)
        return -torch.nn.functional.cosine_similarity(directions, directions.mean(2, keepdim=True), dim=-1)

    return {
        "key_norm": lambda: -given.norm(dim=-1),
        "key_diff (two passes)": key_diff,
        "compact a quarter": lambda: (given.index_select(2, kept), given.index_select(2, kept)),
        "quantize fp8, keys": float8,
        "quantize int8, keys": lambda: asymmetric(8, 3, DIM),
        "quantize int4, keys": lambda: asymmetric(4, 2, 32),
        "quantize int4, values": lambda: asymmetric(4, 3, 32),
        "quantize int2, keys": lambda: asymmetric(2, 2, 32),
        "quantize int2, values": lambda: asymmetric(2, 3, 32),
    }


def parts_of(answer: object) -> list[np.ndarray]:
    """Return the arrays of an answer."""
    if isinstance(answer, Quantized):
        return list(answer.parts.values())
    if isinstance(answer, np.ndarray):
        return [answer]
    names = ("indices", "cu_len", "keys", "values")
    return [np.asarray(getattr(answer, name)) for name in names if hasattr(answer, name)]
