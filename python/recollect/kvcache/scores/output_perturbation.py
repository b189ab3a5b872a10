"""Change of the output if one token went (the closed form of evicting it alone)."""

import numpy as np

from recollect.checks import count_of
from recollect.kvcache.arrays import Array, Foreign
from recollect.kvcache.layer import Layer, Sequence
from recollect.kvcache.softmax import over_group, probabilities

__all__ = ["output_perturbation"]


def output_perturbation(layer: Layer, *, window: int = 64, reduce: str = "mean") -> Foreign:
    """Score by the mean length of ``p / (1 - p) (o - v)``: how far the output of the last queries would move.

    A product of matrices in float64: NumPy does it, whatever the backend of the layer.

    Without token `j` the output of a query becomes ``(o - p_j v_j) / (1 - p_j)``.

    Parameters
    ----------
    layer
        Its keys, values and queries.
    window
        Queries that vote.
    reduce
        How the query heads of a head become one score: ``"mean"``, ``"max"`` or ``"sum"``.

    Returns
    -------
    array
        float32 ``[batch, heads, tokens]``; infinite for a token that is all that some query sees.

    Raises
    ------
    InvalidArgument
        If the layer lacks values or queries.
    """
    layer.needs("values", "queries", by="output_perturbation")
    window = count_of(window, "window", 1)

    def score(one: Sequence) -> Array:
        first = max(len(one.query_places) - window, 0)
        moved = np.zeros((*one.queries.shape[:2], len(one)))
        squares = (one.values**2).sum(-1)
        for row in range(first, len(one.query_places)):
            moved += _moved(probabilities(one, slice(row, row + 1))[:, :, 0], one.values, squares)
        return over_group(moved / max(len(one.query_places) - first, 1), reduce)

    return layer.scored(score)


def _moved(paid: Array, values: Array, squares: Array) -> Array:
    """Return the change for each token, ``[heads, group, n]``, of one query that pays `paid`."""
    output = paid @ values
    gap = (output**2).sum(-1)[..., None] - 2 * output @ values.swapaxes(1, 2) + squares[:, None]
    top = paid.argmax(-1)[..., None]
    # What the greatest leaves to the others is summed up: a difference to one would lose it.
    others = paid.copy()
    np.put_along_axis(others, top, 0.0, -1)
    rest = others.sum(-1, keepdims=True)
    ratio = paid / np.where(1 - paid > 0, 1 - paid, 1)
    change: Array = ratio * np.sqrt(np.maximum(gap, 0))
    best = np.take_along_axis(values, top, 1)
    apart = others @ values - rest * best
    share = np.take_along_axis(paid, top, -1) / np.where(rest > 0, rest, 1)
    of_top = np.where(rest > 0, share * np.sqrt((apart**2).sum(-1, keepdims=True)), np.inf)
    np.put_along_axis(change, top, of_top, -1)
    return change
