"""The timeline of a memory: a temporal tree over what happened, found by time and told at any granularity.

>>> import recollect
>>> with recollect.open() as memory:
...     for day, text in [(6, "We moved to Quay Lane."), (6, "Bram carried the piano."), (20, "Nadia came.")]:
...         _ = memory.add(text, at=f"2026-03-{day:02}T18:00", session=f"day {day}")
...     timeline = memory.timeline(zone="Europe/Brussels")
...     [record.text for record in timeline.between("2026-03-01", "2026-03-15")]
...     [(node.level, node.events) for node in timeline.ancestors(timeline.between()[0])]
...     made = timeline.consolidate(until="2026-05-01")
...     found = timeline.recall("Who carried the piano?", levels=("memory", "month"))
...     max((one.score, one.level, one.text) for one in found.of("memory"))[1:]
['We moved to Quay Lane.', 'Bram carried the piano.']
[('segment', 2), ('session', 2), ('day', 2), ('week', 2), ('month', 3), ('persona', 3)]
('memory', 'Bram carried the piano.')

It follows every write, update, deletion and erasure in the namespace: each call first takes in what came and
takes out what went since the last. Nothing of it is kept in the file but summaries; it is built when it is
first asked, and holds the vectors once more: 4 bytes for each component.
"""

from collections.abc import Mapping, Sequence
from typing import Unpack

import numpy as np

from recollect import recalling
from recollect.checks import count_of, kinds_of
from recollect.consolidating import Consolidating
from recollect.errors import InvalidArgument, UnknownMemory, WrongType
from recollect.following import native_tree
from recollect.handle import Handle
from recollect.options import RecallOptions
from recollect.packing import estimate_tokens
from recollect.passages import Passage, Passages
from recollect.records import Hit, Recall
from recollect.timeline import LEVELS
from recollect.timeline_picture import picture
from recollect.timeline_results import Node, node_of_row
from recollect.times import Duration
from recollect.zones import Zone, zone_of

__all__ = ["BUDGETS", "MEMORY", "MemoryTimeline"]

MEMORY = "memory"
"""The level of memories themselves, below those of the tree."""

BUDGETS: Mapping[str, int] = {
    MEMORY: 20,
    "segment": 8,
    "session": 4,
    "hour": 4,
    "day": 2,
    "week": 2,
    "month": 1,
    "year": 1,
    "persona": 1,
}
"""How many of each level a recall brings, unless told otherwise; the first and the last are TiMem's."""

_EXTRACTED = 2000


class MemoryTimeline(Consolidating):
    """The temporal tree of a namespace; made by :meth:`recollect.Memory.timeline`.

    Calls may come from several threads.
    """

    __slots__ = ()

    def __init__(
        self,
        handle: Handle,
        *,
        levels: Sequence[str] = LEVELS,
        zone: Zone = "UTC",
        gap: Duration = 600,
        words: int = 64,
        vectors: bool = True,
        kinds: str | Sequence[str] | None = None,
        gamma: float = 3.0,
        min_size: int = 2,
        max_size: int = 25,
        segment_gap: Duration | None = 1800,
    ) -> None:
        cuts = (gamma, min_size, max_size, segment_gap)
        tree = native_tree(levels, zone, gap, words, vectors, kinds, cuts)
        settings = (tree.levels, zone_of(zone), gap, kinds_of(kinds), cuts)
        super().__init__(handle, tree, kinds, settings)

    def recall(
        self,
        query: str | None,
        levels: Sequence[str] = (MEMORY, "session", "persona"),
        *,
        budgets: Mapping[str, int] | None = None,
        leaves: int = 20,
        **options: Unpack[RecallOptions],
    ) -> Passages:
        """Recall at several granularities: the best memories, and the nodes they are in.

        Memories are recalled, the nodes above the best `leaves` are ranked by the best memory in each, and of
        every level the best up to its budget are kept (the bottom-up recall of TiMem, 2601.02845).

        Parameters
        ----------
        query
            As of :meth:`recollect.Memory.recall`.
        levels
            Any of those of the tree, and ``"memory"`` for memories themselves.
        budgets
            How many of a level at most; :data:`BUDGETS` for those not named.
        leaves
            Memories that are looked above.
        **options
            As of :meth:`recollect.Memory.recall`, such as ``fusion="convex", weight=0.9`` for TiMem's scores;
            the scope is this namespace.

        Returns
        -------
        Passages
            By level from the finest, then by time.
        """
        if isinstance(levels, str) or not isinstance(levels, Sequence):
            raise WrongType(f"levels: expected a list of names, found {type(levels).__name__}")
        for level in (*levels, *(budgets or ())):
            if level != MEMORY and level not in self.levels:
                names = ", ".join((MEMORY, *self.levels))
                raise InvalidArgument(f"levels: expected some of {names}, found {level!r}")
        if options.get("scope", "exact") != "exact":
            raise InvalidArgument("scope: a timeline is of one namespace")
        most = {
            level: count_of((budgets or {}).get(level, BUDGETS.get(level, 1)), f"budgets[{level!r}]")
            for level in levels
        }
        hits = recalling.recall(
            self._handle, query, count_of(leaves, "leaves", 1), kinds=self._kinds, **options
        )
        self._follow()
        return Passages(tuple(self._again(lambda: self._passages(hits, most))), query)

    def _passages(self, hits: Recall, most: Mapping[str, int]) -> list[Passage]:
        known: list[tuple[int, float]] = []
        kept: list[Hit] = []
        for hit in hits:
            try:
                known.append((int(self._events([hit.uid])[0]), hit.score))
            except UnknownMemory:  # Gone since.
                continue
            kept.append(hit)
        kept = kept[: most.get(MEMORY, 0)]
        kept.sort(key=lambda hit: (hit.record.at or hit.record.ingested, hit.record.turn))
        passages = [Passage(MEMORY, hit.score, hit.text, record=hit.record) for hit in kept]
        events = np.array([event for event, _ in known], dtype=np.int64)
        scores = np.array([score for _, score in known], dtype=np.float32)
        budgets = [most.get(level, 0) for level in self.levels]
        for row, score in self._tree._native.climb(events, scores, budgets):
            node = self._told(node_of_row(row))
            passages.append(Passage(node.level, score, self._text(node), node=node))
        return passages

    def _text(self, node: Node) -> str:
        """Return what is said of a node, or an extract made now."""
        if node.text is not None:
            return node.text
        if node.events > _EXTRACTED:
            return ""
        told = self._extract(node, 200, estimate_tokens)
        return "" if told is None else told[0]

    def to_html(self, *, most: int = 400) -> str:
        """Return a picture of the timeline: all of it, and each month and day of it when opened.

        Parameters
        ----------
        most
            Memories whose texts are shown; of more, only how many there are.
        """
        self._follow()
        return picture(self, count_of(most, "most"))

    def _repr_html_(self) -> str:
        return self.to_html()

    def __repr__(self) -> str:
        """Return how large it is."""
        return f"<MemoryTimeline of {len(self)} memories, namespace={self._handle.path!r}>"
