"""How each method scores the cache of a context, by name."""

from collections.abc import Callable
from functools import cached_property

import numpy as np
import numpy.typing as npt

from benches.kv_quality.questions import Questions
from benches.kv_quality.recall_model import (
    FIRST_VALUE,
    INV_FREQ,
    VALUES,
    VOCABULARY,
    LayerStates,
    RecallModel,
)
from recollect.kvcache import Layer, bf16_bits, scores

Scores = npt.NDArray[np.float32]


class Read:
    """A context that was read, and what methods may know of it, computed when it is first asked for.

    Parameters
    ----------
    model
        What reads.
    given
        The context and the questions.
    other
        Another context, for methods that are calibrated.
    """

    def __init__(self, model: RecallModel, given: Questions, other: Questions) -> None:
        self._model, self._given, self._other = model, given, other
        self.states, self._residual = model.prefill(given.contexts)
        self._scores: dict[tuple[str, int], Scores] = {}

    @cached_property
    def asked(self) -> list[LayerStates]:
        """Both layers with all questions behind the context: for methods that know them."""
        return self._model.prefill(np.concatenate([self._given.contexts, self._given.asked], 1))[0]

    @cached_property
    def repeated(self) -> list[LayerStates]:
        """Both layers with the context said twice."""
        return self._model.prefill(np.concatenate([self._given.contexts, self._given.contexts], 1))[0]

    @cached_property
    def before(self) -> list[LayerStates]:
        """Both layers for the other context."""
        return self._model.prefill(self._other.contexts)[0]

    @cached_property
    def log_probability(self) -> npt.NDArray[np.float64]:
        """Of each token given those before it, by the model's own logits, ``[batch, tokens]``."""
        tokens = self._given.contexts
        logits = np.zeros((*tokens.shape, VOCABULARY))
        logits[..., FIRST_VALUE : FIRST_VALUE + VALUES] = self._model.logits(self._residual)
        top = logits.max(-1, keepdims=True)
        logs = logits - top - np.log(np.exp(logits - top).sum(-1, keepdims=True))
        told = np.take_along_axis(logs[:, :-1], tokens[:, 1:, None], -1)[..., 0]
        return np.concatenate([np.zeros((len(tokens), 1)), told], 1)

    @property
    def tokens(self) -> int:
        """Tokens of the context."""
        return int(self.states[0].keys.shape[2])

    def cached(self, layer: int) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.uint16]]:
        """Return keys and values of a layer as the cache has them, in bfloat16."""
        return bf16_bits(self.states[layer].keys), bf16_bits(self.states[layer].values)

    def scores(self, method: str, layer: int) -> Scores:
        """Return the scores of a layer by a method of :data:`METHODS`; computed once."""
        if (method, layer) not in self._scores:
            self._scores[method, layer] = METHODS[method](self, layer)
        return self._scores[method, layer]

    def layer(self, layer: int) -> Layer:
        """Return a layer as methods see it."""
        keys, values = self.cached(layer)
        return Layer(keys, values, self.states[layer].queries)


def _expected(context: Read, at: int) -> Scores:
    statistics = scores.QueryStats()
    statistics.observe(context.states[at].queries_before)
    return scores.expected_attention(
        context.layer(at), statistics=statistics, inv_freq=INV_FREQ, epsilon=0.02
    )


def _asked(context: Read, at: int, kernel: int) -> Scores:
    states = context.asked[at]
    window = states.keys.shape[2] - context.tokens
    whole = Layer(bf16_bits(states.keys), queries=states.queries)
    return scores.window_attention(whole, window=window, kernel=kernel)[..., : context.tokens]


def _perturbed(context: Read, at: int) -> Scores:
    return scores.output_perturbation(context.layer(at), window=64)


def _replayed(context: Read, at: int) -> Scores:
    queries = context.repeated[at].queries[:, :, context.tokens :]
    return scores.reconstruction(context.layer(at), replay=queries)


def _filtered(context: Read, at: int) -> Scores:
    earlier = context.before[at]
    filters = scores.calibrated_filters(Layer(earlier.keys, queries=earlier.queries))
    return scores.q_filter(context.layer(at), filters=filters)


def _weighted(context: Read, at: int) -> Scores:
    base = scores.heavy_hitter(context.layer(at), norm="exposure")
    return scores.value_weighted(context.layer(at), scores=base)


METHODS: dict[str, Callable[[Read, int], Scores]] = {
    "random_order": lambda context, at: scores.random_order(context.layer(at)),
    "streaming": lambda context, at: scores.streaming(context.layer(at)),
    "key_norm": lambda context, at: scores.key_norm(context.layer(at)),
    "key_diff": lambda context, at: scores.key_diff(context.layer(at)),
    "lag_relative": lambda context, at: scores.lag_relative(context.layer(at), lag=32),
    "leverage": lambda context, at: scores.leverage(
        context.layer(at), before_rope=context.states[at].keys_before, sketch=None
    ),
    "cur": lambda context, at: scores.cur(context.layer(at)),
    "q_filter": _filtered,
    "surprise": lambda context, at: scores.surprise(
        context.layer(at), log_probability=context.log_probability
    ),
    "window_attention": lambda context, at: scores.window_attention(context.layer(at)),
    "last_query": lambda context, at: scores.last_query(context.layer(at)),
    "heavy_hitter": lambda context, at: scores.heavy_hitter(context.layer(at), norm="exposure"),
    "expected_attention": _expected,
    "chunk_attention": lambda context, at: scores.chunk_attention(context.layer(at)),
    "output_perturbation": _perturbed,
    "value_weighted": _weighted,
    "page_bound": lambda context, at: scores.page_bound(context.layer(at)),
    "reconstruction": _replayed,
    "window_attention, asked": lambda context, at: _asked(context, at, 1),
}
"""Every method; what comes after a comma in a name says what it knows beyond the context."""
