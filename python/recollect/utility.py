"""What feedback is worth: choosing by similarity and utility, values of cases, credit by rank.

>>> from recollect.utility import credit, kernel_value, select
>>> select([0.60, 0.55], [-0.3, 0.51], k=1, mean=0.18568, deviation=0.09408)
[1]
>>> round(kernel_value([0.9, 0.1], [1.0, -1.0]), 3)
0.999
>>> round(credit([0.0, 1.0, 1.0, 1.0, 1.0]), 3)
0.685

============  ===================================================================  ================
function      what it gives                                                        source
============  ===================================================================  ================
``select``    the best by ``(1 - weight) z(similarity) + weight z(utility)``       MemRL (2026)
``kernel_     the mean of values, each weighed by ``exp(similarity / tau)``        Pritzel et al.
value``                                                                            (2017); Memento
``credit``    gains over no memory, each tier by what its rank is worth            MemSifter (2026)
============  ===================================================================  ================

The utility of a memory moves by 0.3 of the way to each reward: :meth:`recollect.Memory.feedback`.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from recollect.checks import count_of, number_of, seed_of, unit
from recollect.errors import InvalidArgument, WrongType

__all__ = ["TIERS", "credit", "kernel_value", "select"]

TIERS = (1, 2, 3, 5, 8)
"""Ranks at which the tiers of `credit` end."""

_MOST_Z = 3.0
_LEAST_DEVIATION = 1e-9


def select(
    similarities: npt.ArrayLike,
    utilities: npt.ArrayLike,
    k: int = 3,
    *,
    weight: float = 0.5,
    least: float | None = None,
    candidates: int = 5,
    floor: float = -0.8,
    mean: float | None = None,
    deviation: float | None = None,
    epsilon: float = 0.0,
    seed: int = 0,
) -> list[int]:
    """Return the positions of the best by similarity and utility together, best first.

    Parameters
    ----------
    similarities, utilities
        ``[n]``, finite.
    k
        Most positions to return.
    weight
        Share of the utility, between 0 and 1.
    least
        Least similarity of a candidate; None for any.
    candidates
        How many of the most similar are looked at.
    floor
        Candidates of less utility are left out.
    mean, deviation
        Of similarities in general; by default those of the candidates. Utilities are measured by the
        candidates, to 3 deviations.
    epsilon
        The chance that another order is drawn instead, between 0 and 1.
    seed
        Where that chance comes from.

    Raises
    ------
    InvalidArgument, WrongType
        If an argument cannot be read.
    """
    near, worth = _numbers(similarities, "similarities"), _numbers(utilities, "utilities")
    if len(near) != len(worth):
        raise InvalidArgument(f"utilities: {len(worth)} for {len(near)} similarities")
    most, share, chance = count_of(k, "k", 1), unit(weight, "weight"), unit(epsilon, "epsilon")
    order = np.argsort(-near, kind="stable")
    if least is not None:
        order = order[near[order] >= number_of(least, "least")]
    order = order[: count_of(candidates, "candidates", 1)]
    order = order[worth[order] >= number_of(floor, "floor")]
    if not len(order):
        return []
    source = np.random.default_rng(seed_of(seed))
    if chance and source.random() < chance:
        drawn: list[int] = source.permutation(order)[:most].tolist()
        return drawn
    centre = near[order].mean() if mean is None else number_of(mean, "mean")
    spread = near[order].std() if deviation is None else number_of(deviation, "deviation")
    by_similarity = (near[order] - centre) / max(spread, _LEAST_DEVIATION)
    by_utility = (worth[order] - worth[order].mean()) / max(worth[order].std(), _LEAST_DEVIATION)
    score = (1 - share) * by_similarity + share * np.clip(by_utility, -_MOST_Z, _MOST_Z)
    best: list[int] = order[np.argsort(-score, kind="stable")][:most].tolist()
    return best


def kernel_value(similarities: npt.ArrayLike, values: npt.ArrayLike, tau: float = 0.1) -> float:
    """Return the value of a state by those of similar ones, each weighed by ``exp(similarity / tau)``.

    Parameters
    ----------
    similarities
        ``[n]``, cosines of the state with others.
    values
        ``[n]``, what became of those.
    tau
        Above 0; the smaller, the more the nearest count.

    Raises
    ------
    InvalidArgument, WrongType
        If an argument cannot be read, or there are none.
    """
    near, worth = _numbers(similarities, "similarities"), _numbers(values, "values")
    width = number_of(tau, "tau")
    if width <= 0:
        raise InvalidArgument(f"tau: expected a number above 0, found {width}")
    if not len(near) or len(near) != len(worth):
        raise InvalidArgument(f"values: {len(worth)} for {len(near)} similarities")
    kernel = np.exp((near - near.max()) / width)
    return float(kernel @ worth / kernel.sum())


def credit(scores: Sequence[float], tiers: Sequence[int] = TIERS) -> float:
    """Return what recalled memories were worth, by the scores of answers given more and more of them.

    Parameters
    ----------
    scores
        The score with no memory, then with those up to each rank of `tiers` but the last.
    tiers
        Ascending ranks. The score up to one weighs ``1 / log2(rank + 1)`` less that of the next.

    Raises
    ------
    InvalidArgument, WrongType
        If an argument cannot be read, or there are not as many scores as tiers.
    """
    found = _numbers(scores, "scores")
    ends = [count_of(end, f"tiers[{at}]", 1) for at, end in enumerate(tiers)]
    if ends != sorted(set(ends)):
        raise InvalidArgument("tiers: expected ascending ranks")
    if len(found) != len(ends):
        raise InvalidArgument(f"scores: expected {len(ends)}, found {len(found)}")
    worth = 1 / np.log2(np.array(ends, dtype=np.float64) + 1)
    weights = worth[:-1] - worth[1:]
    return float(weights @ (found[1:] - found[0]))


def _numbers(value: object, argument: str) -> npt.NDArray[np.float64]:
    try:
        found = np.asarray(value, dtype=np.float64)
    except (ValueError, TypeError) as error:
        raise WrongType(f"{argument}: expected numbers") from error
    if found.ndim != 1 or not np.isfinite(found).all():
        raise InvalidArgument(f"{argument}: expected finite numbers of the shape (n,), found {found.shape}")
    return found
