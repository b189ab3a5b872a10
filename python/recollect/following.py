"""The temporal tree of what a namespace remembers, level with it whenever it is asked."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from recollect._native import Timeline as _Native
from recollect.attention import TwoLevelRead, two_level_read
from recollect.checks import Ids, count_of, kinds_of, unit
from recollect.embedding.protocol import Vectors, embed
from recollect.errors import EmbedderMissing, InvalidArgument, UnknownMemory, WrongType
from recollect.handle import Handle
from recollect.passages import BesideMemory, FoundMemory, Item, MemoryBlock, MemoryDescent, MemoryStep
from recollect.records import Record
from recollect.spaces import for_query, opened
from recollect.time_arguments import float_of, name_of, range_of, vector_of
from recollect.timeline import Timeline
from recollect.timeline_results import Blocks, Node, NodeKey, NodeRow, TimelineStats, node_of_row
from recollect.times import Duration, Time, duration_micros
from recollect.zones import Zone, zone_of

__all__ = ["FollowingTree", "native_tree"]

T = TypeVar("T")

_ATTEMPTS = 8


def native_tree(
    levels: Sequence[str],
    zone: Zone,
    gap: Duration,
    words: int,
    vectors: bool,
    kinds: object,
    segments: tuple[object, object, object, Duration | None],
) -> Timeline:
    """Return a timeline that can follow a namespace; `segments`: gamma, least and most size, and gap."""
    if isinstance(levels, str) or not isinstance(levels, Sequence):
        raise WrongType(f"levels: expected a list of names, found {type(levels).__name__}")
    gamma, least, most, pause = segments
    tree = Timeline.__new__(Timeline)
    tree._levels = [name_of(level, "levels") for level in levels]
    tree._dim = 0
    tree._native = _Native.following(
        tree._levels,
        duration_micros(gap, "gap"),
        count_of(words, "words"),
        zone_of(zone),
        bool(vectors),
        (
            float_of(gamma, "gamma"),
            1.0,
            32,
            count_of(least, "min_size"),
            count_of(most, "max_size"),
            None if pause is None else duration_micros(pause, "segment_gap"),
        ),
        kinds_of(kinds),
    )
    return tree


class FollowingTree:
    """What the timeline of a memory finds by time and by its nodes."""

    __slots__ = ("__weakref__", "_handle", "_kinds", "_tree")

    def __init__(self, handle: Handle, tree: Timeline, kinds: object) -> None:
        self._handle, self._tree, self._kinds = handle, tree, kinds

    def _follow(self) -> _Native:
        native = self._tree._native
        if native.follow(self._handle.namespace, self._handle.now(None)):
            self._tree._dim = native.settings()[1]
        return native

    def _records(self, events: Ids) -> dict[int, Record]:
        rows = self._tree._native.records(self._handle.namespace, events)
        return {event: Record.from_native(row) for event, row in rows}

    def _in_order(self, events: Ids) -> list[Record]:
        return list(self._records(events).values())

    def _events(self, uids: Sequence[str]) -> Ids:
        return self._tree._native.events(self._handle.namespace, list(uids))

    def _which(self, item: object) -> int | NodeKey:
        if isinstance(item, Node):
            return item.id
        uid = getattr(item, "uid", item)
        if not isinstance(uid, str):
            raise WrongType(f"item: expected a memory, a uid or a node, found {type(item).__name__}")
        return int(self._events([uid])[0])

    def _items(self, rows: Sequence[tuple[int | None, NodeRow | None]]) -> list[Item]:
        wanted = np.array([event for event, _ in rows if event is not None], dtype=np.int64)
        known = self._records(wanted) if len(wanted) else {}
        items: list[Item] = []
        for event, row in rows:
            if row is not None:
                items.append(self._told(node_of_row(row)))
            elif event in known:
                items.append(known[event])
        return items

    def _told(self, node: Node) -> Node:
        """Return a node with what is said of it, where something is."""
        return node

    def __len__(self) -> int:
        """Return the number of memories in the tree."""
        return len(self._follow())

    def __contains__(self, item: object) -> bool:
        """Return whether a memory, by its record or uid, is in the tree."""
        self._follow()
        try:
            return not isinstance(self._which(item), tuple)
        except (UnknownMemory, WrongType, InvalidArgument):
            return False

    @property
    def levels(self) -> tuple[str, ...]:
        """The levels of the tree, from the finest to the coarsest."""
        return self._tree.levels

    def stats(self) -> TimelineStats:
        """Return what it holds, and the bytes of memory it has reserved."""
        self._follow()
        return self._tree.stats()

    def between(
        self,
        start: Time | None = None,
        end: Time | None = None,
        *,
        limit: int | None = None,
        newest_first: bool = False,
    ) -> list[Record]:
        """Return the memories whose events share an instant with ``[start, end)``, by their starts."""
        self._follow()
        return self._in_order(self._tree.between(start, end, limit=limit, newest_first=newest_first))

    def around(self, at: Time, radius: Duration) -> list[Record]:
        """Return the memories whose events share an instant with ``[at - radius, at + radius]``."""
        self._follow()
        return self._in_order(self._tree.around(at, radius))

    def count(self, start: Time | None = None, end: Time | None = None) -> int:
        """Return how many memories start in ``[start, end)``. O(log n)."""
        self._follow()
        return self._tree.count(start, end)

    def nearest(self, at: Time, k: int = 10) -> list[Record]:
        """Return the `k` memories nearest in time, the nearest first."""
        self._follow()
        return self._in_order(self._tree.nearest(at, k))

    def nodes(self, level: str, start: Time | None = None, end: Time | None = None) -> list[Node]:
        """Return the nodes of a level whose hull shares an instant with ``[start, end)``, by start."""
        self._follow()
        return [self._told(node) for node in self._tree.nodes(level, start, end)]

    def node(self, node: Node) -> Node:
        """Return a node as it is now.

        Raises
        ------
        UnknownMemory
            If it is not there any more (also a ``KeyError``); so for all calls that take nodes or memories.
        """
        self._follow()
        return self._told(self._tree.node(node))

    def ancestors(self, item: Item | str) -> list[Node]:
        """Return the nodes above a memory or a node, the nearest first."""
        native = self._follow()
        return [self._told(node_of_row(row)) for row in native.ancestors(self._which(item))]

    def children(self, node: Node) -> list[Item]:
        """Return what is right below a node, by time: memories, and nodes."""
        native = self._follow()
        return self._items(native.children(_key(node)))

    def records(self, node: Node, limit: int | None = None) -> list[Record]:
        """Return the memories below a node by time."""
        self._follow()
        return self._in_order(self._tree.events_of(node, limit))

    def neighbours(self, item: Item | str, n: int = 1) -> tuple[list[Item], list[Item]]:
        """Return up to `n` before and after a memory or a node by time, inside what it is in.

        What is in another segment is no neighbour: ask for those of its segment, which are segments. A memory
        that names neither a session nor a time has none: the order of a file says nothing.
        """
        native = self._follow()
        before, after = native.neighbours(self._which(item), count_of(n, "n"))
        return self._items(before), self._items(after)

    def with_neighbours(
        self, hits: Sequence[Any], budget: int, *, n: int = 1, share: float = 0.3
    ) -> list[BesideMemory]:
        """Return hits, best first, each followed by memories beside it in its segment, `budget` in all.

        What is there only for standing beside takes at most `share` of the budget (EM-LLM, 2407.09450).
        Hits are those of a recall, records or uids.
        """
        native = self._follow()
        uids = [hit if isinstance(hit, str) else str(hit.uid) for hit in hits]
        events = self._events(uids)
        found = native.with_neighbours(
            events, count_of(budget, "budget"), count_of(n, "n"), unit(share, "share")
        )
        known = self._records(np.array([event for event, _ in found], dtype=np.int64))
        return [
            BesideMemory(known[event], None if of is None else known[of].uid)
            for event, of in found
            if event in known and (of is None or of in known)
        ]

    def mean(self, node: Node) -> Vectors:
        """Return the mean of the vectors below a node, float32 ``[d]``: the shorter the more they differ."""
        self._follow()
        return self._tree.mean(node)

    def words(self, node: Node) -> dict[str, int]:
        """Return the terms below a node with their counts, the most frequent first; stems, as recall has."""
        self._follow()
        return self._tree.words(node)

    def descend(
        self,
        query: str | None = None,
        *,
        vector: npt.ArrayLike | None = None,
        beam: int = 8,
        weight: float = 0.9,
        start: Time | None = None,
        end: Time | None = None,
        until: Callable[[tuple[FoundMemory, ...]], bool] | None = None,
    ) -> MemoryDescent:
        """Go from the coarse to the fine: open the best nodes of a level, then the best of what is in them.

        Parameters
        ----------
        query
            A text: its words, and its vector where the store has an embedder.
        vector
            ``[d]``, in place of that of the text.
        beam
            How many are kept at each step.
        weight
            Share of the cosine in a score where there are words too.
        start, end
            What shares no instant with ``[start, end)`` is passed over.
        until
            Given what a step found, best first: whether that is enough. Without it the way ends at memories.
        """
        native = self._follow()
        words = [] if query is None else native.terms_in(self._handle.namespace, query)
        row = self._query_vector(query, vector)
        if row is None and not words:
            raise InvalidArgument("query: expected a text with words, or a vector")
        within = None if start is None and end is None else range_of(start, end)
        sought = (row, words, unit(weight, "weight"), within)
        wide = count_of(beam, "beam", 1)
        return self._again(lambda: self._way(sought, wide, until))

    def _again(self, work: Callable[[], T]) -> T:
        """Do what several calls of the tree do, anew where another thread changed it in between."""
        for _ in range(_ATTEMPTS):
            try:
                return work()
            except UnknownMemory:
                self._follow()
        return work()

    def _way(
        self,
        sought: tuple[npt.NDArray[np.float32] | None, list[str], float, tuple[int, int] | None],
        beam: int,
        until: Callable[[tuple[FoundMemory, ...]], bool] | None,
    ) -> MemoryDescent:
        native = self._tree._native
        found, steps = native.step(None, sought, beam), list[MemoryStep]()
        while True:
            opened_nodes, scored, best = found
            events = np.array([event for (event, _), _ in best if event is not None], dtype=np.int64)
            records = self._records(events) if len(events) else {}
            told = []
            for (event, row), score in best:
                item: Item | None = records.get(event) if event is not None else None
                item = self._told(node_of_row(row)) if row is not None else item
                told += [] if item is None else [FoundMemory(item, score)]
            steps.append(MemoryStep(opened_nodes, scored, tuple(told)))
            if until is not None and until(steps[-1].best):
                return MemoryDescent(tuple(steps), True)
            if all(row is None for (_, row), _ in best):
                return MemoryDescent(tuple(steps), False)
            kept = [event if row is None else row[0] for (event, row), _ in best]
            found = native.step([one for one in kept if one is not None], sought, beam)

    def _query_vector(
        self, query: str | None, vector: npt.ArrayLike | None
    ) -> npt.NDArray[np.float32] | None:
        dim = self._tree.dim
        if vector is not None:
            return vector_of(vector, dim, "vector")
        if query is None or dim == 0:
            return None
        embedder, _ = for_query(self._handle, [opened(self._handle)])
        if embedder is None:
            return None
        row = embed(embedder, [query])[0]
        return row if len(row) == dim and row.any() else None

    def attend(self, query: str | npt.ArrayLike, *, level: str = "session", k: int = 8) -> TwoLevelRead:
        """Read the vectors of the tree by two levels of attention: see :func:`recollect.two_level_read`.

        The chunks are the nodes of a level; their keys are the means of the vectors below them.
        """
        native = self._follow()
        row = self._query_vector(query, None) if isinstance(query, str) else self._query_vector(None, query)
        if row is None:
            raise EmbedderMissing("attention needs a vector, or a store opened with an embedder")
        nodes = self._tree.nodes(level)
        if not nodes:
            raise InvalidArgument("query: there is nothing to attend to")
        scores = [self._score(node, row) for node in nodes]
        kept = np.argsort(-np.array(scores), kind="stable")[: count_of(k, "k", 1)].tolist()
        keys = [native.vectors_of(nodes[at].id)[1] for at in kept]
        read = two_level_read(row, keys, k=k)
        return TwoLevelRead(read.value, np.array(kept, dtype=np.int64)[read.chunks], read.weights)

    def _score(self, node: Node, row: npt.NDArray[np.float32]) -> float:
        mean = self._tree.mean(node)
        return float(mean @ row) if len(mean) else 0.0

    def blocks(
        self, size: int = 128, *, level: str | None = None, representative: str = "salient", count: int = 4
    ) -> list[MemoryBlock]:
        """Return all memories by time in blocks, each with a key (InfLLM, 2402.04617).

        Parameters
        ----------
        size
            Memories of a block; the last is shorter.
        level
            The nodes of a level as blocks in place of `size`, such as ``"segment"``.
        representative, count
            As of :meth:`recollect.Timeline.blocks`; salience is the importance of memories.
        """
        self._follow()
        found: Blocks = self._tree.blocks(size, representative, count, level=level)
        ends = zip(found.bounds[1:], found.marks[1:], strict=True)
        starts = zip(found.bounds, found.marks, found.keys, strict=False)
        return [
            MemoryBlock(found.events[a:b], found.representatives[c:d], key)
            for (a, c, key), (b, d) in zip(starts, ends, strict=True)
        ]

    def records_of(self, block: MemoryBlock, *, representatives: bool = False) -> list[Record]:
        """Return the memories of a block, or those that stand for it."""
        return self._in_order(block.representatives if representatives else block.events)


def _key(node: object) -> NodeKey:
    if not isinstance(node, Node):
        raise WrongType(f"node: expected a Node, found {type(node).__name__}")
    return node.id
