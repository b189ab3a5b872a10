"""Surprise of a token, fading from round to round (Yao and others, "SirLLM", 2024)."""

import numpy as np

from recollect.checks import count_of, unit
from recollect.errors import InvalidArgument
from recollect.kvcache.arrays import Array, Foreign, numbers, received
from recollect.kvcache.layer import Layer, Sequence

__all__ = ["surprise"]


def surprise(
    layer: Layer,
    *,
    log_probability: Foreign,
    rounds: Foreign | None = None,
    decay: float = 1.0,
    n_sink: int = 4,
) -> Foreign:
    """Score by how unexpected the token was, minus its log probability, the same for all heads.

    Parameters
    ----------
    layer
        Its tokens.
    log_probability
        Of each token given those before it, in nats, ``[batch, tokens]``; the first of a sequence may be NaN.
    rounds
        Rounds of the dialogue that ended since the token was read, ``[batch, tokens]``; by default none.
    decay
        What a round leaves of the surprise, 0 to 1: .7 for dialogue, 1 for facts.
    n_sink
        First tokens that stay.

    Returns
    -------
    array
        float32 ``[batch, heads, tokens]``, infinite for sinks.

    Raises
    ------
    InvalidArgument
        If an array has another shape, or a log probability is above zero.
    """
    batch, heads, tokens, _ = layer.shape
    logs: Array = numbers(received(log_probability, "log_probability", 2)).astype(np.float64)
    if logs.shape != (batch, tokens):
        raise InvalidArgument(f"log_probability: expected the shape {(batch, tokens)}, found {logs.shape}")
    if (logs[layer.present] > 1e-6).any():
        raise InvalidArgument(
            "log_probability: expected nothing above 0; these are no logarithms of probabilities"
        )
    ages = np.zeros((batch, tokens)) if rounds is None else np.asarray(rounds)
    if ages.shape != (batch, tokens):
        raise InvalidArgument(f"rounds: expected the shape {(batch, tokens)}, found {ages.shape}")
    decay, n_sink = unit(decay, "decay"), count_of(n_sink, "n_sink")

    if layer.has_kernels():
        faded = -logs * decay**ages
        return layer.by_kernels(
            lambda cached: cached.with_sinks(cached.spread(cached.brought(faded)), n_sink)
        )

    def score(one: Sequence) -> Array:
        found = -logs[one.index, one.tokens] * decay ** ages[one.index, one.tokens]
        return np.tile(np.where(one.places < n_sink, np.inf, found), (heads, 1))

    return layer.scored(score)
