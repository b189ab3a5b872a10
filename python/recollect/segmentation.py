"""Where one event ends and the next begins, in a stream of messages or tokens.

>>> import numpy as np, recollect
>>> topics = np.repeat(np.eye(3, 8, dtype=np.float32), 6, axis=0)
>>> noise = np.random.default_rng(1).normal(0, 0.02, topics.shape)
>>> recollect.segment(topics + noise, min_size=4).bounds.tolist()
[0, 6, 12, 18]
>>> recollect.segment(times=["2026-03-01T10:00", "2026-03-01T10:05", "2026-03-01T11:00"]).reasons
[(), ('gap',)]

An item begins a segment where its surprise is more than ``gamma`` deviations over the mean of the latest
ones, in a segment that is large enough (EM-LLM, 2407.09450); surprise is one minus the cosine to the mean of
the segment, or minus the logarithm of a probability that the caller brings. A long gap and a full segment
always begin one (Nemori, 2508.03341).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn, TypeVar

import numpy as np
import numpy.typing as npt

from recollect._native import Segmenter as _Native
from recollect._native import segmentation_merge as _merge
from recollect._native import segmentation_segment as _segment
from recollect.checks import Ids, count_of, matrix, one_of
from recollect.embedding.protocol import Vectors
from recollect.errors import InvalidArgument, WrongType
from recollect.time_arguments import float_of, times_array, vector_of
from recollect.times import Duration, Time, duration_micros, to_micros

__all__ = ["Cut", "Segmentation", "Segmenter", "merge_episodes", "segment"]

OBJECTIVES = ("modularity", "conductance")
"""What a cut can be moved to."""

_T = TypeVar("_T", bound=np.generic)
_Rules = tuple[float, float, int, int, int, int | None]


@dataclass(frozen=True, slots=True)
class Cut:
    """A segment begins at the item of this number, from 0, for these reasons."""

    at: int
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Segmentation:
    """Items in segments.

    Parameters
    ----------
    bounds
        int64 ``[m + 1]``: segment ``i`` has the items ``bounds[i]`` to ``bounds[i + 1]``.
    reasons
        Why each segment begins, out of ``"cosine"``, ``"log_probability"``, ``"gap"``, ``"size"`` and
        ``"topic"``; nothing for the first.
    surprise
        float32 ``[n]``: one minus the cosine of each item to the mean of its segment before it, as it came;
        NaN where there is none.
    """

    bounds: Ids
    reasons: list[tuple[str, ...]]
    surprise: Vectors

    def __len__(self) -> int:
        """Return the number of segments."""
        return len(self.bounds) - 1

    def labels(self) -> Ids:
        """Return the number of the segment of each item, int64 ``[n]``."""
        return np.repeat(np.arange(len(self)), np.diff(self.bounds))


class Segmenter:
    """Tells where segments begin while items come; the same items give the same cuts.

    Parameters
    ----------
    gamma
        Deviations over the mean from which on a cosine cuts; on clean clusters 1 cuts in the wrong places.
    gamma_log_probability
        The same of log-probabilities, where 1 is what was published.
    window
        Surprises that mean and deviation are taken of, 2 to 2**20.
    min_size, max_size
        Sizes of a segment: surprise does not cut below the first, and none goes beyond the second but for a
        single item. Items count 1 each, or their tokens.
    gap
        Time between two items that always cuts if exceeded; None for no such rule.
    """

    __slots__ = ("_native",)

    def __init__(
        self,
        *,
        gamma: float = 3.0,
        gamma_log_probability: float = 1.0,
        window: int = 32,
        min_size: int = 2,
        max_size: int = 25,
        gap: Duration | None = 1800,
    ) -> None:
        self._native = _Native(_rules(gamma, gamma_log_probability, window, min_size, max_size, gap))

    def __len__(self) -> int:
        """Return the number of items so far."""
        return len(self._native)

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled or copied."""
        raise WrongType("a Segmenter cannot be pickled or copied")

    @property
    def surprise(self) -> float | None:
        """One minus the cosine of the latest item to the mean of the segment before it."""
        return self._native.surprise()

    def push(
        self,
        vector: npt.ArrayLike | None = None,
        *,
        surprise: float | None = None,
        time: Time | None = None,
        size: int = 1,
    ) -> Cut | None:
        """Take the next item; return a cut where it begins a segment, but for the first of all.

        Parameters
        ----------
        vector
            ``[d]``; all of a stream have one length.
        surprise
            Minus the natural logarithm of the probability that a model gave it.
        time
            When.
        size
            How much it counts.

        Raises
        ------
        InvalidArgument
            If a number is not finite or a vector has another length; the item is not taken.
        """
        row = None if vector is None else np.asarray(vector)
        cut = self._native.push(
            None if row is None else vector_of(row, row.shape[-1] if row.ndim else 0, "vector"),
            None if surprise is None else float_of(surprise, "surprise"),
            None if time is None else to_micros(time, "time"),
            count_of(size, "size"),
        )
        return None if cut is None else Cut(cut[0], tuple(cut[1]))


