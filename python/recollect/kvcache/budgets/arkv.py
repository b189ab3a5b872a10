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
from recollect.kvcache.pooling import checked_pooling, pooled
from recollect.kvcache.softmax import probabilities

__all__ = ["ABSENT", "Arkv", "Ranked", "arkv", "arkv_ranks", "arkv_shares", "origin_quality"]

_NORMALISE = ("mean", "sum")
ABSENT = np.int32(np.iinfo(np.int32).max)
"""The rank of what is no token."""


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

    Raises
    ------
    InvalidArgument
        If there is no window, the kernel is even, or `normalise` is none of the two.
    """

    window: int = 32
    tau: tuple[float, float, float] = (7.774, 5.407, 5.528)
    gamma: float = 263.81
    kernel: int = 5
    normalise: str = "mean"

    def __post_init__(self) -> None:
        count_of(self.window, "window", 1)
        checked_pooling(self.kernel, "avg")
        one_of(self.normalise, _NORMALISE, "normalise")

    def room(self, capacity: int) -> int:
        """Return the tokens of a capacity that are left for those before the window.

        Raises
        ------
        InvalidArgument
            If the window alone is more.
        """
        room = count_of(capacity, "capacity") - self.window
        if room < 0:
            raise InvalidArgument(f"capacity: expected {self.window} at least, found {capacity}")
        return room


@dataclass(frozen=True, slots=True, eq=False)
class Ranked:
    """What one layer says of its tokens.

    Attributes
    ----------
    quality
        Its score for keeping tokens in full, float64 ``[batch]``; NaN where nobody asked.
    ranks
        int32 ``[batch, heads, tokens]``: -1 in the window, 0 for the best of the older tokens of a head, and
        so on; the greatest int32 for what is none.
    """

    quality: npt.NDArray[np.float64]
    ranks: npt.NDArray[np.int32]


def arkv_ranks(layer: Layer, settings: Arkv | None = None, *, quality: bool = True) -> Ranked:
    """Return the order in which the tokens of a layer stay, and with `quality` the score of the layer.

    That is ``E^(1/t1) V^(1/t2) K^(1/t3)`` of entropy, variance and kurtosis of what the last queries
    pay to the past. Tokens before the window are ordered by the mean of that and `gamma` times its variance,
    averaged over neighbours and query heads.

    Raises
    ------
    InvalidArgument
        If the layer has no queries.
    """
    constants = settings or Arkv()
    layer.needs("queries", by="arkv")
    qualities = np.full(layer.shape[0], np.nan)
    ranks = np.full(layer.shape[:3], ABSENT, dtype=np.int32)
    for one in layer.sequences():
        paid = _past(one, constants)
        if quality:
            qualities[one.index] = _quality(paid, constants)
        ranks[one.index][:, one.tokens] = _ranks(one, paid, constants)
    return Ranked(qualities, ranks)


def origin_quality(layer: Layer, settings: Arkv | None = None) -> npt.NDArray[np.float64]:
    """Return the score of a layer for keeping tokens in full, float64 ``[batch]``; see :func:`arkv_ranks`.

    Raises
    ------
    InvalidArgument
        If the layer has no queries.
    """
    constants = settings or Arkv()
    layer.needs("queries", by="arkv")
    return np.array(
        [_quality(_past(one, constants), constants) for one in layer.sequences()], dtype=np.float64
    )


def arkv_shares(qualities: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return which share of the older tokens that stay does so as it is, ``[layers, batch]``.

    It is the quality by the best one of all layers, ``[layers, batch]``.
    """
    best = qualities.max(0, initial=0)
    shares: npt.NDArray[np.float64] = qualities / np.where(best > 0, best, 1)
    return shares


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
    room = constants.room(capacity)
    if not layers:
        raise InvalidArgument("layers: expected a layer, found none")
    if len({layer.shape[0] for layer in layers}) > 1:
        raise InvalidArgument("layers: expected the same sequences in all of them")
    found = [arkv_ranks(layer, constants) for layer in layers]
    full = np.rint(arkv_shares(np.stack([one.quality for one in found])) * room)
    return [
        np.where(one.ranks < limits[:, None, None], 16, np.where(one.ranks < room, 8, 0)).astype(np.uint8)
        for one, limits in zip(found, full, strict=True)
    ]


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
    apart = np.square(paid - paid.mean(-2, keepdims=True))
    second, fourth = apart.mean(-2), np.square(apart).mean(-2)
    variance, kurtosis = second * queries / (queries - 1), fourth / np.maximum(second, 1e-8) ** 2
    if constants.normalise == "sum":
        parts = entropy.sum(), variance.sum(), kurtosis.sum()
    else:
        parts = entropy.mean() / max(np.log(past), 1.0), variance.mean(), kurtosis.mean()
    return float(
        np.prod([max(part, 0.0) ** (1 / tau) for part, tau in zip(parts, constants.tau, strict=True)])
    )


def _ranks(one: Sequence, paid: Array, constants: Arkv) -> npt.NDArray[np.int32]:
    ranks = np.full((len(one.keys), len(one)), -1, dtype=np.int32)
    old = np.flatnonzero(one.places < one.length - constants.window)
    if not paid.shape[2]:
        # Nobody looked: the first tokens come first.
        ranks[:, old] = np.arange(len(old))
        return ranks
    spread = paid.var(2, ddof=1) if paid.shape[2] > 1 else np.zeros((*paid.shape[:2], paid.shape[3]))
    hitters = pooled(paid.mean(2) + constants.gamma * spread, constants.kernel).mean(1)
    order = np.argsort(-hitters, axis=1, kind="stable")
    found = np.empty(order.shape, dtype=np.int32)
    np.put_along_axis(found, order, np.arange(len(old), dtype=np.int32)[None], 1)
    ranks[:, old] = found
    return ranks
