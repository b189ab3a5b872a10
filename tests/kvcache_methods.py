"""Every method that scores a cache, called in one way: the list that the tests of all methods share."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np

from recollect.kvcache import BACKENDS, Layer, scores

_backend = BACKENDS[0]


@contextmanager
def computed_by(backend: str) -> Iterator[None]:
    """Have the layers of :class:`Tensors` scored by a backend."""
    global _backend
    before, _backend = _backend, backend
    yield
    _backend = before


@dataclass(frozen=True)
class Tensors:
    """A layer and all else that some method asks for; every array has the batch in front."""

    keys: np.ndarray
    values: np.ndarray
    queries: np.ndarray
    replay: np.ndarray
    log_probability: np.ndarray
    mask: np.ndarray | None = None

    def layer(self) -> Layer:
        parts = self.keys, self.values, self.queries
        if _backend == "rust":
            # Numbers are those of float32 whatever their type, so nothing is lost; float64 is left to NumPy.
            parts = tuple(one.astype(np.float32) if one.dtype == np.float64 else one for one in parts)
        return Layer(*parts, mask=self.mask, backend=_backend)

    def sequence(self, at: int) -> "Tensors":
        return self.each(lambda part: part[at : at + 1])

    def each(self, change: Callable[[np.ndarray], np.ndarray]) -> "Tensors":
        parts = {name: part for name, part in vars(self).items() if part is not None}
        return replace(self, **{name: change(part) for name, part in parts.items()})

    def in_type(self, dtype: type) -> "Tensors":
        kept = ("log_probability", "mask")
        parts = {name: part.astype(dtype) for name, part in vars(self).items() if name not in kept}
        return replace(self, **parts)


def tensors(
    batch: int = 2, heads: int = 2, group: int = 3, tokens: int = 40, dim: int = 16, seed: int = 0
) -> Tensors:
    random = np.random.default_rng(seed)
    shape = (batch, heads, tokens, dim)

    def normal(*shape: int) -> np.ndarray:
        return random.standard_normal(shape).astype(np.float32).astype(np.float64)

    return Tensors(
        keys=normal(*shape),
        values=normal(*shape[:3], dim + 2),
        queries=normal(batch, heads * group, tokens, dim),
        replay=normal(batch, heads * group, 7, dim),
        log_probability=-random.exponential(size=(batch, tokens)),
    )


def expected(given: Tensors) -> np.ndarray:
    statistics = scores.QueryStats(skip=2)
    lengths = None if given.mask is None else given.mask.sum(1)
    queries = given.queries
    if given.mask is not None:  # Statistics know padding on the right alone.
        order = np.argsort(~given.mask, axis=1, kind="stable")
        queries = np.take_along_axis(queries, order[:, None, :, None], 2)
    statistics.observe(queries, lengths=lengths)
    dim = given.keys.shape[3]
    frequencies = 1e4 ** -(np.arange(dim // 2) / (dim // 2))
    return scores.expected_attention(given.layer(), statistics=statistics, inv_freq=frequencies, n_sink=2)


def weighted(given: Tensors) -> np.ndarray:
    base = scores.heavy_hitter(given.layer())
    return scores.value_weighted(given.layer(), scores=base)


def filtered(given: Tensors) -> np.ndarray:
    filters = np.random.default_rng(5).standard_normal((given.keys.shape[1], given.keys.shape[3]))
    return scores.q_filter(given.layer(), filters=filters)


METHODS: dict[str, Callable[[Tensors], np.ndarray]] = {
    "streaming": lambda given: scores.streaming(given.layer(), n_sink=2),
    "key_norm": lambda given: scores.key_norm(given.layer()),
    "key_diff": lambda given: scores.key_diff(given.layer()),
    "window_attention": lambda given: scores.window_attention(given.layer(), window=6),
    "last_query": lambda given: scores.last_query(given.layer()),
    "heavy_hitter": lambda given: scores.heavy_hitter(given.layer()),
    "heavy_hitter, exposure": lambda given: scores.heavy_hitter(given.layer(), norm="exposure", decay=0.9),
    "expected_attention": expected,
    "lag_relative": lambda given: scores.lag_relative(given.layer(), n_sink=2, lag=8),
    "leverage": lambda given: scores.leverage(given.layer()),
    "leverage, exact": lambda given: scores.leverage(given.layer(), sketch=None),
    "chunk_attention": lambda given: scores.chunk_attention(given.layer(), chunk=8),
    "cur": lambda given: scores.cur(given.layer(), window=4, n_sink=2),
    "q_filter": filtered,
    "surprise": lambda given: scores.surprise(given.layer(), log_probability=given.log_probability, n_sink=2),
    "output_perturbation": lambda given: scores.output_perturbation(given.layer(), window=6),
    "value_weighted": weighted,
    "reconstruction": lambda given: scores.reconstruction(given.layer(), replay=given.replay),
    "random_order": lambda given: scores.random_order(given.layer(), seed=3),
    "combined": lambda given: scores.combined(
        given.layer(), scores=[scores.key_norm(given.layer()), scores.key_diff(given.layer())], norm="z"
    ),
}
"""All but ``page_bound``, whose pages are places in memory: padding on the left moves them."""

EVERY_METHOD = METHODS | {"page_bound": lambda given: scores.page_bound(given.layer(), page=8)}
