"""More for lower layers, less for higher ones (Cai and others, "PyramidKV", 2024)."""

import numpy as np
import numpy.typing as npt

from recollect.checks import count_of, unit
from recollect.errors import InvalidArgument

__all__ = ["pyramid"]


def pyramid(
    average: int, layers: int, *, tokens: int, beta: float = 20.0, window: int = 0, min_share: float = 0.25
) -> npt.NDArray[np.int32]:
    """Return budgets that fall in a line from the first layer to the last.

    Without limits the last layer has ``window + (average - window) / beta``. What a limit takes from one
    layer the others get, so that the sum is exact.

    Parameters
    ----------
    average
        Tokens of a head, on average over layers.
    layers
        Of the model.
    tokens
        In the cache: the most that a layer can have.
    beta
        How steep, 1 or more.
    window
        Tokens that every layer keeps, the average among them.
    min_share
        The least of a layer, as a share of the average: without it a large average leaves the last layers
        nothing.

    Returns
    -------
    numpy.ndarray
        int32 ``[layers]``, falling, with the sum ``average * layers``.

    Raises
    ------
    InvalidArgument
        If the average is not between `window` and `tokens`, or `beta` is below 1.
    """
    average, layers = count_of(average, "average"), count_of(layers, "layers", 1)
    window, tokens = count_of(window, "window"), count_of(tokens, "tokens")
    if not window <= average <= tokens:
        raise InvalidArgument(f"average: expected {window} to {tokens}, found {average}")
    if not beta >= 1:
        raise InvalidArgument(f"beta: expected 1 or more, found {beta}")
    low = (average - window) / beta
    line = window + np.linspace(2 * (average - window) - low, low, layers)
    least = max(unit(min_share, "min_share") * average, window)
    exact = _levelled(line, least, tokens, average * layers)
    budgets = np.floor(exact + 1e-9).astype(np.int64)
    # The largest remainders take what rounding down left, lower layers first.
    left = average * layers - int(budgets.sum())
    budgets[np.lexsort((np.arange(layers), budgets - exact))[:left]] += 1
    return np.sort(budgets)[::-1].astype(np.int32)


def _levelled(
    line: npt.NDArray[np.float64], least: float, most: float, total: int
) -> npt.NDArray[np.float64]:
    """Return the line moved up or down as a whole until, held within limits, it has the sum."""
    low, high = least - line.max(), most - line.min()
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if np.clip(line + middle, least, most).sum() < total else (low, middle)
    levelled: npt.NDArray[np.float64] = np.clip(line + high, least, most)
    return levelled
