"""Attention over chunks of a memory, then over what is in the best of them.

>>> import numpy as np
>>> from recollect.attention import two_level_read
>>> chunks = [np.eye(4)[:2], np.eye(4)[2:]]
>>> read = two_level_read(8 * np.eye(4)[3], chunks, k=1)
>>> read.chunks.tolist(), int(read.value.argmax())
([1], 3)
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from recollect.checks import Ids, count_of, matrix
from recollect.embedding.protocol import Vectors
from recollect.errors import DimensionMismatch, InvalidArgument

__all__ = ["TwoLevelRead", "two_level_read"]


@dataclass(frozen=True, slots=True, eq=False)
class TwoLevelRead:
    """What was read.

    Parameters
    ----------
    value
        float32 ``[v]``: the weighted sum of the values.
    chunks
        int64 ``[k]``: the chunks that were opened, best first.
    weights
        float32 ``[k]``: how much each counts; they sum to one.
    """

    value: Vectors
    chunks: Ids
    weights: Vectors


def two_level_read(
    query: npt.ArrayLike,
    keys: Sequence[npt.ArrayLike],
    values: Sequence[npt.ArrayLike] | None = None,
    *,
    summaries: npt.ArrayLike | None = None,
    k: int = 8,
) -> TwoLevelRead:
    """Read a memory of chunks: the `k` with the best keys are opened, and their items are attended to.

    The weight of a chunk is the softmax over those opened of ``q · K / sqrt(d)``; inside each, that of
    an item the softmax of ``q · k / sqrt(d)`` (HCAM, Lampinen et al., 2105.14039). It costs a look at all
    chunks and at the items of `k`, in place of at all items.

    Parameters
    ----------
    query
        ``[d]``.
    keys
        Of each chunk ``[m, d]``, one for each item.
    values
        Of each chunk ``[m, v]``; the keys where there are none.
    summaries
        ``[c, d]``, the key of each chunk; the means of the keys of its items where there are none.
    k
        Chunks that are opened.

    Raises
    ------
    InvalidArgument, DimensionMismatch
        If shapes do not fit, or a chunk is empty.
    """
    asked = matrix(query, "query")
    if len(asked) != 1:
        raise InvalidArgument(f"query: expected the shape (d,), found {asked.shape}")
    dim = asked.shape[1]
    most = count_of(k, "k", 1)
    inside = [matrix(chunk, f"keys[{at}]", dim) for at, chunk in enumerate(keys)]
    told = inside if values is None else [matrix(one, f"values[{at}]") for at, one in enumerate(values)]
    if not inside or [len(one) for one in inside] != [len(one) for one in told]:
        raise InvalidArgument("values: expected a value for each key, and at least one chunk")
    if any(len(one) == 0 for one in inside):
        raise InvalidArgument("keys: a chunk has no items")
    if len({one.shape[1] for one in told}) > 1:
        raise DimensionMismatch("values: chunks of different dimensions")
    if summaries is None:
        above = np.stack([one.mean(axis=0) for one in inside])
    else:
        above = matrix(summaries, "summaries", dim)
        if len(above) != len(inside):
            raise InvalidArgument(f"summaries: {len(above)} for {len(inside)} chunks")
    row, scale = asked[0].astype(np.float64), float(np.sqrt(dim))
    logits = above.astype(np.float64) @ row / scale
    opened = np.argsort(-logits, kind="stable")[:most].astype(np.int64)
    weights = _softmax(logits[opened])
    value = np.zeros(told[0].shape[1])
    for weight, chunk in zip(weights.tolist(), opened.tolist(), strict=True):
        items = _softmax(inside[chunk].astype(np.float64) @ row / scale)
        value += weight * (items @ told[chunk].astype(np.float64))
    return TwoLevelRead(value.astype(np.float32), opened, weights.astype(np.float32))


def _softmax(logits: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    powers = np.exp(logits - logits.max())
    return np.asarray(powers / powers.sum())
