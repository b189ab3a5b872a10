"""Attention received so far (Zhang and others, "H2O: heavy-hitter oracle", 2023)."""

import numpy as np

from recollect import _native
from recollect.checks import count_of, one_of, unit
from recollect.errors import InvalidArgument
from recollect.kvcache.arrays import Array, Foreign, library_of, opened, table_of
from recollect.kvcache.layer import Layer, Sequence
from recollect.kvcache.selection import Kept
from recollect.kvcache.softmax import REDUCTIONS, over_group, probabilities, query_blocks

__all__ = ["HeavyHitters", "heavy_hitter"]

_NORMS = ("none", "exposure")


class HeavyHitters:
    """What each token of a growing cache has received, kept up with every step; it lies where the cache lies.

    Parameters
    ----------
    norm
        ``"exposure"`` divides by the queries that could see the token, which old ones have more of.
    decay
        What a step of one query leaves of what was received before, 0 to 1.
    reduce
        How the query heads of a head become one score: ``"mean"``, ``"max"`` or ``"sum"``; on a CPU NumPy
        has ``"max"``.
    """

    def __init__(self, *, norm: str = "none", decay: float = 1.0, reduce: str = "mean") -> None:
        self._norm, self._decay = one_of(norm, _NORMS, "norm"), unit(decay, "decay")
        self._reduce = one_of(reduce, REDUCTIONS, "reduce")
        self._received = np.zeros((0, 0, 0))
        self._exposed = np.zeros((0, 0, 0))

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return self._received.nbytes + self._exposed.nbytes

    def take(self, sequences: Foreign) -> None:
        """Make the state that of these of its sequences, int64 ``[n]``; one may come several times."""
        at = table_of(sequences, "sequences")
        self._received, self._exposed = (
            part[library_of(part).asarray(at)] for part in (self._received, self._exposed)
        )

    def observe(self, layer: Layer) -> None:
        """Add what the queries of a layer pay to its keys.

        Parameters
        ----------
        layer
            All keys of the cache, those observed before in front in their order, and the queries of new
            tokens.

        Raises
        ------
        InvalidArgument
            If the layer has no queries, other sequences or heads, or fewer tokens than were observed.
        """
        layer.needs("queries", by="heavy_hitter")
        self._grow(layer.shape[:3])
        if layer.has_kernels(queries=True):
            from recollect.kvcache.cuda.hitting import added

            state = self._received, self._exposed
            self._received, self._exposed = layer.by_kernels(
                lambda cached: added(cached, state, self._decay, self._reduce), back=False
            )
            return
        self._received, self._exposed = _here(self._received), _here(self._exposed)
        # The greatest of a group is that of each query, which sums over queries do not tell.
        native = None if self._reduce == "max" else layer.native(queries=True)
        if native is not None:
            given = native.keys, native.values, native.queries, native.present
            most = layer.shape[2]
            sums, votes = _native.kvcache_received(*given, most, self._decay, native.threads)
            self._add(layer, sums, votes)
            return
        for one in layer.sequences():
            received, exposed = self._received[one.index], self._exposed[one.index]
            for rows in query_blocks(one):
                paid = over_group(probabilities(one, rows), self._reduce)
                places = one.query_places[rows]
                # The newest query counts in full, each before it one decay less.
                fade = self._decay ** np.arange(len(places) - 1, -1, -1.0)
                seen = (one.places <= places[:, None]) * fade[:, None]
                left = self._decay ** len(places)
                received[:, one.tokens] = received[:, one.tokens] * left + (paid * fade[:, None]).sum(1)
                exposed[:, one.tokens] = exposed[:, one.tokens] * left + seen.sum(0)

    def _add(self, layer: Layer, sums: Array, votes: list[int]) -> None:
        batch, heads, tokens, _ = layer.shape
        paid = over_group(sums.reshape(batch, heads, layer.group, tokens).astype(np.float64), self._reduce, 2)
        for index, present in enumerate(layer.present):
            where = np.flatnonzero(present)
            places = np.flatnonzero(~np.isnan(paid[index, 0, where]))
            at = where[places]
            fade = self._decay ** np.arange(votes[index] - 1, -1, -1.0)
            # What the queries that come after a token weigh, all of them where it came before them.
            later = np.concatenate([np.cumsum(fade[::-1])[::-1], [0.0]])
            first = layer.query_places(index)
            seen = later[np.searchsorted(first, places, "left")]
            left = self._decay ** votes[index]
            self._received[index][:, at] = self._received[index][:, at] * left + paid[index][:, at]
            self._exposed[index][:, at] = self._exposed[index][:, at] * left + seen

    def keep(self, kept: Kept) -> None:
        """Forget all but the tokens kept, and move these to the front as :func:`compact_in_place` does.

        Raises
        ------
        InvalidArgument
            If `kept` is of a cache of another shape, or heads of a sequence keep different numbers of tokens:
            their layer would have no lengths.
        """
        if kept.shape != self._received.shape:
            raise InvalidArgument(f"kept: of a cache {kept.shape}, this one is {self._received.shape}")
        if (kept.counts != kept.counts[:, :1]).any():
            raise InvalidArgument("kept: heads of a sequence keep different numbers of tokens")
        longest = int(kept.counts.max(initial=0))
        which = np.zeros((*kept.shape[:2], longest), dtype=np.int64)
        for (batch, head), indices in kept.by_head():
            which[batch, head, : len(indices)] = indices
        stays = np.arange(longest) < kept.counts[..., None]
        self._received = _moved(self._received, which, stays)
        self._exposed = _moved(self._exposed, which, stays)

    def scores(self, layer: Layer) -> Foreign:
        """Return the scores of the tokens of a layer, which is the cache as it was observed last.

        Returns
        -------
        array
            float32 ``[batch, heads, tokens]``.
        """
        if self._received.shape != layer.shape[:3]:
            raise InvalidArgument(f"layer: {layer.shape[:3]}, observed was {self._received.shape}")
        if layer.has_kernels():
            from recollect.kvcache.cuda.hitting import hits

            state, exposure = (self._received, self._exposed), self._norm == "exposure"
            return layer.by_kernels(lambda cached: hits(cached, state, exposure))
        self._received, self._exposed = _here(self._received), _here(self._exposed)
        return layer.scored(self._score)

    def _score(self, one: Sequence) -> Array:
        received: Array = self._received[one.index][:, one.tokens]
        exposed: Array = self._exposed[one.index][:, one.tokens]
        return received / np.maximum(exposed, 1e-300) if self._norm == "exposure" else received

    def _grow(self, shape: tuple[int, int, int]) -> None:
        held = self._received.shape
        if held == (0, 0, 0):
            held = (*shape[:2], 0)
            self._received, self._exposed = np.zeros(held), np.zeros(held)
        if held[:2] != shape[:2] or held[2] > shape[2]:
            raise InvalidArgument(f"layer: {shape} does not go on from {held}")
        more = count_of(shape[2] - held[2], "tokens")
        if more:
            self._received, self._exposed = _longer(self._received, more), _longer(self._exposed, more)


def _longer(state: Array, more: int) -> Array:
    library = library_of(state)
    empty = library.zeros((*state.shape[:2], more), state.dtype)
    longer: Array = library.concatenate([state, empty], axis=2)
    return longer


def _moved(state: Array, which: Array, stays: Array) -> Array:
    library = library_of(state)
    moved: Array = library.take_along_axis(state, library.asarray(which), 2) * library.asarray(stays)
    return moved


def _here(state: Array) -> Array:
    return opened(state, "state")


def heavy_hitter(layer: Layer, *, norm: str = "none", decay: float = 1.0, reduce: str = "mean") -> Foreign:
    """Score by all that the queries of the layer pay to a token; :class:`HeavyHitters` does it in steps.

    Parameters
    ----------
    layer
        Its keys and queries; those of all tokens for the score of the method.
    norm, decay, reduce
        As for :class:`HeavyHitters`.

    Returns
    -------
    array
        float32 ``[batch, heads, tokens]``.

    Raises
    ------
    InvalidArgument
        If the layer has no queries.
    """
    state = HeavyHitters(norm=norm, decay=decay, reduce=reduce)
    state.observe(layer)
    return state.scores(layer)
