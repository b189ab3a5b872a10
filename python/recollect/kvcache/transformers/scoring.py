"""Scores by name, and what a score is: a function of a layer, or a state that is kept up with every step."""

from collections.abc import Callable
from functools import partial
from typing import Protocol, runtime_checkable

import torch

from recollect.checks import one_of
from recollect.errors import WrongType
from recollect.kvcache import scores as methods
from recollect.kvcache.arrays import Foreign
from recollect.kvcache.layer import Layer
from recollect.kvcache.selection import Kept

__all__ = ["NAMES", "Score", "Scorer", "Stateful", "queries_of", "scorer_of"]

Score = str | Callable[..., Foreign]
"""A name out of :data:`NAMES`, a function of a :class:`Layer`, or a class of :class:`Stateful` ones."""

_WINDOWED = ("window_attention", "last_query", "output_perturbation")
NAMES = (
    "streaming",
    "key_norm",
    "key_diff",
    "lag_relative",
    "leverage",
    "cur",
    "random_order",
    "heavy_hitter",
    *_WINDOWED,
)
"""Scores that need no more than a layer has; others come as functions."""


@runtime_checkable
class Stateful(Protocol):
    """A score that remembers, such as :class:`recollect.kvcache.scores.HeavyHitters`.

    Every head is a sequence of its own there.
    """

    @property
    def nbytes(self) -> int:
        """Bytes held."""

    def observe(self, layer: Layer) -> None:
        """Look at all tokens, with the queries of the new ones."""

    def scores(self, layer: Layer) -> Foreign:
        """Return the scores of the tokens."""

    def keep(self, kept: Kept) -> None:
        """Forget the other tokens."""

    def take(self, sequences: Foreign) -> None:
        """Keep some sequences."""


class Scorer:
    """A score in use by one layer of a cache."""

    def __init__(self, score: Score) -> None:
        if isinstance(score, str):
            name = one_of(score, NAMES, "score")
            score = methods.HeavyHitters if name == "heavy_hitter" else _function(name)
        target = score.func if isinstance(score, partial) else score
        if not callable(score):
            raise WrongType(f"score: expected a name or a function, found {type(score).__name__}")
        self.state: Stateful | None = score() if isinstance(target, type) else None
        self._function: Callable[..., Foreign] = score

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return 0 if self.state is None else self.state.nbytes

    def observe(self, layer: Layer) -> None:
        """Show a stateful score the tokens of a step."""
        if self.state is not None:
            self.state.observe(layer)

    def scores(self, layer: Layer) -> Foreign:
        """Return the scores of the tokens."""
        return self._function(layer) if self.state is None else self.state.scores(layer)

    def keep(self, kept: Kept) -> None:
        """Tell a stateful score what stays."""
        if self.state is not None:
            shape = (kept.shape[0] * kept.shape[1], 1, kept.shape[2])
            self.state.keep(Kept(kept.indices, kept.cu_len, kept.positions, shape))

    def take(self, sequences: torch.Tensor, heads: int) -> None:
        """Keep some sequences, of so many heads each."""
        if self.state is not None:
            self.state.take((sequences[:, None] * heads + torch.arange(heads)).reshape(-1))


def _function(name: str) -> Callable[..., Foreign]:
    found: Callable[..., Foreign] = getattr(methods, name)
    return found


def scorer_of(score: Score) -> Scorer:
    """Return a score that is ready for use."""
    return Scorer(score)


def queries_of(score: Score) -> int:
    """Return the queries that a score is given unless the caller says how many."""
    if not isinstance(score, str):
        return 64
    return 64 if score in _WINDOWED else 0
