"""Paired bootstrap: how sure the difference between two methods on the same queries is."""

from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from benches.quality.measures import NAMES

RESAMPLES = 10_000
SEED = 11
_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Comparison:
    """recollect against another method with one embedder, nDCG@10 in points."""

    embedder: str
    against: str
    difference: float
    low: float
    high: float

    def as_dict(self) -> dict[str, str | float]:
        """Return the fields."""
        return asdict(self)


def compared(values: dict[str, npt.NDArray[np.float64]], embedder: str) -> Comparison:
    """Return the difference to the best of BM25, dense and RRF, with its 95 % interval."""
    column = NAMES.index("nDCG@10")
    rivals = ("bm25", f"dense({embedder})", f"rrf({embedder})")
    against = max(rivals, key=lambda name: values[name][:, column].mean())
    gaps = values[f"recollect({embedder})"][:, column] - values[against][:, column]
    return Comparison(embedder, against, *interval(gaps))


def ablated(values: dict[str, npt.NDArray[np.float64]], embedder: str, way: str) -> Comparison:
    """Return what some signals are worth, with its 95 % interval: with them less without them."""
    column = NAMES.index("nDCG@10")
    gaps = values[f"recollect({embedder})"][:, column] - values[f"recollect({embedder}){way}"][:, column]
    return Comparison(embedder, way, *interval(-gaps if way.startswith("+") else gaps))


def interval(gaps: npt.NDArray[np.float64]) -> tuple[float, float, float]:
    """Return the mean of the differences of paired queries, and the ends of its 95 % interval."""
    random = np.random.default_rng(SEED)
    means = np.concatenate(
        [
            gaps[random.integers(0, len(gaps), (_CHUNK, len(gaps)))].mean(axis=1)
            for _ in range(RESAMPLES // _CHUNK)
        ]
    )
    low, high = np.percentile(means, [2.5, 97.5])
    return round(float(gaps.mean()), 2), round(float(low), 2), round(float(high), 2)
