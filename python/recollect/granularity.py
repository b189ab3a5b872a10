"""How much each granularity of a memory (turn, segment, session, summary) tells about a query.

>>> from recollect.granularity import entropy_weights
>>> peaked, flat = [0.9] + [0.1] * 49, [0.5] * 50
>>> [round(float(weight), 3) for weight in entropy_weights([peaked, flat], temperature=0.1)]
[1.0, 0.0]

The entropy router of MemGAS (2025): with ``p = softmax(similarities / temperature)``, a granularity weighs as
much as its entropy falls short of the greatest, ``1 - H(p) / ln n``. Without the division by ``ln n`` weights
would turn negative, and lists of different lengths could not be compared.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from recollect.checks import number_of
from recollect.errors import InvalidArgument

__all__ = ["entropy_weights"]

_FLAT = 1e-9


def entropy_weights(
    similarities: Sequence[npt.ArrayLike], *, temperature: float = 0.1
) -> npt.NDArray[np.float64]:
    """Return the weight of each granularity, float64 ``[g]``; they add up to 1.

    Parameters
    ----------
    similarities
        For each of ``g`` granularities ``[n]``: the similarity of each of its units to the query. Lengths
        may differ. Where all are flat, or have one unit, all weigh the same.
    temperature
        Of the softmax, above 0.

    Raises
    ------
    InvalidArgument, WrongType
        If there is no granularity, one has no unit, a number is not finite, or the temperature is not
        above 0.
    """
    heat = number_of(temperature, "temperature")
    if heat <= 0:
        raise InvalidArgument(f"temperature: expected a number above 0, found {heat:g}")
    if len(similarities) == 0:
        raise InvalidArgument("similarities: expected at least one granularity")
    told = np.array([_told(one, f"similarities[{at}]", heat) for at, one in enumerate(similarities)])
    whole = told.sum()
    return told / whole if whole > _FLAT else np.full(len(told), 1 / len(told))


def _told(similarities: npt.ArrayLike, argument: str, heat: float) -> float:
    """Return how far the entropy of a list falls short of the greatest, between 0 and 1."""
    try:
        row = np.asarray(similarities, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidArgument(f"{argument}: expected numbers") from error
    if row.ndim != 1 or not len(row):
        raise InvalidArgument(f"{argument}: expected the shape (n,), found {row.shape}")
    if not np.isfinite(row).all():
        raise InvalidArgument(f"{argument}: a number is not finite")
    if len(row) == 1:
        return 0.0
    shares = np.exp((row - row.max()) / heat)
    shares /= shares.sum()
    entropy = -(shares * np.log(np.maximum(shares, np.finfo(np.float64).tiny))).sum()
    return float(np.clip(1 - entropy / np.log(len(row)), 0, 1))
