"""An engine on its way through mixed operations, timed call by call and checked afterwards."""

import gc
import time
from dataclasses import dataclass, field

import numpy as np

from benches.quality.retrieval_set import Array
from benches.vectors.contender import Contender
from benches.vectors.engine import Ids
from benches.vectors.exact import K, overlap
from benches.vectors.operating_points import Choice
from benches.vectors.operations import Kind, Operations

BLOCK = 2_000
_CHECKED = 10
"""Every tenth search is checked by brute force."""


@dataclass(slots=True)
class Tally:
    """What an engine showed at one setting: microseconds by kind, operations a second by block, recalls."""

    times: dict[Kind, list[float]] = field(default_factory=lambda: {kind: [] for kind in Kind})
    rates: list[float] = field(default_factory=list)
    recalls: list[float] = field(default_factory=list)
    deleted_returned: int = 0


@dataclass(slots=True)
class MixPlayer:
    """An engine, how far it is, and what it showed for each aim.

    Parameters
    ----------
    ready
        The engine with the vectors of the start.
    rows
        All vectors by id, those still to be inserted too.
    queries
        What is searched for.
    operations
        All operations; each block goes on where the last one stopped.
    """

    ready: Contender
    rows: Array
    queries: Array
    operations: Operations
    done: int = 0
    tallies: dict[float, Tally] = field(default_factory=dict)
    failed: str | None = None

    def play(self, choice: Choice, seconds: float) -> None:
        """Do a block of operations at a setting, fewer if the time is over, and check it."""
        engine, tally = self.ready.engine, self.tallies.setdefault(choice.aim, Tally())
        self.ready.use(choice.found.point)
        queries = list(self.queries)
        for query in queries[:2]:
            engine.search(query, K)
        part = slice(self.done, self.done + BLOCK)
        calls = list(
            zip(self.operations.kinds[part].tolist(), self.operations.what[part].tolist(), strict=True)
        )
        answers: list[tuple[int, Ids]] = []
        block = 0
        clock, end = time.perf_counter_ns, time.perf_counter_ns() + int(seconds * 1e9)
        gc.collect()
        gc.disable()  # a collection would fall on whoever is timed then
        try:
            for kind, what in calls:
                if kind == Kind.SEARCH:
                    query = queries[what]
                    start = clock()
                    answer = engine.search(query, K)
                    stop = clock()
                    answers.append((self.done, answer))
                elif kind == Kind.INSERT:
                    row = self.rows[what]
                    start = clock()
                    engine.insert(what, row)
                    stop = clock()
                else:
                    start = clock()
                    engine.delete(what)
                    stop = clock()
                tally.times[Kind(kind)].append((stop - start) / 1e3)
                block += stop - start
                self.done += 1
                if stop > end:
                    break
        finally:
            gc.enable()
        if calls:
            tally.rates.append((self.done - part.start) / block * 1e9)
        self._check(answers, tally)

    def _check(self, answers: list[tuple[int, Ids]], tally: Tally) -> None:
        for at, answer in answers:
            named = answer[answer >= 0]
            tally.deleted_returned += int((self.operations.deleted_at[named] < at).sum())
        sample = answers[::_CHECKED]
        scores = self.queries[self.operations.what[[at for at, _ in sample]]] @ self.rows.T
        for (at, answer), found in zip(sample, scores, strict=True):
            found[~self.operations.living(at)] = -np.inf
            tally.recalls.append(overlap(np.argpartition(found, -K)[-K:], answer))
