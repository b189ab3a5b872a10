"""The tree of a timeline: its nodes, and ways through them."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from recollect._native import Timeline as _Native
from recollect.checks import Ids, column_of, count_of, ids_of, unit
from recollect.embedding.protocol import Vectors
from recollect.errors import InvalidArgument, WrongType
from recollect.time_arguments import (
    id_of,
    name_of,
    range_of,
    vector_of,
)
from recollect.timeline_results import (
    Beside,
    Blocks,
    Child,
    Descent,
    Found,
    Node,
    NodeKey,
    NodeRow,
    Step,
    node_of_row,
)
from recollect.times import Time, to_micros

__all__ = ["Summarise", "Tree"]

Summarise: TypeAlias = Callable[[Node, list[Child], list[Node]], str | None]
"""Says something of a node, of which it is given the children and the nodes of its level before it."""

_WAYS = ("salient", "mean", "landmark")


class Tree:
    """What a timeline can do with its nodes."""

    __slots__ = ("__weakref__", "_dim", "_levels", "_native")

    _native: _Native
    _levels: list[str]
    _dim: int

    def advance(
        self, watermark: Time, consolidate: Summarise | None = None, *, previous: int = 3
    ) -> list[Node]:
        """Close every node that is over at a time before which nothing more is expected.

        A segment is over after its last event, a session once nothing started for the gap, a window of the
        calendar once it and the windows that begin in it have ended and all below it is closed. What is at
        the level ``"persona"`` never is. Doing it again changes nothing; an event that comes late opens
        what it is in again.

        Parameters
        ----------
        watermark
            The time.
        consolidate
            Called as :meth:`consolidate` does, for each node that was closed.
        previous
            How many nodes of the same level before one it is shown.

        Returns
        -------
        list of Node
            Those that were not closed before, by level and time.
        """
        closed = [node_of_row(row) for row in self._native.advance(to_micros(watermark, "watermark"))]
        return closed if consolidate is None else self.consolidate(closed, consolidate, previous=previous)

    def consolidate(self, nodes: Iterable[Node], summarise: Summarise, *, previous: int = 3) -> list[Node]:
        """Let a callable say something of each of some nodes, in their order, and return them with it.

        It is called with the node, its children by time, and up to `previous` nodes of the same level
        before it; what it returns is kept as the ``text`` of the node (TiMem, 2601.02845). Where it raises,
        the texts so far stay.
        """
        if not callable(summarise):
            raise WrongType(f"consolidate: expected a callable, found {type(summarise).__name__}")
        count, told = count_of(previous, "previous"), []
        for node in nodes:
            before = [node_of_row(row) for row in self._native.previous(_key(node), count)]
            text = summarise(self.node(node), self.children(node), before)
            self.set_text(node, text)
            told.append(self.node(node))
        return told

    def set_text(self, node: Node, text: str | None) -> None:
        """Say something of a node, or take it back with None."""
        self._native.set_text(_key(node), None if text is None else name_of(text, "text"))

    def unfinished(self) -> list[Node]:
        """Return the nodes that are not closed, by level and time."""
        return [node_of_row(row) for row in self._native.unfinished()]

    def nodes(self, level: str, start: Time | None = None, end: Time | None = None) -> list[Node]:
        """Return the nodes of a level whose hull shares an instant with ``[start, end)``, by start."""
        return [node_of_row(row) for row in self._native.nodes(self._level(level), *range_of(start, end))]

    def node(self, node: Node) -> Node:
        """Return a node as it is now.

        Raises
        ------
        UnknownMemory
            If it is not there any more (also a ``KeyError``); so for all calls that take nodes or events.
        """
        return node_of_row(self._native.node(_key(node)))

    def ancestors(self, item: Child) -> list[Node]:
        """Return the nodes above an event or a node, the nearest first."""
        return [node_of_row(row) for row in self._native.ancestors(_which(item))]

    def children(self, node: Node) -> list[Child]:
        """Return what is right below a node, by time: ids of events, and nodes."""
        return [_child(*row) for row in self._native.children(_key(node))]

    def events_of(self, node: Node, limit: int | None = None) -> Ids:
        """Return the events below a node by time, int64 ``[n]``."""
        return self._native.events_of(_key(node), _limit(limit))

    def neighbours(self, item: Child, n: int = 1) -> tuple[list[Child], list[Child]]:
        """Return up to `n` before and after an event or a node by time, inside what it is in.

        What happened in another session is no neighbour.
        """
        before, after = self._native.neighbours(_which(item), count_of(n, "n"))
        return [_child(*row) for row in before], [_child(*row) for row in after]

    def mean(self, node: Node) -> Vectors:
        """Return the mean of the vectors below a node, float32 ``[d]``: the shorter the more they differ.

        Empty where there are none. It is exact: the same in whatever order events came and went.
        """
        return self._native.mean(_key(node))

    def words(self, node: Node) -> dict[str, int]:
        """Return words below a node with their counts, the most frequent first.

        A node keeps a bounded number: counts are never too high, and too low by at most what children left
        out.
        """
        return dict(self._native.terms(_key(node)))

    def descend(
        self,
        query: npt.ArrayLike | None = None,
        words: Iterable[str] = (),
        *,
        beam: int = 8,
        weight: float = 0.9,
        start: Time | None = None,
        end: Time | None = None,
        until: Callable[[tuple[Found, ...]], bool] | None = None,
    ) -> Descent:
        """Go from the coarse to the fine: open the best nodes of a level, then the best of what is in them.

        Parameters
        ----------
        query
            ``[d]``, compared with events and the means of nodes by the cosine.
        words
            Of which the share that occurs below counts.
        beam
            How many are kept at each step.
        weight
            Share of the cosine in a score where there are words too.
        start, end
            What shares no instant with ``[start, end)`` is passed over.
        until
            Given what a step found, best first: whether that is enough. Without it the way ends at events.

        Returns
        -------
        Descent
            Every step, with the number of nodes opened.
        """
        if isinstance(words, str) or not isinstance(words, Iterable):
            raise WrongType(f"words: expected a list of words, found {type(words).__name__}")
        within = None if start is None and end is None else range_of(start, end)
        sought = (
            None if query is None else vector_of(query, self._dim, "query"),
            [name_of(word, "words") for word in words],
            unit(weight, "weight"),
            within,
        )
        beam = count_of(beam, "beam", 1)
        steps = [_step(self._native.step(None, sought, beam))]
        while any(isinstance(found.item, Node) for found in steps[-1].best):
            if until is not None and until(steps[-1].best):
                return Descent(tuple(steps), True)
            kept = [_which(found.item) for found in steps[-1].best]
            steps.append(_step(self._native.step(kept, sought, beam)))
        return Descent(tuple(steps), until is not None and bool(until(steps[-1].best)))

    def climb(
        self, events: npt.ArrayLike, scores: npt.ArrayLike, budgets: dict[str, int]
    ) -> list[tuple[Node, float]]:
        """Return the nodes above scored events, each once with the best score below it.

        Of each level the best up to its budget are kept, by level, then time (the bottom-up recall of TiMem).
        """
        ids = ids_of(events, "events")
        values = column_of(scores, "scores", len(ids))
        most = [0] * len(self._levels)
        for level, budget in budgets.items():
            most[self._level(level)] = count_of(budget, f"budgets[{level!r}]")
        found = self._native.climb(ids, np.broadcast_to(values, ids.shape).copy(), most)
        return [(node_of_row(row), score) for row, score in found]

    def with_neighbours(
        self, hits: npt.ArrayLike, budget: int, *, n: int = 1, share: float = 0.3
    ) -> list[Beside]:
        """Return hits, best first, each followed by events beside it in its session, `budget` in all.

        What is there only for standing beside takes at most `share` of the budget (EM-LLM, 2407.09450).
        """
        found = self._native.with_neighbours(
            ids_of(hits, "hits"), count_of(budget, "budget"), count_of(n, "n"), unit(share, "share")
        )
        return [Beside(event, of) for event, of in found]

    def blocks(
        self,
        size: int = 128,
        representative: str = "salient",
        count: int = 4,
        *,
        level: str | None = None,
    ) -> Blocks:
        """Return all events by time in blocks, each with a key (InfLLM, 2402.04617).

        Parameters
        ----------
        size
            Events of a block; the last is shorter.
        representative
            What its key is the mean of: the `count` events with the greatest salience (``"salient"``), all
            (``"mean"``), or the one at place `count` from 0 (``"landmark"``).
        count
            As above.
        level
            The nodes of a level as blocks, in place of `size`.
        """
        if representative not in _WAYS:
            raise InvalidArgument(f"representative: expected one of {', '.join(_WAYS)}")
        least = 1 if representative == "salient" else 0
        number = count_of(count, "count", least)
        if level is not None:
            return Blocks(*self._native.node_blocks(self._level(level), representative, number))
        return Blocks(*self._native.blocks(count_of(size, "size", 1), representative, number))

    def _level(self, level: object) -> int:
        if level not in self._levels:
            raise InvalidArgument(f"level: expected one of {', '.join(self._levels)}, found {level!r}")
        return self._levels.index(level)


def _key(node: object) -> NodeKey:
    if not isinstance(node, Node):
        raise WrongType(f"node: expected a Node, found {type(node).__name__}")
    return node.id


def _which(item: object) -> int | NodeKey:
    return item.id if isinstance(item, Node) else id_of(item, "event")


def _child(event: int | None, row: NodeRow | None) -> Child:
    if row is not None:
        return node_of_row(row)
    assert event is not None
    return event


def _step(row: tuple[int, int, Sequence[tuple[tuple[int | None, NodeRow | None], float]]]) -> Step:
    opened, scored, best = row
    return Step(opened, scored, tuple(Found(_child(*item), score) for item, score in best))


def _limit(limit: int | None) -> int:
    return (1 << 63) - 1 if limit is None else count_of(limit, "limit")
