"""A layer whose tokens get a state each as they age: gone, or kept by the quantizers of the state."""

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
import torch

from recollect.checks import count_of
from recollect.errors import InvalidArgument
from recollect.kvcache.arrays import Foreign, numbers, opened, received
from recollect.kvcache.budgets.rate_distortion import costs_of, rate_distortion
from recollect.kvcache.layer import Layer
from recollect.kvcache.mixed_cache import MixedCache, States
from recollect.kvcache.quantizers.plain import Plain
from recollect.kvcache.segments import Segment
from recollect.kvcache.tensors import tensor_like
from recollect.kvcache.transformers.layer import KVLayer
from recollect.kvcache.transformers.pieces import Pieces, attended, plain_pieces
from recollect.kvcache.transformers.recent_queries import RecentQueries
from recollect.kvcache.transformers.tail import Tail

__all__ = ["Allocate", "MixedLayer", "States", "within"]

Allocate = Callable[[Layer, int], Foreign]
"""Gives the states ``[batch, heads, tokens]`` of a layer, of which only the first so many are needed."""


def within(
    nbytes: float,
    codecs: States,
    score: Callable[[Layer], Foreign],
    distortions: Mapping[int, float] | None = None,
) -> Allocate:
    """Return a function that gives states at the least distortion that so many bytes a token can buy.

    Parameters
    ----------
    nbytes
        Of a token of one head, on average over the heads of a sequence; keys, values and position.
    codecs
        The states.
    score
        The weights of tokens, none below zero.
    distortions
        Of the states, as :func:`recollect.kvcache.budgets.costs_of` takes them.
    """

    def allocate(layer: Layer, count: int) -> Foreign:
        weights = numbers(received(score(layer), "score", 3))[:, :, :count]
        value_dim = None if layer.values is None else layer.values.shape[3]
        costs = costs_of(_sized(codecs, layer), layer.shape[3], value_dim, distortions=distortions)
        tables = [
            rate_distortion(one[None], int(nbytes * (one > -np.inf).sum()), costs, scope="sequence")
            for one in weights
        ]
        return np.concatenate(tables)

    return allocate


def _sized(codecs: States, layer: Layer) -> States:
    """Return quantizers that know how many bytes an element of the layer has where it stays as it is."""
    plain = Plain(layer.keys.dtype.itemsize)
    return {
        state: (plain if pair[0] == "plain" else pair[0], plain if pair[1] == "plain" else pair[1])
        for state, pair in codecs.items()
    }


