"""Measures of a ranking against its gold, in percent."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

NAMES = ("R@1", "R@2", "R@5", "R@10", "all@5", "nDCG@10", "MRR")
DEPTH = 10

_GAIN = 1 / np.log2(np.arange(2, DEPTH + 2))


def measure(ranking: list[int], gold: frozenset[int]) -> npt.NDArray[np.float64]:
    """Return the values of `NAMES`; the reciprocal rank counts within the first ten."""
    hits = np.array([slot in gold for slot in ranking[:DEPTH]] + [False] * (DEPTH - len(ranking)))
    recalls = [hits[:depth].sum() / len(gold) for depth in (1, 2, 5, 10)]
    ideal = _GAIN[: min(len(gold), DEPTH)].sum()
    first = hits.argmax() + 1 if hits.any() else np.inf
    values = [*recalls, hits[:5].sum() == len(gold), hits @ _GAIN / ideal, 1 / first]
    return 100 * np.array(values, dtype=np.float64)


def table_row(values: npt.NDArray[np.float64]) -> dict[str, float]:
    """Return the means over the queries under their names, and the number of queries."""
    means = values.mean(axis=0)
    named: dict[str, float] = {"n": len(values)}
    return named | {name: round(float(mean), 2) for name, mean in zip(NAMES, means, strict=True)}


def measured(rankings: Iterable[list[int]], gold: list[frozenset[int]]) -> npt.NDArray[np.float64]:
    """Return a row of values for each query."""
    return np.array([measure(ranking, wanted) for ranking, wanted in zip(rankings, gold, strict=True)])
