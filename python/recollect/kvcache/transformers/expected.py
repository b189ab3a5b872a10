"""Expected attention for a cache that evicts: the statistics of its queries, kept up with every step."""

import numpy as np
import numpy.typing as npt

from recollect.kvcache.arrays import Array, Foreign, numbers, opened, received
from recollect.kvcache.layer import Layer
from recollect.kvcache.query_stats import QueryStats
from recollect.kvcache.rotary import Rope
from recollect.kvcache.scores.expected_attention import expected_attention
from recollect.kvcache.selection import Kept

__all__ = ["ExpectedAttention"]


class ExpectedAttention:
    """Score by the attention that queries are expected to pay at the next positions.

    Queries are turned back to where they were before RoPE; positions count the tokens of a sequence from 0.

    Parameters
    ----------
    inv_freq
        Radians a token of each pair of dimensions, as ``model.model.rotary_emb.inv_freq`` has them.
    skip
        First tokens whose queries do not count.
    **options
        For :func:`recollect.kvcache.scores.expected_attention`.

    Examples
    --------
    >>> from functools import partial
    >>> score = partial(ExpectedAttention, model.model.rotary_emb.inv_freq)    # doctest: +SKIP
    >>> cache = EvictingKVCache(model.config, 512, score=score)                # doctest: +SKIP
    """

    def __init__(self, inv_freq: Foreign, *, skip: int = 4, **options: Foreign) -> None:
        self._frequencies: Array = numbers(received(inv_freq, "inv_freq", 1)).astype(np.float64)
        self._statistics = QueryStats(skip=skip)
        self._options = options
        self._seen: npt.NDArray[np.int64] = np.zeros(0, dtype=np.int64)

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return self._statistics.nbytes + self._seen.nbytes + self._frequencies.nbytes

    def observe(self, layer: Layer) -> None:
        """Count the queries of new tokens."""
        layer.needs("queries", by="expected_attention")
        rope = Rope(self._frequencies)
        new = [one.queries for one in layer.sequences()]
        if not len(self._seen):
            self._seen = np.zeros(len(new), dtype=np.int64)
        counts = np.array([rows.shape[2] for rows in new], dtype=np.int64)
        group, dim = layer.group * layer.shape[1], layer.shape[3]
        before = np.zeros((len(new), group, int(counts.max(initial=0)), dim))
        for index, rows in enumerate(new):
            places = self._seen[index] + np.arange(counts[index])
            before[index, :, : counts[index]] = rope.moved(rows.reshape(group, -1, dim), -places)
        self._statistics.observe(before, lengths=counts)
        self._seen = self._seen + counts

    def scores(self, layer: Layer) -> Foreign:
        """Return the scores of the tokens that are held."""
        return expected_attention(
            layer,
            statistics=self._statistics,
            inv_freq=self._frequencies,
            next_positions=self._seen,
            **self._options,
        )

    def keep(self, kept: Kept) -> None:
        """Do nothing: queries count whatever becomes of their tokens."""

    def take(self, sequences: Foreign) -> None:
        """Keep some sequences."""
        at = opened(sequences, "sequences")
        self._statistics.take(at)
        self._seen = self._seen[at]
