"""A codebook that follows its data: vectors as the number of the nearest of a few hundred codes.

Codes are running means of what is nearest to them; one that nothing comes near any more is put where data is
(van den Oord and others, "Neural discrete representation learning", 2017; memory bank compression, 2026).
"""

import numpy as np
import numpy.typing as npt

from recollect.checks import count_of, seed_of, unit
from recollect.errors import DimensionMismatch, InvalidArgument
from recollect.kvcache.arrays import Array, Foreign, numbers, received

__all__ = ["Codebook"]

Codes = npt.NDArray[np.int32]

_BLOCK = 1024


class Codebook:
    """Codes for vectors of one dimension.

    Parameters
    ----------
    codes
        How many.
    keep
        What a batch leaves of usage and of running sums, 0 to 1.
    dead
        A code with less usage than this share is put on a vector of the batch, and its usage becomes the
        mean; 0 leaves codes where they are.
    seed
        Which vectors are taken.
    """

    def __init__(self, codes: int = 512, *, keep: float = 0.99, dead: float = 1e-4, seed: int = 0) -> None:
        self._count, self._keep, self._dead = (
            count_of(codes, "codes", 1),
            unit(keep, "keep"),
            unit(dead, "dead"),
        )
        self._random = np.random.default_rng(seed_of(seed))
        self._codes: Array = np.zeros((0, 0))
        self._sums: Array = np.zeros((0, 0))
        self._usage: Array = np.full(self._count, 1 / self._count)

    @property
    def codes(self) -> npt.NDArray[np.float32]:
        """The vectors that codes stand for, float32 ``[codes, d]``; empty before the first update."""
        return self._codes.astype(np.float32)

    @property
    def usage(self) -> npt.NDArray[np.float32]:
        """Running share of vectors that each code had, float32 ``[codes]``."""
        return self._usage.astype(np.float32)

    @property
    def perplexity(self) -> float:
        """How many codes are in use: the exponential of the entropy of their usage."""
        shares = self._usage[self._usage > 0] / self._usage.sum()
        return float(np.exp(-(shares * np.log(shares)).sum()))

    @property
    def nbytes(self) -> int:
        """Bytes of the codes in float32; a vector takes those of a number below `codes` besides."""
        return self._codes.size * 4

    def update(self, vectors: Foreign) -> Codes:
        """Move codes towards a batch, revive dead ones in it, and return the codes its vectors had before.

        Parameters
        ----------
        vectors
            ``[n, d]``; those of the first call are where codes begin, in random order, over again where there
            are fewer.

        Raises
        ------
        DimensionMismatch
            If vectors have another dimension than those before.
        InvalidArgument
            If a number is not finite, or the first batch is empty.
        """
        rows = self._rows(vectors)
        if not self._codes.size:
            if not len(rows):
                raise InvalidArgument("vectors: the first batch is empty, and codes begin with its vectors")
            order = np.concatenate(
                [self._random.permutation(len(rows)) for _ in range(-(-self._count // len(rows)))]
            )
            self._codes = rows[order[: self._count]]
            self._sums = self._codes * self._usage[:, None]
        found = self._nearest(rows)
        if len(rows):
            shares = np.bincount(found, minlength=self._count) / len(rows)
            sums = np.zeros_like(self._codes)
            np.add.at(sums, found, rows / len(rows))
            self._usage = self._keep * self._usage + (1 - self._keep) * shares
            self._sums = self._keep * self._sums + (1 - self._keep) * sums
            used = self._usage > 1e-12
            self._codes[used] = self._sums[used] / self._usage[used, None]
            self._revive(rows)
        return found

    def encode(self, vectors: Foreign) -> Codes:
        """Return the number of the nearest code of each vector, int32 ``[n]``; ties go to the lower.

        Raises
        ------
        InvalidArgument
            If nothing was learnt yet, or a number is not finite.
        """
        rows = self._rows(vectors)
        if not self._codes.size:
            raise InvalidArgument("codebook: it has learnt nothing yet; call update")
        return self._nearest(rows)

    def decode(self, codes: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """Return the vectors that codes stand for, float32 ``[..., d]``.

        Raises
        ------
        InvalidArgument
            If one is no code of this book.
        """
        found, most = np.asarray(codes), len(self._codes)
        if found.dtype.kind not in "iu" or (found.size and not 0 <= found.min() <= found.max() < most):
            raise InvalidArgument(f"codes: expected whole numbers from 0 below {most}")
        rows: npt.NDArray[np.float32] = self._codes[found].astype(np.float32)
        return rows

    def _revive(self, rows: Array) -> None:
        dead = np.flatnonzero(self._usage < self._dead)
        if len(dead):
            self._codes[dead] = rows[self._random.integers(0, len(rows), len(dead))]
            self._usage[dead] = self._usage.mean()
            self._sums[dead] = self._codes[dead] * self._usage[dead, None]

    def _nearest(self, rows: Array) -> Codes:
        squares = (self._codes**2).sum(1)
        blocks = [rows[at : at + _BLOCK] for at in range(0, len(rows), _BLOCK)]
        nearest = [np.argmin(squares - 2 * block @ self._codes.T, axis=1) for block in blocks]
        return np.concatenate([np.empty(0, dtype=np.int32), *nearest]).astype(np.int32)

    def _rows(self, vectors: Foreign) -> Array:
        rows: Array = numbers(received(vectors, "vectors", 2)).astype(np.float64)
        if self._codes.size and rows.shape[1] != self._codes.shape[1]:
            raise DimensionMismatch(
                f"vectors: expected {self._codes.shape[1]} dimensions, found {rows.shape[1]}"
            )
        if not np.isfinite(rows).all():
            raise InvalidArgument("vectors: a number is not finite")
        return rows
