"""Bits for every token at a number of bytes: the least distortion that they can buy.

A token of weight `w` in a state of `b` bytes costs ``w * D``. On the lower convex hull of bytes and
distortion a step to the next state buys ``w * (D - D') / (b' - b)`` a byte; the best steps are taken until
the bytes are spent, which is the Lagrangian optimum. Eviction alone, and three states as in ARKV, are the
cases of few states.

Source: Shoham and Gersho, "Efficient bit allocation for an arbitrary set of quantizers" (1988).
"""

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from recollect.checks import count_of, one_of
from recollect.errors import InvalidArgument
from recollect.kvcache.arrays import Array, Foreign, numbers, received
from recollect.kvcache.quantizers.codec import Codec
from recollect.kvcache.quantizers.kinds import codec_of
from recollect.kvcache.segments import POSITION_BYTES

__all__ = ["DISTORTIONS", "Costs", "costs_of", "rate_distortion"]

Costs = Mapping[int, tuple[float, float]]
"""Bytes of a token and distortion of each state; state 0, gone, is there without being named: no bytes, 1."""

DISTORTIONS = {1: 0.363, 2: 0.1175, 3: 0.0345, 4: 0.0095, 8: 6e-5, 16: 0.0}
"""Mean squared error of rotated codes by bits, in units of the variance; 16 bits count as exact."""

SCOPES = ("layer", "sequence", "head")
_RUN = 1024


def costs_of(
    codecs: Mapping[int, tuple[str | Codec, str | Codec]],
    dim: int,
    value_dim: int | None = None,
    *,
    distortions: Mapping[int, float] | None = None,
) -> dict[int, tuple[float, float]]:
    """Return the costs of states from their quantizers, on average over many tokens, positions included.

    Parameters
    ----------
    codecs
        Quantizers of keys and values by state, as :class:`recollect.kvcache.MixedCache` takes them.
    dim, value_dim
        Dimensions of a key and of a value; by default the same.
    distortions
        Of each state; by default the state is a number of bits and :data:`DISTORTIONS` has it.

    Raises
    ------
    InvalidArgument
        If a state has no distortion.
    """
    table = DISTORTIONS if distortions is None else distortions
    costs = {}
    for state, (keys, values) in codecs.items():
        if state not in table:
            raise InvalidArgument(f"distortions: state {state} has none; give them")
        taken = codec_of(keys, "keys").nbytes(_RUN, dim)
        taken += codec_of(values, "values").nbytes(_RUN, dim if value_dim is None else value_dim)
        costs[state] = (taken / _RUN + POSITION_BYTES, table[state])
    return costs


def rate_distortion(
    weights: Foreign, nbytes: int, costs: Costs, *, scope: str = "layer"
) -> npt.NDArray[np.uint8]:
    """Choose the state of every token.

    Parameters
    ----------
    weights
        ``[batch, heads, tokens]``, none below zero: what its distortion counts. Minus infinity is padding and
        goes; infinity is what stays in the best state, before any others.
    nbytes
        Bytes for all of `scope`; whoever has less weight gets less of them.
    costs
        Bytes and distortion of the states, 1 to 255.
    scope
        What shares the bytes: the whole ``"layer"`` (``nbytes`` is for all sequences together), each
        ``"sequence"`` or each ``"head"`` (``nbytes`` is for each).

    Returns
    -------
    numpy.ndarray
        uint8 ``[batch, heads, tokens]``: states, 0 for gone. With more bytes no token gets a worse state.

    Raises
    ------
    InvalidArgument
        If a weight is below zero, or states are out of range.
    """
    found: Array = numbers(received(weights, "weights", 3)).astype(np.float64)
    found = np.where(np.isnan(found), -np.inf, found)
    if ((found < 0) & (found > -np.inf)).any():
        raise InvalidArgument("weights: expected none below 0")
    scope, nbytes = one_of(scope, SCOPES, "scope"), count_of(nbytes, "nbytes")
    states, sizes, gains = _hull(costs)
    batch, heads, tokens = found.shape
    shape = {"layer": (1, batch * heads), "sequence": (batch, heads), "head": (batch * heads, 1)}[scope]
    rows = found.reshape(*shape, tokens)
    levels = np.zeros(rows.shape, dtype=np.int64)
    for at, one in enumerate(rows):
        levels[at] = _levels(one, nbytes, sizes, gains)
    return np.asarray(states, dtype=np.uint8)[levels].reshape(found.shape)


def _hull(costs: Costs) -> tuple[list[int], Array, Array]:
    """Return states on the lower hull, from 0 on, the bytes of each step and what a byte of it gains."""
    if any(not 0 < state < 256 for state in costs) or not costs:
        raise InvalidArgument(f"costs: expected states 1 to 255, found {sorted(costs)}")
    if any(not taken > 0 or not 0 <= distortion <= 1 for taken, distortion in costs.values()):
        raise InvalidArgument("costs: expected bytes above 0 and distortions between 0 and 1")
    points = sorted((taken, distortion, state) for state, (taken, distortion) in costs.items())
    hull: list[tuple[float, float, int]] = [(0.0, 1.0, 0)]
    for point in points:
        while len(hull) > 1 and _gain(hull[-2], hull[-1]) <= _gain(hull[-2], point):
            hull.pop()
        if point[1] < hull[-1][1]:
            hull.append(point)
    pairs = list(pairwise(hull))
    return (
        [one[2] for one in hull],
        np.array([b[0] - a[0] for a, b in pairs]),
        np.array([_gain(*p) for p in pairs]),
    )


def _gain(low: tuple[float, float, int], high: tuple[float, float, int]) -> float:
    return (low[1] - high[1]) / (high[0] - low[0]) if high[0] > low[0] else np.inf * (low[1] - high[1] or -1)


def _levels(weights: Array, nbytes: int, sizes: Array, gains: Array) -> npt.NDArray[np.int64]:
    head, place = np.nonzero(weights > -np.inf)
    slopes = weights[head, place][:, None] * gains
    level = np.broadcast_to(np.arange(len(gains)), slopes.shape)
    keys = [np.broadcast_to(one[:, None], slopes.shape).ravel() for one in (head, place)]
    # Steps of a token come in order even where all gain the same: by level before by place.
    order = np.lexsort((*keys, level.ravel(), -slopes.ravel()))
    taken = np.cumsum(np.broadcast_to(sizes, slopes.shape).ravel()[order])
    bought = order[: int(np.searchsorted(taken, nbytes, "right"))] // max(len(gains), 1)
    levels = np.zeros(weights.shape, dtype=np.int64)
    np.add.at(levels, (head[bought], place[bought]), 1)
    return levels