def segment(
    vectors: npt.ArrayLike | None = None,
    *,
    surprises: npt.ArrayLike | None = None,
    times: Sequence[Time] | npt.NDArray[np.int64] | None = None,
    sizes: npt.ArrayLike | None = None,
    gamma: float = 3.0,
    gamma_log_probability: float = 1.0,
    window: int = 32,
    min_size: int = 2,
    max_size: int = 25,
    gap: Duration | None = 1800,
    topic_window: int | None = None,
    gamma_topic: float = 0.5,
    refine: str | None = None,
) -> Segmentation:
    """Cut items into segments.

    Parameters
    ----------
    vectors
        ``[n, d]``.
    surprises
        ``[n]``, minus logarithms of probabilities.
    times
        ``[n]``.
    sizes
        ``[n]`` whole numbers.
    gamma, gamma_log_probability, window, min_size, max_size, gap
        As of :class:`Segmenter`.
    topic_window
        Also cut where the topic changes, seen from both sides: in valleys of the cosine between the means of
        so many items before and after (Hearst, "TextTiling", 1997, with vectors in the place of words). 8
        does well for turns of a conversation; None for no such cuts.
    gamma_topic
        Deviations over the mean that the depth of such a valley has to be.
    refine
        Move cuts, but those of gaps, to where they part what belongs together least: ``"modularity"`` or
        ``"conductance"`` of the cosines above zero, in a window that reaches half a segment to each side.

    Raises
    ------
    InvalidArgument
        If nothing is given, lengths differ, or an argument is out of its domain.
    """
    rules = _rules(gamma, gamma_log_probability, window, min_size, max_size, gap)
    rows = None if vectors is None or _empty(vectors) else matrix(vectors, "vectors")
    expected = None if surprises is None else np.ascontiguousarray(surprises, dtype=np.float64)
    moments = None if times is None else times_array(times, "times")
    tokens = None if sizes is None else _sizes(sizes)
    columns = [x for x in (rows, expected, moments, tokens) if x is not None]
    if not columns:
        if vectors is None:
            raise InvalidArgument("vectors: expected vectors, surprises or times")
        return Segmentation(np.zeros(1, dtype=np.int64), [], np.empty(0, dtype=np.float32))
    count = len(columns[0])
    bounds, reasons, surprise = _segment(
        count,
        np.empty(0, dtype=np.float32) if rows is None else rows.reshape(-1),
        0 if rows is None else rows.shape[1],
        np.empty(0) if expected is None else _flat(expected, "surprises", count),
        np.empty(0, dtype=np.int64) if moments is None else _flat(moments, "times", count),
        np.empty(0, dtype=np.uint64) if tokens is None else _flat(tokens, "sizes", count),
        rules,
        None
        if topic_window is None
        else (count_of(topic_window, "topic_window", 1), float_of(gamma_topic, "gamma_topic")),
        None if refine is None else one_of(refine, OBJECTIVES, "refine"),
    )
    return Segmentation(bounds, [tuple(names) for names in reasons], surprise)


def merge_episodes(
    vectors: npt.ArrayLike,
    starts: Sequence[Time] | npt.NDArray[np.int64],
    ends: Sequence[Time] | npt.NDArray[np.int64],
    *,
    nearest: int = 5,
    cosine: float = 0.85,
    gap: Duration = 3600,
) -> Ids:
    """Return the number of the group of each episode: that of an earlier one it goes on with, or a new one.

    Of the `nearest` earlier groups that with the greatest cosine is taken, if it is at least `cosine` and no
    more than `gap` lies between them (Nemori, 2508.03341).

    Parameters
    ----------
    vectors
        ``[n, d]``, one for each episode.
    starts, ends
        ``[n]``.

    Returns
    -------
    numpy.ndarray
        int64 ``[n]``, counting from 0 in order of the first of each group.
    """
    if _empty(vectors):
        return np.empty(0, dtype=np.int64)
    rows = matrix(vectors, "vectors")
    count = len(rows)
    return _merge(
        rows.reshape(-1),
        rows.shape[1],
        _flat(times_array(starts, "starts"), "starts", count),
        _flat(times_array(ends, "ends"), "ends", count),
        count_of(nearest, "nearest"),
        float_of(cosine, "cosine"),
        duration_micros(gap, "gap"),
    )


def _rules(
    gamma: object, gamma_log_probability: object, window: object, least: object, most: object, gap: object
) -> _Rules:
    return (
        float_of(gamma, "gamma"),
        float_of(gamma_log_probability, "gamma_log_probability"),
        count_of(window, "window"),
        count_of(least, "min_size"),
        count_of(most, "max_size"),
        None if gap is None else duration_micros(gap, "gap"),  # type: ignore[arg-type]  # Checked there.
    )


def _empty(value: object) -> bool:
    return hasattr(value, "__len__") and len(value) == 0


def _sizes(value: npt.ArrayLike) -> npt.NDArray[np.uint64]:
    found = np.asarray(value)
    if found.dtype.kind not in "iu":
        raise WrongType(f"sizes: expected whole numbers, found {found.dtype}")
    if found.size and int(found.min()) < 0:
        raise InvalidArgument("sizes: expected no negative numbers")
    return np.ascontiguousarray(found, dtype=np.uint64)


def _flat(values: npt.NDArray[_T], argument: str, count: int) -> npt.NDArray[_T]:
    if values.shape != (count,):
        raise InvalidArgument(f"{argument}: expected the shape ({count},), found {values.shape}")
    return values
