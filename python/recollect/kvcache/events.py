"""Where one event ends and the next begins in what a model reads.

A token begins an event where it is more surprising than what came before it, by the mean and deviation of a
window (Fountas and others, "Human-like episodic memory for infinite context LLMs", 2024: EM-LLM). A boundary
then moves to where the two sides are most alike within and least across.
"""

import numpy as np
import numpy.typing as npt

from recollect.checks import count_of
from recollect.errors import InvalidArgument
from recollect.kvcache.arrays import Array

__all__ = ["boundaries"]

Starts = npt.NDArray[np.int64]


def boundaries(
    surprise: npt.ArrayLike,
    *,
    gamma: float = 1.0,
    window: int = 4096,
    chunk: int = 1,
    least: int = 8,
    most: int = 128,
) -> Starts:
    """Return where events begin, int64, ascending, 0 first.

    Parameters
    ----------
    surprise
        Minus the log probability of each token, ``[n]``; one that is not a number begins nothing and is not
        counted.
    gamma
        Deviations above the mean that begin an event: 1 for log probabilities; a surprise made of cosines
        needs 3.
    window
        Tokens before that mean and deviation are taken over.
    chunk
        Tokens that are read together: their window ends where the chunk begins. With 1 the events do not
        depend on how the text came.
    least, most
        Tokens of an event; only the last may have fewer.

    Raises
    ------
    InvalidArgument
        If the surprise has several axes, or `least` is above `most`.
    """
    found = np.asarray(surprise, dtype=np.float64)
    if found.ndim != 1:
        raise InvalidArgument(f"surprise: expected the shape (n,), found {found.shape}")
    least, most = count_of(least, "least", 1), count_of(most, "most", 1)
    if least > most:
        raise InvalidArgument(f"least: expected at most {most}, found {least}")
    above = _above(found, gamma, count_of(window, "window", 1), count_of(chunk, "chunk", 1))
    starts = [0] if len(found) else []
    for at in range(1, len(found)):
        length = at - starts[-1]
        if length >= most or (length >= least and above[at]):
            starts.append(at)
    return np.array(starts, dtype=np.int64)


def _above(surprise: Array, gamma: float, window: int, chunk: int) -> npt.NDArray[np.bool_]:
    known = np.isfinite(surprise)
    # Sums of what is apart from the mean of all lose less than sums of squares.
    centred = np.where(known, surprise - (surprise[known].mean() if known.any() else 0.0), 0.0)
    sums = [np.concatenate([[0.0], np.cumsum(part)]) for part in (known, centred, centred**2)]
    end = np.arange(len(surprise)) // chunk * chunk
    count, first, second = (part[end] - part[np.maximum(end - window, 0)] for part in sums)
    mean = first / np.maximum(count, 1)
    deviation = np.sqrt(np.maximum(second / np.maximum(count, 1) - mean**2, 0))
    # What is no more than the limit must not be above it by what rounding leaves.
    limit = mean + gamma * deviation + 1e-9 * (1 + np.abs(mean) + deviation)
    return np.asarray(known & (count > 1) & (centred > limit))
