"""Scores of a KV cache, what stays of it, and attention, beside PyTorch as one would write it first."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from benches.gpu.row import KV, GpuRow
from benches.gpu.timing import Call, milliseconds
from recollect.kvcache import Layer, PlainCache, decode_attention, scores, select

__all__ = ["GROUP", "Held", "Work", "measured", "once", "rows_of"]

GROUP, WINDOW, PAGE, LAG = 4, 64, 16, 128
_CHECKED = 2048


@dataclass(frozen=True)
class Held:
    """Keys and values ``[batch, heads, tokens, d]``, and the queries of the last tokens, bfloat16."""

    keys: Any
    values: Any
    queries: Any

    def part(self) -> "Held":
        """Return little enough of it for a CPU, and there, in float32."""
        heads = slice(0, 2)
        return Held(
            self.keys[:1, heads, -_CHECKED:].float().cpu(),
            self.values[:1, heads, -_CHECKED:].float().cpu(),
            self.queries[:1, : 2 * GROUP].float().cpu(),
        )


_ONCE: dict[tuple[Any, ...], tuple[Any, Any]] = {}


def once(held: Held, name: tuple[str, ...], make: Callable[[], Any]) -> Any:
    """Return what is made once for each set, which is kept with it."""
    key = (id(held.keys), *name)
    if key not in _ONCE:
        _ONCE[key] = held.keys, make()
    return _ONCE[key][1]


@dataclass(frozen=True)
class Work:
    """One call, the same by PyTorch if there is a line for it, and bytes it has to move for an element.

    `compiled` is that line after ``torch.compile``.
    """

    ours: Callable[[Held], Any]
    theirs: Callable[[Held], Any] | None = None
    bytes_each: float | None = None
    remark: str | None = None
    compiled: Callable[[Held], Any] | None = None


def rows_of(batch: int, heads: int, tokens: int, rounds: int, dim: int = 128) -> Iterator[GpuRow]:
    """Yield rows for every call; agreement is the share of numbers that a CPU gives, to 1e-4."""
    yield from measured(_works(), batch, heads, tokens, rounds, dim)


def measured(
    works: Mapping[str, Work], batch: int, heads: int, tokens: int, rounds: int, dim: int
) -> Iterator[GpuRow]:
    """Yield rows of works on a cache of such a shape."""
    torch.manual_seed(0)
    sets = [_made(batch, heads, tokens, dim) for _ in range(2)]
    for name, work in works.items():
        calls: dict[str, Call] = {"recollect": partial(_called, work.ours, sets)}
        if work.theirs is not None:
            calls["torch"] = partial(_called, work.theirs, sets)
        if work.compiled is not None:
            calls["torch.compile"] = partial(_called, work.compiled, sets)
        elements = batch * heads * tokens * dim
        queued = milliseconds(calls, rounds, queued=True)
        for engine, took in milliseconds(calls, rounds).items():
            moved = None if work.bytes_each is None else 1e-6 * work.bytes_each * elements / queued[engine]
            yield GpuRow(
                work=f"{KV}{name}", engine=engine, form="bf16", n=batch * heads * tokens, dim=dim,
                ms=took, queued_ms=queued[engine], gb_per_s=moved,
                agreement=_agreement(work.ours, sets[0]) if engine == "recollect" else None,
                remark=work.remark,
            )  # fmt: skip
        torch.cuda.empty_cache()


def _made(batch: int, heads: int, tokens: int, dim: int) -> Held:
    def some(*shape: int) -> Any:
        return torch.randn(*shape, dim, device="cuda", dtype=torch.bfloat16)

    return Held(some(batch, heads, tokens), some(batch, heads, tokens), some(batch, heads * GROUP, WINDOW))


def _called(call: Callable[[Held], Any], sets: list[Held], at: int) -> object:
    found: object = call(sets[at % 2])
    return found


def _agreement(call: Callable[[Held], Any], held: Held) -> float:
    small = held.part()
    there = Held(*(part.bfloat16().cuda() for part in (small.keys, small.values, small.queries)))
    found = np.asarray(torch.as_tensor(call(there)).float().cpu())
    wanted = np.asarray(torch.as_tensor(call(small)).float())
    same = np.isclose(found, wanted, rtol=0, atol=1e-4 * float(np.abs(wanted[np.isfinite(wanted)]).max()))
    return float(same.mean())


def _works() -> Mapping[str, Work]:
    rope = torch.from_numpy(1e4 ** -(np.arange(64) / 64))
    statistics: dict[int, scores.QueryStats] = {}

    def expected(held: Held) -> Any:
        known = statistics.setdefault(held.keys.shape[0] * held.keys.shape[1], scores.QueryStats(skip=0))
        if known.query_heads == 0:
            known.observe(held.queries)
        layer = Layer(held.keys, held.values)
        return scores.expected_attention(layer, statistics=known, inv_freq=rope)

    def filters(held: Held) -> Any:
        return torch.ones(held.keys.shape[1], held.keys.shape[3], device=held.keys.device)

    return {
        "key_norm": Work(
            lambda held: scores.key_norm(Layer(held.keys)), lambda held: -held.keys.norm(dim=-1), 2.03
        ),
        "q_filter": Work(
            lambda held: scores.q_filter(Layer(held.keys), filters=filters(held)),
            lambda held: -(held.keys @ filters(held).to(held.keys.dtype)[:, :, None])[..., 0],
            2.03,
        ),
        "key_diff": Work(lambda held: scores.key_diff(Layer(held.keys)), _key_diff, 4.03, "two passes"),
        "page_bounds": Work(
            lambda held: scores.page_bounds(Layer(held.keys), page=PAGE).high, _page_bounds, 2.5
        ),
        "cur": Work(lambda held: scores.cur(Layer(held.keys, held.values)), _cur, 4.06),
        "lag_relative": Work(
            lambda held: scores.lag_relative(Layer(held.keys, held.values)), _lag_relative, 8.06, "two passes"
        ),
        "last_query": Work(
            lambda held: scores.last_query(Layer(held.keys, queries=held.queries[:, :, -1:])),
            _last_query,
            2.1,
        ),
        "window_attention": Work(
            lambda held: scores.window_attention(Layer(held.keys, queries=held.queries), window=WINDOW),
            _window_attention,
            None,
            f"{WINDOW} x {GROUP} queries",
        ),
        "expected_attention": Work(expected),
        "select a quarter": Work(
            lambda held: select(_given(held), held.keys.shape[2] // 4, n_sink=0).there[0],
            lambda held: torch.topk(_given(held), held.keys.shape[2] // 4, dim=2).indices,
            None,
            "ascending; torch.topk in the order of scores",
        ),
        "decode attention": Work(
            lambda held: decode_attention(held.queries[:, :, -1:], PlainCache(held.keys, held.values)).output,
            lambda held: F.scaled_dot_product_attention(
                held.queries[:, :, -1:], held.keys, held.values, enable_gqa=True
            ),
            4.0,
        ),
    }


def _given(held: Held) -> Any:
    # Numbers that are there already: those of one channel.
    return once(held, ("scores",), lambda: held.keys[..., 0].float())


def _key_diff(held: Held) -> Any:
    directions = F.normalize(held.keys, dim=-1)
    return -F.cosine_similarity(held.keys, directions.mean(2, keepdim=True), dim=-1)


def _page_bounds(held: Held) -> Any:
    pages = held.keys.unflatten(2, (-1, PAGE))
    return pages.amin(3), pages.amax(3)


def _cur(held: Held) -> Any:
    found: Any = 1.0
    for part in (held.keys, held.values):
        squares = part.float().square().sum(-1).unflatten(2, (-1, 16))
        found = found * (squares / squares.sum(-1, keepdim=True)).flatten(2)
    return found / found.sum(-1, keepdim=True)


def _lag_relative(held: Held) -> Any:
    found: Any = 0.0
    for part in (held.keys, held.values):
        free = part[:, :, 4:]
        whole = free[:, :, : free.shape[2] // LAG * LAG].unflatten(2, (-1, LAG)).float()
        low, high = whole.amin(3, keepdim=True), whole.amax(3, keepdim=True)
        scaled = (whole[:, :, :-1] - low[:, :, 1:]) / (high - low)[:, :, 1:]
        found = found + scaled.std(-1).softmax(-1) / 2
    return found.argsort(-1).argsort(-1) / LAG


def _last_query(held: Held) -> Any:
    queries = held.queries[:, :, -1:].unflatten(1, (-1, GROUP))[:, :, :, 0]
    logits = queries @ held.keys.transpose(2, 3) / held.keys.shape[3] ** 0.5
    return logits.float().softmax(-1).mean((1, 2))


def _window_attention(held: Held) -> Any:
    batch, heads, tokens, dim = held.keys.shape
    queries = held.queries.unflatten(1, (heads, GROUP)).flatten(2, 3)
    logits = (queries @ held.keys.transpose(2, 3) / dim**0.5).unflatten(2, (GROUP, WINDOW))
    ahead = torch.ones(WINDOW, WINDOW, device=logits.device, dtype=torch.bool).triu(1)
    logits[..., -WINDOW:].masked_fill_(ahead, -torch.inf)
    paid = logits.float().softmax(-1)[..., :-WINDOW].mean((2, 3))
    return F.avg_pool1d(paid.reshape(batch * heads, 1, tokens - WINDOW), 5, stride=1, padding=2)
