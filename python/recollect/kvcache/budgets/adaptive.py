"""Heads share a budget by their scores (Feng and others, "Ada-KV", 2024); layers too (KVzip, 2025)."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from recollect.checks import count_of, unit
from recollect.errors import InvalidArgument
from recollect.kvcache.arrays import Array, Foreign, numbers, received

__all__ = ["adaptive", "adaptive_over_layers"]


def adaptive(scores: Foreign, average: int, *, floor: float = 0.2) -> npt.NDArray[np.int32]:
    """Return what each head gets when the best tokens of all heads of a layer stay, sequence by sequence.

    Parameters
    ----------
    scores
        ``[batch, heads, tokens]``; they must be comparable between heads, as shares of attention are.
    average
        Tokens of a head, on average over heads.
    floor
        Share of the average that every head gets whatever its scores, 0 to 1.

    Returns
    -------
    numpy.ndarray
        int32 ``[batch, heads]``; the sum over heads is ``average * heads``, or all tokens there are.
    """
    found: npt.NDArray[np.int32] = adaptive_over_layers([scores], average, floor=floor)[0]
    return found


def adaptive_over_layers(
    scores: Sequence[Foreign], average: int, *, floor: float = 0.2
) -> npt.NDArray[np.int32]:
    """Return what each head of each layer gets when the best tokens of all of them stay.

    Parameters
    ----------
    scores
        ``[batch, heads, tokens]`` for each layer.
    average, floor
        As for :func:`adaptive`.

    Returns
    -------
    numpy.ndarray
        int32 ``[layers, batch, heads]``.

    Raises
    ------
    InvalidArgument
        If there are none, or layers have different shapes.
    """
    found: list[Array] = [numbers(received(one, f"scores[{at}]", 3)) for at, one in enumerate(scores)]
    if not found or len({one.shape for one in found}) > 1:
        raise InvalidArgument(f"scores: expected layers of one shape, found {[one.shape for one in found]}")
    rows = np.stack(found, 1)
    batch, layers, heads, tokens = rows.shape
    rows = rows.reshape(batch, layers * heads, tokens)
    total = count_of(average, "average") * layers * heads
    sure = int(np.ceil(unit(floor, "floor") * average))
    budgets = np.stack([_shared(one, total, sure) for one in rows]) if batch else rows[:, :, 0]
    return budgets.reshape(batch, layers, heads).swapaxes(0, 1).astype(np.int32)


def _shared(rows: Array, total: int, sure: int) -> npt.NDArray[np.int64]:
    """Return the tokens of each row when the best of all stay, `sure` ones of each row before others."""
    alive = rows > -np.inf
    first = np.argsort(np.where(alive, -rows, np.inf), axis=1, kind="stable")[:, :sure]
    safe = np.zeros(rows.shape, dtype=bool)
    np.put_along_axis(safe, first, True, axis=1)
    head, place = np.nonzero(alive)
    ranked = np.lexsort((head, place, -rows[head, place], ~safe[head, place]))
    return np.bincount(head[ranked[:total]], minlength=len(rows))
