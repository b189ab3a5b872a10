"""A layer that keeps the best tokens of each head, and the newest ones until it is cut again."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from recollect.checks import count_of
from recollect.errors import InvalidArgument
from recollect.kvcache.arrays import Foreign, opened
from recollect.kvcache.layer import Layer
from recollect.kvcache.selection import select
from recollect.kvcache.transformers.held import Held
from recollect.kvcache.transformers.layer import KVLayer
from recollect.kvcache.transformers.recent_queries import RecentQueries, aligned
from recollect.kvcache.transformers.scoring import Score, queries_of, scorer_of
from recollect.kvcache.transformers.tail import Tail

__all__ = ["Budget", "EvictingLayer"]

Budget = int | npt.NDArray[np.integer] | Callable[[Foreign], npt.ArrayLike]
"""Tokens of each head: a number, an array ``[heads]`` or ``[batch, heads]``, or a function of the scores."""


class EvictingLayer(KVLayer):
    """One layer of :class:`~recollect.kvcache.transformers.EvictingKVCache`, which documents it."""

    needs_attention = True

    def __init__(
        self,
        config: Foreign,
        budget: Budget,
        *,
        score: Score,
        n_sink: int,
        n_recent: int,
        interval: int,
        queries: int | None,
    ) -> None:
        self._budget, self._score = budget, score
        self._n_sink, self._n_recent = count_of(n_sink, "n_sink"), count_of(n_recent, "n_recent")
        self._interval = count_of(interval, "interval")
        self._width = queries_of(score) if queries is None else count_of(queries, "queries")
        super().__init__(config)

    def forget(self) -> None:
        """Make the layer as it was at first."""
        super().forget()
        self._kept: Held | None = None
        self._tail: Tail | None = None
        self._scorer = scorer_of(self._score)
        self._queries = RecentQueries(self._width)
        # How many of the newest tokens all heads hold: only their queries see what they saw.
        self._run: npt.NDArray[np.int64] = np.zeros(0, dtype=np.int64)

    @property
    def nbytes(self) -> int:
        """Bytes held: tokens with their columns, queries, and what the score remembers."""
        parts = (self._kept, self._tail, self._queries, self._scorer)
        return self._run.nbytes + sum(part.nbytes for part in parts if part is not None)

    @property
    def counts(self) -> npt.NDArray[np.int64]:
        """Tokens that each head holds, ``[batch, heads]``; padding is none."""
        if self._tail is None:
            return np.zeros((0, 0), dtype=np.int64)
        found: npt.NDArray[np.int64] = self._tail.tokens().sum(-1).cpu().numpy()
        return found if self._kept is None else found + self._kept.counts

    def kept_columns(self) -> list[list[npt.NDArray[np.int64]]]:
        """Return which columns of the input each head of each sequence holds, ascending."""
        if self._tail is None:
            return []
        there = self._there(self._tail)
        columns, present = there.columns.cpu().numpy(), there.present.cpu().numpy()
        return [
            [row[mask].astype(np.int64) for row, mask in zip(rows, masks, strict=True)]
            for rows, masks in zip(columns, present, strict=True)
        ]

    def held(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None] | None:
        """Return what was kept and the tokens since then."""
        if self._tail is None:
            return None
        if self._kept is None:
            return self._tail.keys, self._tail.values, None
        there = self._there(self._tail)
        return there.keys, there.values, there.columns

    def store(
        self,
        keys: torch.Tensor,
        values: torch.Tensor,
        queries: torch.Tensor | None,
        present: torch.Tensor | None,
    ) -> None:
        """Take the tokens of a step; cut each head to its budget when one is too far above it."""
        if self._tail is None:
            self._tail, self._run = Tail(keys, values, present), np.zeros(len(keys), dtype=np.int64)
        else:
            self._tail.append(keys, values, present)
        self._run = self._run + (keys.shape[2] if present is None else present.sum(1).cpu().numpy())
        if queries is not None:
            self._queries.add(queries, present)
            if self._scorer.state is not None:
                there = self._there(self._tail)
                whole = queries.shape[2] == there.keys.shape[2]
                rows = queries if whole else aligned(queries, present)
                self._scorer.observe(self._layer(rows, there, raw=whole))
        if self._too_long(self._tail):
            self._cut(self._tail)

    def take(self, sequences: torch.Tensor) -> None:
        """Make the layer one of these sequences."""
        if self._tail is None:
            return
        heads = self._tail.keys.shape[1]
        self._tail.take(sequences)
        self._kept = None if self._kept is None else self._kept.of(sequences)
        self._run = self._run[sequences.numpy()]
        self._queries.take(sequences)
        self._scorer.take(sequences, heads)

    def drop_newest(self, count: int) -> None:
        """Forget the newest columns, as long as every head still holds them."""
        if self._tail is None:
            return
        self.check_newest(count)
        first = self.seen - count
        # Every head holds all tokens from there on, so that one can speak for the others.
        gone = np.array([(rows[0] >= first).sum() for rows in self.kept_columns()], dtype=np.int64)
        in_tail = min(count, len(self._tail))
        self._tail.drop_newest(in_tail)
        if self._kept is not None and count > in_tail:
            self._kept = self._kept.before(first)
            self._tail.end = first
        self._run = self._run - gone
        self._queries.drop_newest(torch.from_numpy(gone))

    def check_newest(self, count: int) -> None:
        """Raise unless every head holds all tokens of these columns, and the score can forget them."""
        if self._tail is None:
            return
        if self._scorer.state is not None:
            raise InvalidArgument("tokens_to_remove: this score remembers what newer tokens looked at")
        if count <= len(self._tail):
            return
        for rows, run in zip(self.kept_columns(), self._run.tolist(), strict=True):
            begin = self.seen if not run else int(rows[0][-run])
            if self.seen - count < begin:
                raise InvalidArgument(
                    f"tokens_to_remove: {count}, but some heads have let go of tokens; "
                    f"{self.seen - begin} are held by all"
                )

    def _there(self, tail: Tail) -> "_There":
        if self._kept is None:
            return _There(tail.keys, tail.values, tail.columns(), tail.tokens())
        keys, values, columns = self._kept.padded()
        return _There(
            torch.cat([keys, tail.keys], 2),
            torch.cat([values, tail.values], 2),
            torch.cat([columns, tail.columns()], 2),
            torch.cat([columns >= 0, tail.tokens()], 2),
        )

    def _layer(self, queries: torch.Tensor | None, there: "_There", *, raw: bool = False) -> Layer:
        """Return what is held; each head as a sequence where heads hold different places, or a state asks."""
        mask = there.present.cpu().numpy()
        flush = bool((mask[..., 1:] >= mask[..., :-1]).all())
        if queries is not None and queries.shape[2] == mask.shape[2] and not (flush or raw):
            # As many queries as places would be taken to lie at these places.
            queries = queries[:, :, 1:]
        if self._scorer.state is None and (mask == mask[:, :1]).all():
            return Layer(there.keys, there.values, queries, mask=mask[:, 0])
        single = mask.shape[0] * mask.shape[1]
        if queries is not None:
            queries = queries.reshape(single, -1, *queries.shape[2:])
        rows = [part.reshape(single, 1, *part.shape[2:]) for part in (there.keys, there.values)]
        return Layer(rows[0], rows[1], queries, mask=mask.reshape(single, -1))

    def _too_long(self, tail: Tail) -> bool:
        if callable(self._budget):
            return len(tail) > self._interval
        limits = np.broadcast_to(np.asarray(self._budget), tail.keys.shape[:2])
        return bool((self.counts > limits + self._interval).any())

    def _cut(self, tail: Tail) -> None:
        there = self._there(tail)
        layer = self._layer(self._queries.newest(self._run), there)
        found = opened(self._scorer.scores(layer), "scores").reshape(there.present.shape)
        limits = self._budget(layer.returned(found)) if callable(self._budget) else self._budget
        kept = select(found, limits, n_sink=self._n_sink, n_recent=self._n_recent)
        self._run = _trailing(kept.mask(), there.present.cpu().numpy())
        self._kept = Held.chosen(there.keys, there.values, there.columns, kept)
        tail.drop_oldest(len(tail))
        self._scorer.keep(kept)


@dataclass(frozen=True, slots=True, eq=False)
class _There:
    """All that is held, in rectangles: ``[batch, heads, n, ...]``, and which places of it hold a token."""

    keys: torch.Tensor
    values: torch.Tensor
    columns: torch.Tensor
    present: torch.Tensor


def _trailing(kept: npt.NDArray[np.bool_], present: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Return how many of the newest tokens every head of a sequence kept."""
    found = np.zeros(kept.shape[:2], dtype=np.int64)
    for at in np.ndindex(found.shape):
        backwards = kept[at][present[at]][::-1]
        found[at] = len(backwards) if backwards.all() else int(np.argmin(backwards))
    run: npt.NDArray[np.int64] = found.min(1)
    return run
