"""Queries of the newest tokens, for scores that ask who is looked at."""

import numpy as np
import numpy.typing as npt
import torch

__all__ = ["RecentQueries", "aligned"]


def aligned(queries: torch.Tensor, present: torch.Tensor | None) -> torch.Tensor:
    """Return queries ``[batch, query_heads, t, d]`` with those of padding in front, the others in order."""
    if present is None:
        return queries
    order = present.to(torch.int8).argsort(dim=1, stable=True)
    at = order[:, None, :, None].expand(len(queries), queries.shape[1], -1, queries.shape[3])
    return queries.gather(2, at)


class RecentQueries:
    """The last queries of each sequence, at the end of their rows; padding is left out.

    Parameters
    ----------
    width
        Queries that are held, at most.
    """

    def __init__(self, width: int) -> None:
        self._width = width
        self._rows: torch.Tensor | None = None
        self._counts = torch.zeros(0, dtype=torch.int64)

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return 0 if self._rows is None else int(self._rows.nbytes + self._counts.nbytes)

    def add(self, queries: torch.Tensor, present: torch.Tensor | None) -> None:
        """Add queries ``[batch, query_heads, t, d]``, of which some are present, ``[batch, t]``."""
        if not self._width:
            return
        if self._rows is None:
            self._rows, self._counts = queries[:, :, :0], torch.zeros(len(queries), dtype=torch.int64)
        new, counts = (
            aligned(queries, present),
            torch.full((len(queries),), queries.shape[2], dtype=torch.int64),
        )
        if present is not None:
            counts = present.sum(1).cpu()
        if (counts < new.shape[2]).any():
            joined = [
                torch.cat([old, fresh[:, fresh.shape[1] - int(count) :]], 1)
                for old, fresh, count in zip(self._rows, new, counts, strict=True)
            ]
            longest = max(one.shape[1] for one in joined)
            rows = torch.stack(
                [torch.nn.functional.pad(one, (0, 0, longest - one.shape[1], 0)) for one in joined]
            )
        else:
            rows = torch.cat([self._rows, new], 2)
        self._rows = rows[:, :, max(rows.shape[2] - self._width, 0) :].clone()
        self._counts = (self._counts + counts).clamp(max=self._width)

    def newest(self, counts: npt.NDArray[np.int64]) -> torch.Tensor | None:
        """Return the queries of so many newest tokens of each sequence, ``[batch, query_heads, w, d]``.

        Sequences that have fewer begin with rows that are no numbers, which a layer leaves out. None is for
        none at all.
        """
        if self._rows is None:
            return None
        own = torch.minimum(torch.from_numpy(counts), self._counts)
        longest = int(own.max()) if len(own) else 0
        if not longest:
            return None
        rows = self._rows[:, :, self._rows.shape[2] - longest :]
        missing = torch.arange(longest) < (longest - own)[:, None]
        return rows.masked_fill(missing.to(rows.device)[:, None, :, None], torch.nan)

    def take(self, sequences: torch.Tensor) -> None:
        """Keep some sequences."""
        if self._rows is not None:
            self._rows = self._rows[sequences.to(self._rows.device)]
            self._counts = self._counts[sequences]

    def drop_newest(self, counts: torch.Tensor) -> None:
        """Forget so many newest ones of each sequence, int64 ``[batch]``."""
        if self._rows is not None:
            width = self._rows.shape[2]
            at = (torch.arange(width) - counts[:, None]).clamp(min=0).to(self._rows.device)
            self._rows = self._rows.gather(2, at[:, None, :, None].expand_as(self._rows))
            self._counts = (self._counts - counts).clamp(min=0)
