"""A layer in three states: tokens are as they came, in 8 bits, or gone, and go on only that way."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch

from recollect.checks import count_of
from recollect.errors import InvalidArgument
from recollect.kvcache.arrays import Foreign
from recollect.kvcache.budgets.arkv import ABSENT, Arkv, arkv_ranks
from recollect.kvcache.layer import Layer
from recollect.kvcache.selection import Kept
from recollect.kvcache.transformers.coded import Codecs, Coded
from recollect.kvcache.transformers.held import Held
from recollect.kvcache.transformers.layer import KVLayer
from recollect.kvcache.transformers.recent_queries import RecentQueries
from recollect.kvcache.transformers.tail import Tail

__all__ = ["ArkvLayer"]


class ArkvLayer(KVLayer):
    """One layer of :class:`~recollect.kvcache.transformers.ArkvKVCache`, which documents it.

    Parameters
    ----------
    config
        Of the model.
    capacity, interval
        Tokens of a head after a cut, and how many more there may be until the next one.
    settings, codecs
        Constants of the method, and the quantizers of keys and values in 8 bits.
    ended
        Called at the end of every step of the layer; who has seen all of them end calls :meth:`fall`.
    """

    needs_attention = True

    def __init__(
        self,
        config: Foreign,
        capacity: int,
        interval: int,
        settings: Arkv,
        codecs: Codecs,
        ended: Callable[[], None],
    ) -> None:
        self._room, self._settings, self._codecs = settings.room(capacity), settings, codecs
        self._capacity, self._interval = capacity, count_of(interval, "interval")
        self._ended = ended
        super().__init__(config)

    def forget(self) -> None:
        """Make the layer as it was at first."""
        super().forget()
        self._tail: Tail | None = None
        self._kept: Held | None = None
        self._coded: Coded | None = None
        self._queries = RecentQueries(self._settings.window)
        # For each sequence: its share, whether that is to be decided, and the column from which all is held.
        self._shares: npt.NDArray[np.float64] = np.zeros(0)
        self._open: npt.NDArray[np.bool_] = np.zeros(0, dtype=bool)
        self._since: npt.NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        # Of a cut whose shares are still to be decided: the ranks of what was kept.
        self._ranks: npt.NDArray[np.int32] | None = None
        self.qualities: npt.NDArray[np.float64] | None = None

    @property
    def nbytes(self) -> int:
        """Bytes held: tokens with their columns, codes, queries, and what is known of sequences."""
        parts = (self._tail, self._kept, self._coded, self._queries, self._shares, self._open, self._since)
        return sum(part.nbytes for part in parts if part is not None)

    @property
    def counts(self) -> npt.NDArray[np.int64]:
        """Tokens that each head holds, ``[batch, heads]``, in either state."""
        if self._tail is None:
            return np.zeros((0, 0), dtype=np.int64)
        found: npt.NDArray[np.int64] = self._tail.tokens().sum(-1).cpu().numpy()
        for part in (self._kept, self._coded):
            found = found if part is None else found + part.counts
        return found

    @property
    def coded_counts(self) -> npt.NDArray[np.int64]:
        """Tokens of each head that are in 8 bits, ``[batch, heads]``."""
        return np.zeros_like(self.counts) if self._coded is None else self._coded.counts

    @property
    def shares(self) -> npt.NDArray[np.float64]:
        """Which share of the older tokens that stay does so as it is, ``[batch]``; NaN until a cut."""
        return self._shares

    @property
    def settled(self) -> bool:
        """Whether no step is under way."""
        return self._step is None

    def held(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None] | None:
        """Return what was kept, what the codes stand for, and the tokens since the last cut."""
        if self._tail is None:
            return None
        tail = self._tail
        parts = [part.padded() for part in self._older(tail)]
        if not parts:
            return tail.keys, tail.values, None
        parts.append((tail.keys, tail.values, tail.columns()))
        keys, values, columns = (torch.cat(one, 2) for one in zip(*parts, strict=True))
        return keys, values, columns

    def settle(self, queries: torch.Tensor | None, present: torch.Tensor | None) -> None:
        """End a step, and say so."""
        super().settle(queries, present)
        self._ended()

    def store(
        self,
        keys: torch.Tensor,
        values: torch.Tensor,
        queries: torch.Tensor | None,
        present: torch.Tensor | None,
    ) -> None:
        """Take the tokens of a step; let go of some where there are too many."""
        batch = len(keys)
        if self._tail is None:
            self._tail = Tail(keys, values, present)
            self._shares, self._open = np.full(batch, np.nan), np.ones(batch, dtype=bool)
            self._since = np.zeros(batch, dtype=np.int64)
        else:
            self._tail.append(keys, values, present)
        if queries is not None:
            self._queries.add(queries, present)
        came = np.full(batch, keys.shape[2]) if present is None else present.sum(1).cpu().numpy()
        self._open = self._open | (came > 1)
        due = self.counts.max(1, initial=0) > self._capacity + self._interval
        if due.any():
            self._cut(self._tail, due)
            if self.qualities is None:
                self._fall()

    def take(self, sequences: torch.Tensor) -> None:
        """Make the layer one of these sequences."""
        if self._tail is None:
            return
        self._tail.take(sequences)
        self._kept = None if self._kept is None else self._kept.of(sequences)
        self._coded = None if self._coded is None else self._coded.of(sequences)
        self._queries.take(sequences)
        at = sequences.numpy()
        self._shares, self._open, self._since = self._shares[at], self._open[at], self._since[at]

    def drop_newest(self, count: int) -> None:
        """Forget the newest columns, as long as every head holds them as they came."""
        if self._tail is None:
            return
        self.check_newest(count)
        before = self.counts[:, 0]
        in_tail = min(count, len(self._tail))
        self._tail.drop_newest(in_tail)
        if self._kept is not None and count > in_tail:
            self._kept = self._kept.before(self.seen - count)
            self._tail.end = self.seen - count
        self._queries.drop_newest(torch.from_numpy(before - self.counts[:, 0]))

    def check_newest(self, count: int) -> None:
        """Raise unless every head holds these columns as they came."""
        held = self.seen - int(self._since.max(initial=0))
        if count > held:
            raise InvalidArgument(f"tokens_to_remove: {count}, of which {held} are as they came in all heads")

    def fall(self, shares: npt.NDArray[np.float64]) -> None:
        """Take the shares ``[batch]`` where :attr:`qualities` is a number, and give the states of the cut."""
        if self.qualities is not None:
            asked = ~np.isnan(self.qualities)
            self._shares = np.where(asked, shares, self._shares)
            self._open, self.qualities = self._open & ~asked, None
            self._fall()

    def _fall(self) -> None:
        """Put into 8 bits what was kept beyond the share of the layer."""
        if self._kept is None or self._ranks is None:
            return
        limits = np.rint(self._shares * self._room)
        falling = self._ranks >= np.repeat(limits, self._kept.counts.sum(1))
        self._ranks = None
        if falling.any():
            fallen, self._kept = self._kept.parted(falling)
            coded = Coded.made(fallen, self._codecs)
            self._coded = coded if self._coded is None else self._coded.joined(coded)

    def _older(self, tail: Tail) -> list[Held]:
        """Return what was kept at the last cut: as it came, and what codes stand for."""
        found = [] if self._kept is None else [self._kept]
        return found if self._coded is None else [*found, self._coded.decoded((tail.keys, tail.values))]

    def _cut(self, tail: Tail, due: npt.NDArray[np.bool_]) -> None:
        """Rank what some sequences hold, and let go of what is beyond the capacity."""
        own = tail.columns().masked_fill(~tail.tokens(), -1)
        older = [part.padded() for part in self._older(tail)]
        plain = [*older[:1], (tail.keys, tail.values, own)]
        keys, values, columns = (torch.cat(part, 2) for part in zip(*plain, strict=True))
        ranks, newest = self._ranked(
            torch.cat([keys, *(part[0] for part in older[1:])], 2),
            torch.cat([columns, *(part[2] for part in older[1:])], 2),
            due,
        )
        stay = ranks < self._room
        width = keys.shape[2]
        self._kept = Held.chosen(keys, values, columns, Kept.of_mask(stay[..., :width]))
        self._ranks = ranks[..., :width][stay[..., :width]]
        if self._coded is not None:
            self._coded = self._coded.where(stay[..., width:])
        self._since = np.maximum(self._since, newest)
        tail.drop_oldest(len(tail))

    def _ranked(
        self, keys: torch.Tensor, columns: torch.Tensor, due: npt.NDArray[np.bool_]
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
        """Return the ranks of all places, and where the window of each sequence begins; note the quality.

        Sequences that are not due keep all that they hold.
        """
        at = np.flatnonzero(due)
        chosen = torch.from_numpy(at).to(keys.device)
        rows, order = keys, None
        if self._kept is not None:
            order = columns.argsort(2)
            rows, columns = keys.gather(2, order[..., None].expand_as(keys)), columns.gather(2, order)
        placed = columns.cpu().numpy()
        queries = self._queries.newest(self.counts[:, 0])
        asked = None if queries is None else queries[chosen]
        # All heads hold as many tokens, so that one can speak for the others.
        layer = Layer(rows[chosen], None, asked, mask=placed[at, 0] >= 0)
        found = arkv_ranks(layer, self._settings, quality=bool(self._open[at].any()))
        ranks = np.where(placed >= 0, np.int32(-1), ABSENT)
        ranks[at] = found.ranks
        begun = np.zeros(len(due), dtype=np.int64)
        begun[at] = np.where(found.ranks < 0, placed[at], self.seen).min(2).max(1)
        if self._open[at].any():
            self.qualities = np.full(len(due), np.nan)
            self.qualities[at] = np.where(self._open[at], found.quality, np.nan)
        if order is not None:
            sorted_ranks, ranks = ranks, np.empty_like(ranks)
            np.put_along_axis(ranks, order.cpu().numpy(), sorted_ranks, 2)
        return ranks, begun
