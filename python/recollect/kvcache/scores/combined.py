"""Several scores as one."""

from collections.abc import Sequence as Many

import numpy as np

from recollect.checks import one_of
from recollect.errors import InvalidArgument
from recollect.kvcache.arrays import Array, Foreign, numbers, received
from recollect.kvcache.layer import Layer, Sequence
from recollect.kvcache.pooling import standardised

__all__ = ["combined"]

_NORMS = ("rank", "z")


def combined(
    layer: Layer, *, scores: Many[Foreign], weights: Many[float] | None = None, norm: str = "rank"
) -> Foreign:
    """Score by the weighted sum of scores that were brought to one scale within a head.

    Compactor (2025) is :func:`leverage` with the share that is to go as its weight, and
    :func:`chunk_attention` with weight 1, by ``"z"``, selected with 8 sinks and the newest 4.

    Parameters
    ----------
    layer
        Whose scores they are.
    scores
        Of other methods, ``[batch, heads, tokens]`` each. What is infinite in one stays so.
    weights
        One for each; by default all count the same.
    norm
        ``"rank"`` for the place among the tokens of the head, 0 to 1; ``"z"`` for mean 0 and deviation 1.

    Returns
    -------
    array
        float32 ``[batch, heads, tokens]``.

    Raises
    ------
    InvalidArgument
        If there are none, or shapes and weights do not belong together.
    """
    given = [numbers(received(one, f"scores[{at}]", 3)).astype(np.float64) for at, one in enumerate(scores)]
    parts = [1.0] * len(given) if weights is None else [float(weight) for weight in weights]
    norm = one_of(norm, _NORMS, "norm")
    if not given or len(parts) != len(given):
        raise InvalidArgument(f"weights: {len(parts)} for {len(given)} scores; one at least is needed")
    for at, one in enumerate(given):
        if one.shape != layer.shape[:3]:
            raise InvalidArgument(f"scores[{at}]: expected the shape {layer.shape[:3]}, found {one.shape}")

    def score(one: Sequence) -> Array:
        total = np.zeros((len(one.keys), len(one)))
        for found, weight in zip((part[one.index][:, one.tokens] for part in given), parts, strict=True):
            for head, row in enumerate(found):
                total[head] += np.where(np.isfinite(row), weight * _scaled(row, norm), row)
        return total

    return layer.scored(score)


def _scaled(row: Array, norm: str) -> Array:
    finite = np.isfinite(row)
    scaled = np.zeros(len(row))
    if norm == "z":
        scaled[finite] = standardised(row[finite])
    else:
        # Equal scores get equal ranks.
        _, places, counts = np.unique(row[finite], return_inverse=True, return_counts=True)
        scaled[finite] = (np.cumsum(counts) - counts)[places] / max(int(finite.sum()) - 1, 1)
    return scaled
