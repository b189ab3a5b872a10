"""Ranks of tokens by their spread in the range of the partition that follows."""

from dataclasses import dataclass

import numpy as np

from recollect.errors import InvalidArgument
from recollect.gpu.device import Array, Kernel
from recollect.kvcache.cuda.cached import Cached, in_pieces, lanes_for, rows_arguments
from recollect.kvcache.cuda.handing import Handed

__all__ = ["lag_ranks"]

_THREADS, _WARPS = 256, 8
_BLOCKS = 8
"""Blocks of a multiprocessor, of those that take partitions one after the other."""


def lag_ranks(cached: Cached, n_sink: int, lag: int, eps: float) -> Array:
    """Return scores of :func:`recollect.kvcache.scores.lag_relative`, float32 ``[batch, heads, tokens]``.

    Raises
    ------
    InvalidArgument
        If a partition and its channels are more than a block of the device can share.
    """
    batch, heads, tokens, _ = cached.shape
    xp, parts = cached.device.xp, max(tokens - n_sink, 0) // lag
    out = xp.empty((batch, heads, tokens), np.float32)
    if not out.size:
        return out
    if parts < 2:
        _raise_all(cached, out)
        return out
    assert cached.values is not None  # The layer was asked for them.
    ranking = _Ranking(n_sink, lag, parts, eps, xp.empty((batch, heads, parts, lag), np.float32), out)
    both = cached.keys, cached.values
    each = [_rows_each(part, lag) for part in both]
    unknown = [name for name in ("keys", "values") if name not in cached.sound]
    if not all(each) or not unknown:
        _raise_all(cached, out)
        ranking.rank(cached, each)
        return out
    # All tokens that are there count, nearly always. Where ranking them finds one that does not, ranks are
    # made again; that is for the device to know, and nobody waits for it.
    for name in unknown:
        there = xp.ones((batch, tokens), np.uint8) if cached.present is None else cached.present.copy()
        cached.sound[name] = there
    broken = xp.zeros(1, np.uint32)
    _raise_all(cached, out)
    ranking.rank(cached, each, broken)
    for name in unknown:
        part = cached.keys if name == "keys" else cached.values
        cached.look_at(part, cached.present, cached.sound[name], broken)
    _raise_all(cached, out, broken)
    ranking.rank(cached, each, only=broken)
    return out


@dataclass(frozen=True, slots=True, eq=False)
class _Ranking:
    """What is ranked, and where it goes."""

    n_sink: int
    lag: int
    parts: int
    eps: float
    shares: Array
    out: Array

    def rank(
        self, cached: Cached, each: list[int], broken: Array | None = None, only: Array | None = None
    ) -> None:
        """Rank keys and values, by rows of a group in a partition where these are read once, else 0."""
        assert cached.values is not None
        listed = cached.listed()
        for last, (part, rows) in enumerate(zip((cached.keys, cached.values), each, strict=True)):
            if rows:
                self._rank_chains(cached, part, listed, last, rows, broken, only)
            else:
                self._rank_apart(cached, part, listed, last)

    def _rank_chains(
        self,
        cached: Cached,
        part: Handed,
        listed: tuple[Array, Array],
        last: int,
        rows: int,
        broken: Array | None,
        only: Array | None,
    ) -> None:
        batch, heads, _, _ = cached.shape
        kernel, _ = lanes_for(part, Kernel("scores_chain", "rank_chains"))
        kernel = kernel.defining("EACH", str(rows)).defining("RANKS", str(last))
        chains = max(1, _BLOCKS * cached.device.processors // (batch * heads))
        chain = -(-(self.parts - 1) // chains)
        sizes = (np.uint32(one) for one in (self.n_sink, self.lag, chain, self.parts))
        cached.device.launch(
            kernel,
            (batch * heads, -(-(self.parts - 1) // chain)),
            _THREADS,
            [
                *rows_arguments(part),
                *listed,
                *sizes,
                np.float32(self.eps),
                self.shares,
                self.out,
                broken,
                only,
            ],
        )
        if broken is not None:
            kernel, _ = lanes_for(part, Kernel("scores_sound", "find_broken"))
            arguments = [*rows_arguments(part), *listed, np.uint32(self.n_sink), np.uint32(self.lag), broken]
            rest = -(-(self.n_sink + 2 * self.lag) // _WARPS)
            cached.device.launch(kernel, (rest, batch), _THREADS, arguments)

    def _rank_apart(self, cached: Cached, part: Handed, listed: tuple[Array, Array], last: int) -> None:
        kernel, _ = lanes_for(part, Kernel("scores_lag", "rank_partitions"))
        batch, heads, _, _ = cached.shape
        wide = 4 if part.form == "F32" else 8
        shared = 4 * (2 * -(-part.array.shape[3] // wide) * wide + -(-self.lag // 16) * 16)
        if shared + (24 << 10) > cached.device.shared_bytes:
            raise InvalidArgument(f"lag: {self.lag} tokens are more than a block of this GPU can share")
        sizes = np.uint32(self.n_sink), np.uint32(self.lag), np.float32(self.eps)
        arguments = [*rows_arguments(part), *listed, *sizes, self.shares, self.out]
        grid = batch * heads, self.parts
        cached.device.launch(kernel.defining("RANKS", str(last)), grid, _THREADS, arguments, shared)


def _raise_all(cached: Cached, out: Array, only: Array | None = None) -> None:
    batch, heads, tokens, _ = cached.shape
    cached.device.launch(
        Kernel("scores_places", "raise_all"),
        (-(-tokens // _THREADS), batch),
        _THREADS,
        [cached.counts(), np.uint32(heads), np.uint32(tokens), out, only],
    )


def _rows_each(part: Handed, lag: int) -> int:
    """Return how many rows of a partition a group of lanes holds, or 0 where they do not fit in registers."""
    wide = 4 if part.form == "F32" else 8
    pieces = -(-part.array.shape[3] // wide)
    lanes = next((width for width in (4, 8, 16, 32) if width >= pieces), 0)
    if not lanes or not in_pieces(part):
        return 0
    return next((rows for rows in (4, 8) if rows <= lanes and rows * (_THREADS // lanes) >= lag), 0)
