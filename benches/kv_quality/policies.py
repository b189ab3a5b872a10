"""Ways to spend bytes: which tokens stay, and in how many bits."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from benches.kv_quality.methods import METHODS, Read
from benches.kv_quality.recall_model import DIM, HEADS
from benches.kv_quality.trial import N_RECENT, N_SINK, full_bytes, protected
from recollect.kvcache import Kept, MixedCache, budgets, select

Budget = npt.ArrayLike
KINDS = (("plain", "plain"), ("int4", "int4"), ("int2", "int2"), ("rot2", "int2"), ("rot1", "int2"))
"""Quantizers of keys and values that are compared at equal bytes."""
FULL = (
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


def within(context: Read, share: float, make: Callable[[int], MixedCache]) -> MixedCache:
    """Return the largest cache, by the tokens of a head on average, that takes no more than a share of the bytes."""
    most = int(share * full_bytes(context))
    low, high = 1, context.tokens + 1
    best = make(low)
    while high - low > 1:
        middle = (low + high) // 2
        made = make(middle)
        if made.nbytes <= most:
            low, best = middle, made
        else:
            high = middle
    return best


def evicted(
    context: Read, method: str, kinds: tuple[str, str], share: float, *, adaptive: bool = True
) -> list[MixedCache]:
    """Return caches that keep the best tokens by a method, all in the same bits."""
    caches = []
    for at in range(2):
        scores = protected(METHODS[method](context, at))
        keys, values = context.cached(at)

        def make(
            tokens: int, scores: npt.NDArray[np.float32] = scores, rows: tuple = (keys, values)
        ) -> MixedCache:
            budget = budgets.adaptive(scores, tokens, floor=0.2) if adaptive else tokens
            return MixedCache(*rows, _kept(scores, budget), {1: kinds})

        caches.append(within(context, share, make))
    return caches


def _kept(scores: npt.NDArray[np.float32], budget: Budget) -> Kept:
    return select(scores, budget, n_sink=N_SINK, n_recent=N_RECENT)


def whole(context: Read, kinds: tuple[str, str]) -> list[MixedCache]:
    """Return caches that keep every token."""
    states = np.ones((len(context.states[0].keys), HEADS, context.tokens), dtype=np.uint8)
    return [MixedCache(*context.cached(at), states, {1: kinds}) for at in range(2)]


def pyramid(context: Read, method: str, kinds: tuple[str, str], share: float) -> list[MixedCache]:
    """Return caches with more tokens in the first layer, of which both together take no more than the share."""
    scores = [protected(METHODS[method](context, at)) for at in range(2)]
    most = int(2 * share * full_bytes(context))
    best, low, high = None, N_SINK + N_RECENT, context.tokens
    while low <= high:
        middle = (low + high) // 2
        line = budgets.pyramid(middle, 2, tokens=context.tokens, window=N_RECENT)
        made = [
            MixedCache(*context.cached(at), _kept(scores[at], int(line[at])), {1: kinds}) for at in range(2)
        ]
        if sum(cache.nbytes for cache in made) <= most:
            best, low = made, middle + 1
        else:
            high = middle - 1
    return best or made


def by_distortion(context: Read, method: str, share: float) -> list[MixedCache]:
    """Return caches whose tokens have the bits that the least distortion at these bytes gives them."""
    costs = budgets.costs_of(STATES, DIM)
    caches = []
    for at in range(2):
        scores = METHODS[method](context, at)
        ranks = np.argsort(np.argsort(scores, -1, kind="stable"), -1, kind="stable")
        weights = scores if scores.min() >= 0 else (ranks / context.tokens) ** 4
        weights = protected(np.asarray(weights, dtype=np.float32))
        target = int(share * full_bytes(context))
        asked = target
        while True:
            states = budgets.rate_distortion(weights, asked, costs)
            cache = MixedCache(*context.cached(at), states, STATES)
            if cache.nbytes <= target or asked <= 0:
                break
            asked -= max(cache.nbytes - target, 64)
        caches.append(cache)
    return caches


def three_states(context: Read, share: float) -> list[MixedCache]:
    """Return caches in the three states of ARKV."""
    layers = [context.layer(at) for at in range(2)]
    settings = budgets.Arkv(window=N_RECENT)
    most = int(2 * share * full_bytes(context))
    low, high, best = N_RECENT, context.tokens, None
    while low <= high:
        middle = (low + high) // 2
        tables = budgets.arkv(layers, middle, settings)
        made = [MixedCache(*context.cached(at), tables[at], THREE) for at in range(2)]
        if sum(cache.nbytes for cache in made) <= most:
            best, low = made, middle + 1
        else:
            high = middle - 1
    return best or made
