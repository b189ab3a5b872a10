"""Three states by how attention is spread in a layer: kept, kept in 8 bits, or gone.

Source: "ARKV: adaptive and resource-efficient KV cache management" (2026). The published
statistics are sums, so that they grow with length and batch; here means are the default, and every sequence
has its own.
"""

from collections.abc import Sequence as Many
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from recollect.checks import count_of, one_of
from recollect.errors import InvalidArgument
from recollect.kvcache.arrays import Array
from recollect.kvcache.layer import Layer, Sequence
from recollect.kvcache.pooling import pooled
from recollect.kvcache.softmax import probabilities

__all__ = ["Arkv", "arkv", "origin_quality"]

_NORMALISE = ("mean", "sum")


@dataclass(frozen=True, slots=True)
class Arkv:
    """Constants of the method; defaults are the published ones.

    Attributes
    ----------
    window
        Last queries that are looked at; their tokens stay as they are.
    tau
        Roots taken of entropy, variance and kurtosis.
    gamma
        Weight of the variance of a token's attention beside its mean.
    kernel
        Neighbours over which that is averaged.
    normalise
        ``"mean"``, or ``"sum"`` for the published statistics.
    """

    window: int = 32
    tau: tuple[float, float, float] = (7.774, 5.407, 5.528)
    gamma: float = 263.81
    kernel: int = 5
    normalise: str = "mean"


def origin_quality(layer: Layer, settings: Arkv | None = None) -> npt.NDArray[np.float64]:
    """Return the score of a layer for keeping tokens in full, float64 ``[batch]``.

    It is ``E^(1/t1) V^(1/t2) K^(1/t3)`` of entropy, variance and kurtosis of what the last queries pay to the
    past.

    Raises
    ------
    InvalidArgument
        If the layer has no queries.
    """
    constants = settings or Arkv()
    one_of(constants.normalise, _NORMALISE, "normalise")
    layer.needs("queries", by="arkv")
    return np.array(
        [_quality(_past(one, constants), constants) for one in layer.sequences()], dtype=np.float64
    )


def arkv(layers: Many[Layer], capacity: int, settings: Arkv | None = None) -> list[npt.NDArray[np.uint8]]:
    """Return the states of all tokens: 16 as they are, 8 in 8 bits, 0 gone.

    Parameters
    ----------
    layers
        With keys and queries.
    capacity
        Tokens of a head that stay, in either way.
    settings
        Constants of the method.

    Returns
    -------
    list of numpy.ndarray
        uint8 ``[batch, heads, tokens]`` for each layer, as :class:`recollect.kvcache.MixedCache` takes them.

    Raises
    ------
    InvalidArgument
        If there is no layer, one lacks queries, or `capacity` is below the window.
    """
    constants = settings or Arkv()
    room = count_of(capacity, "capacity") - count_of(constants.window, "window", 1)
    if not layers or room < 0:
        raise InvalidArgument(
            f"capacity: expected {constants.window} at least, and a layer; found {capacity}"
        )
    if len({layer.shape[0] for layer in layers}) > 1:
        raise InvalidArgument("layers: expected the same sequences in all of them")
    qualities = np.stack([origin_quality(layer, constants) for layer in layers])
    best = qualities.max(0, initial=0)
    shares = qualities / np.where(best > 0, best, 1)
    states = []
    for layer, share in zip(layers, shares, strict=True):
        table = np.zeros(layer.shape[:3], dtype=np.uint8)
        for one in layer.sequences():
            full = int(np.rint(share[one.index] * room))
            table[one.index][:, one.tokens] = _states(one, constants, full, room)
        states.append(table)
    return states


def _past(one: Sequence, constants: Arkv) -> Array:
    """Return what the last queries pay to the tokens before them, ``[heads, group, w, past]``."""
    votes = min(constants.window, len(one.query_places))
    paid = probabilities(one, slice(len(one.query_places) - votes, None))
    found: Array = paid[..., one.places < one.length - constants.window]
    return found


def _quality(paid: Array, constants: Arkv) -> float:
    queries, past = paid.shape[-2:]
    if queries < 2 or not past:
        return 0.0
    entropy = -(paid * np.log(paid + 1e-10)).sum(-1)
    apart = paid - paid.mean(-2, keepdims=True)
    second, fourth = (apart**2).mean(-2), (apart**4).mean(-2)
    variance, kurtosis = second * queries / (queries - 1), fourth / np.maximum(second, 1e-8) ** 2
    if constants.normalise == "sum":
        parts = entropy.sum(), variance.sum(), kurtosis.sum()
    else:
        parts = entropy.mean() / max(np.log(past), 1.0), variance.mean(), kurtosis.mean()
    return float(
        np.prod([max(part, 0.0) ** (1 / tau) for part, tau in zip(parts, constants.tau, strict=True)])
    )


def _states(one: Sequence, constants: Arkv, full: int, room: int) -> npt.NDArray[np.uint8]:
    table = np.full((len(one.keys), len(one)), 16, dtype=np.uint8)
    old = np.flatnonzero(one.places < one.length - constants.window)
    paid = _past(one, constants)
    spread = paid.var(2, ddof=1) if paid.shape[2] > 1 else np.zeros((*paid.shape[:2], paid.shape[3]))
    hitters = (
        pooled(paid.mean(2) + constants.gamma * spread, constants.kernel).mean(1) if paid.shape[2] else None
    )
    for head, row in enumerate(table):
        order = old if hitters is None else old[np.argsort(-hitters[head], kind="stable")]
        row[order[full:room]] = 8
        row[order[room:]] = 0
    return table
