"""Ways to spend bytes: which tokens stay, and in how many bits."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from benches.kv_quality.methods import Read
from benches.kv_quality.recall_model import DIM, HEADS
from benches.kv_quality.trial import N_RECENT, N_SINK, full_bytes, protected
from recollect.kvcache import MixedCache, budgets, select

Caches = list[MixedCache]
Kinds = tuple[str, str]

KINDS: tuple[Kinds, ...] = (
    ("plain", "plain"),
    ("int4", "int4"),
    ("int2", "int2"),
    ("rot2", "int2"),
    ("rot1", "int2"),
    ("rot1", "rot1"),
)
"""Quantizers of keys and values that are compared at equal bytes."""

FULL: tuple[Kinds, ...] = (
    ("plain", "plain"),
    ("fp8", "fp8"),
    ("int8", "int8"),
    ("int4", "int4"),
    ("int2", "int2"),
    ("rot4", "int4"),
    ("rot3", "int4"),
    ("rot2", "int2"),
    ("rot1", "int2"),
    ("rot4", "rot4"),
    ("rot2", "rot2"),
    ("rot1", "rot1"),
)
"""Quantizers that keep every token."""

STATES = {1: ("rot1", "int2"), 2: ("rot2", "int2"), 4: ("rot4", "int4"), 16: ("plain", "plain")}
THREE = {8: ("fp8", "fp8"), 16: ("plain", "plain")}


def largest(most: int, tokens: int, make: Callable[[int], Caches]) -> Caches:
    """Return the caches of the most tokens of a head that hold no more than so many bytes.

    Parameters
    ----------
    most
        Bytes of both layers.
    tokens
        The most tokens of a head.
    make
        Makes caches from tokens of a head on average.
    """
    low, high, best, size = 1, tokens + 1, make(1), 1.0
    size = _bytes(best)
    guess = int(low * most / max(size, 1))
    while high - low > 1:
        middle = min(max(guess, low + 1), high - 1)
        made = make(middle)
        size = _bytes(made)
        guess = int(middle * most / size)
        if size <= most:
            low, best = middle, made
        else:
            high = middle
    return best


def evicted(
    context: Read, method: str, kinds: Kinds, share: float, *, adaptive: bool = True, ends: bool = False
) -> Caches:
    """Return caches that keep the best tokens by a method, all in the same bits.

    With `adaptive` the heads of a layer share its budget by their scores; else all have the same. With `ends`
    the first and the newest token stay in 16 bits.
    """
    scores = [protected(context.scores(method, at)) for at in range(2)]

    def make(tokens: int) -> Caches:
        limits = [budgets.adaptive(one, tokens) if adaptive else tokens for one in scores]
        return _kept(context, scores, limits, kinds, ends)

    return largest(_most(context, share), context.tokens, make)


def pyramid(context: Read, method: str, kinds: Kinds, share: float) -> Caches:
    """Return caches with more tokens in the first layer."""
    scores = [protected(context.scores(method, at)) for at in range(2)]

    def make(tokens: int) -> Caches:
        line = budgets.pyramid(tokens, 2, tokens=context.tokens)
        return _kept(context, scores, [int(line[0]), int(line[1])], kinds)

    return largest(_most(context, share), context.tokens, make)


def three_states(context: Read, share: float) -> Caches:
    """Return caches in the three states of ARKV."""
    layers = [context.layer(at) for at in range(2)]

    def make(tokens: int) -> Caches:
        tables = budgets.arkv(layers, max(tokens, N_RECENT), budgets.Arkv(window=N_RECENT))
        return [MixedCache(*context.cached(at), tables[at], THREE) for at in range(2)]

    return largest(_most(context, share), context.tokens, make)


def by_distortion(context: Read, method: str, share: float) -> Caches:
    """Return caches whose tokens have the bits that the least distortion at these bytes gives them."""
    costs = budgets.costs_of(STATES, DIM)
    weights = [_weights(context.scores(method, at)) for at in range(2)]

    def make(tokens: int) -> Caches:
        # So many tokens of a head in the fewest bits, as bytes.
        nbytes = int(tokens * costs[1][0] * HEADS * len(weights[0]))
        tables = [budgets.rate_distortion(one, nbytes, costs) for one in weights]
        return [MixedCache(*context.cached(at), tables[at], STATES) for at in range(2)]

    return largest(_most(context, share), 16 * context.tokens, make)


def whole(context: Read, kinds: Kinds) -> Caches:
    """Return caches that keep every token."""
    states = np.ones((len(context.states[0].keys), HEADS, context.tokens), dtype=np.uint8)
    return [MixedCache(*context.cached(at), states, {1: kinds}) for at in range(2)]


def _weights(scores: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    weights = np.where(np.isfinite(scores), scores, scores.max(where=np.isfinite(scores), initial=0))
    if scores.min() < 0:
        # Scores of either sign are no weights: they count by their rank in the head.
        ranks = scores.argsort(-1, kind="stable").argsort(-1, kind="stable") / scores.shape[-1]
        weights = (ranks**4).astype(np.float32)
    ends = np.isinf(protected(scores))
    # What stays in any case counts as the best of its head, and gets no more bits than that.
    return np.where(ends, weights.max(-1, keepdims=True), weights)


def _kept(context: Read, scores: list, limits: list, kinds: Kinds, ends: bool = False) -> Caches:
    caches = []
    for at, (one, limit) in enumerate(zip(scores, limits, strict=True)):
        states = select(one, limit, n_sink=N_SINK, n_recent=N_RECENT).mask().astype(np.uint8)
        if ends:
            states[..., [0, -1]] *= 16
        caches.append(MixedCache(*context.cached(at), states, {1: kinds, 16: ("plain", "plain")}))
    return caches


def _most(context: Read, share: float) -> int:
    return int(2 * share * full_bytes(context))


def _bytes(caches: Caches) -> int:
    return sum(cache.nbytes for cache in caches)
