"""The operations of an agent's memory, the same for all: mostly searches, some inserts, a few deletes."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt


class Kind(IntEnum):
    """What is done with one call."""

    SEARCH = 0
    INSERT = 1
    DELETE = 2


SHARES = (0.70, 0.25, 0.05)
NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class Operations:
    """Operations in a row.

    Parameters
    ----------
    kinds
        Of each operation.
    what
        The query of a search, or the id that is inserted or deleted.
    inserted_at, deleted_at
        For each id the operation that brings it (-1: there from the start) and that takes it away (`NEVER`).
    """

    kinds: npt.NDArray[np.int8]
    what: npt.NDArray[np.int64]
    inserted_at: npt.NDArray[np.int64]
    deleted_at: npt.NDArray[np.int64]

    def living(self, at: int) -> npt.NDArray[np.bool_]:
        """Return for each id whether it is there when an operation comes."""
        return (self.inserted_at < at) & (self.deleted_at >= at)


def operations(count: int, start: int, queries: int, seed: int = 11) -> Operations:
    """Return as many operations on `start` vectors; a delete takes any living vector."""
    random = np.random.default_rng(seed)
    kinds = random.choice(len(SHARES), count, p=SHARES).astype(np.int8)
    what = random.integers(0, queries, count)
    total = start + int((kinds == Kind.INSERT).sum())
    inserted_at = np.full(total, -1, dtype=np.int64)
    deleted_at = np.full(total, NEVER, dtype=np.int64)
    living = list(range(start))
    brought = start
    for at, kind in enumerate(kinds):
        if kind == Kind.INSERT:
            what[at] = brought
            inserted_at[brought] = at
            living.append(brought)
            brought += 1
        elif kind == Kind.DELETE:
            slot = int(random.integers(0, len(living)))
            living[slot], living[-1] = living[-1], living[slot]
            what[at] = living.pop()
            deleted_at[what[at]] = at
    return Operations(kinds, what, inserted_at, deleted_at)