class MixedLayer(KVLayer):
    """One layer of :class:`~recollect.kvcache.transformers.MixedKVCache`, which documents it."""

    needs_attention = True

    def __init__(
        self,
        config: Foreign,
        allocate: Allocate,
        codecs: States,
        *,
        n_sink: int,
        residual: int,
        block: int,
        queries: int,
        on_codes: bool,
    ) -> None:
        self._allocate, self._codecs, self._on_codes = allocate, codecs, on_codes
        self._n_sink, self._residual = count_of(n_sink, "n_sink"), count_of(residual, "residual")
        self._block, self._width = count_of(block, "block", 1), count_of(queries, "queries")
        super().__init__(config)

    def forget(self) -> None:
        """Make the layer as it was at first."""
        super().forget()
        self._aged: list[list[tuple[int, Segment]]] = []
        self._tail: Tail | None = None
        self._queries = RecentQueries(self._width)
        self._begun: npt.NDArray[np.int64] = np.zeros(0, dtype=np.int64)

    @property
    def nbytes(self) -> int:
        """Bytes held: codes and positions, the newest tokens, and queries; what is shared counts once."""
        aged = {id(segment): segment.nbytes for one in self._aged for _, segment in one}
        tail = 0 if self._tail is None else self._tail.nbytes
        return sum(aged.values()) + tail + self._queries.nbytes + self._begun.nbytes

    def held(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None] | None:
        """Return what the codes stand for, and the tokens since then."""
        if self._tail is None:
            return None
        if not any(self._aged):
            # Blocks of which nothing was kept still leave their columns out.
            gone = self._tail.end > len(self._tail)
            return self._tail.keys, self._tail.values, self._tail.columns() if gone else None
        keys, values, columns = self._decoded(self._tail)
        return (
            torch.cat([keys, self._tail.keys], 2),
            torch.cat([values, self._tail.values], 2),
            torch.cat([columns, self._tail.columns()], 2),
        )

    def store(
        self,
        keys: torch.Tensor,
        values: torch.Tensor,
        queries: torch.Tensor | None,
        present: torch.Tensor | None,
    ) -> None:
        """Take the tokens of a step; give states to whole blocks that are old enough."""
        if self._tail is None:
            self._tail = Tail(keys, values, present)
            self._aged = [[] for _ in range(len(keys))]
            self._begun = np.zeros(len(keys), dtype=np.int64)
        else:
            self._tail.append(keys, values, present)
        if queries is not None:
            self._queries.add(queries, present)
        count = max(len(self._tail) - self._residual, 0) // self._block * self._block
        if count:
            self._age(self._tail, count)

    def attended(
        self, queries: torch.Tensor, present: torch.Tensor | None, scaling: float | None
    ) -> torch.Tensor | None:
        """Attend to the codes where that was asked for and one token came, in the memory of the CPU."""
        single = queries.shape[2] == 1 and present is None and queries.device.type == "cpu"
        if not (self._on_codes and single) or self._tail is None or self._step is None:
            return None
        own = zip(
            plain_pieces(self._tail.keys, self._tail.values, self._tail.present),
            plain_pieces(*self._step),
            self._aged,
            strict=True,
        )
        keys, values = self._step
        pieces = Pieces(
            [[*(segment for _, segment in aged), *newer] for *newer, aged in own],
            keys.shape[1], keys.shape[3], values.shape[3],
        )  # fmt: skip
        output = attended(queries, pieces, scaling)
        self.settle(queries, None)
        return output

    def take(self, sequences: torch.Tensor) -> None:
        """Make the layer one of these sequences."""
        if self._tail is not None:
            self._tail.take(sequences)
            self._aged = [list(self._aged[at]) for at in sequences.tolist()]
            self._begun = self._begun[sequences.numpy()]
            self._queries.take(sequences)

    def drop_newest(self, count: int) -> None:
        """Forget the newest columns, as long as they have no state yet."""
        if self._tail is not None:
            self.check_newest(count)
            gone = self._tail.tokens()[:, 0, len(self._tail) - count :].sum(1)
            self._tail.drop_newest(count)
            self._queries.drop_newest(gone.cpu())

    def check_newest(self, count: int) -> None:
        """Raise unless these columns have no state yet."""
        if self._tail is not None and count > len(self._tail):
            raise InvalidArgument(f"tokens_to_remove: {count}, of which {len(self._tail)} are as they came")

    def _age(self, tail: Tail, count: int) -> None:
        mask = tail.tokens()[:, 0].cpu().numpy()
        queries = self._queries.newest(mask.sum(1))
        if (
            queries is not None
            and queries.shape[2] == mask.shape[1]
            and not (mask[:, 1:] >= mask[:, :-1]).all()
        ):
            # As many queries as places would be taken to lie at these places.
            queries = queries[:, :, 1:]
        layer = Layer(tail.keys, tail.values, queries, mask=mask)
        states = np.array(opened(self._allocate(layer, count), "states"))[:, :, :count]
        old = mask[:, :count]
        # Sinks are the first tokens of a sequence, wherever its padding ends.
        places = self._begun[:, None] + old.cumsum(1) - 1
        sinks = old & (places < self._n_sink)
        states = np.where(sinks[:, None], max(self._codecs), np.where(old[:, None], states, 0))
        aged = MixedCache(tail.keys[:, :, :count], tail.values[:, :, :count], states, self._codecs)
        first = tail.end - len(tail)
        for index, own in enumerate(self._aged):
            own += [(first, segment) for segment in aged.segments(index)]
        self._begun = self._begun + old.sum(1)
        tail.drop_oldest(count)

    def _decoded(self, tail: Tail) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        batch, heads = tail.keys.shape[:2]
        counts = np.zeros((batch, heads), dtype=np.int64)
        for index, own in enumerate(self._aged):
            for _, segment in own:
                counts[index, segment.heads] += len(segment.positions)
        longest = int(counts.max(initial=0))
        columns = np.full((batch, heads, longest), -1, dtype=np.int32)
        whole = [
            np.zeros((batch, heads, longest, one.shape[3]), dtype=np.float32)
            for one in (tail.keys, tail.values)
        ]
        counts[:] = 0
        for index, own in enumerate(self._aged):
            for first, segment in own:
                at = counts[index, segment.first]
                rows = slice(at, at + len(segment.positions))
                columns[index, segment.heads, rows] = first + segment.positions.astype(np.int64)
                for part, into in zip((segment.keys, segment.values), whole, strict=True):
                    into[index, segment.heads, rows] = part.dequantize(backend="rust")
                counts[index, segment.heads] += len(segment.positions)
        keys, values = (tensor_like(part, tail.keys).to(tail.keys.dtype) for part in whole)
        return keys, values, tensor_like(columns, tail.keys)
