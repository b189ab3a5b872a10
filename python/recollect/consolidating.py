"""Summaries of the windows of a timeline that are over, kept in the store."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from hashlib import blake2b
from typing import Any

import numpy as np

from recollect import derived, writing
from recollect._native import Timeline as _Native
from recollect.checks import count_of
from recollect.errors import InvalidArgument, UnknownMemory, WrongType
from recollect.following import FollowingTree
from recollect.handle import Handle
from recollect.packing import CountTokens, token_counter
from recollect.passages import Item, Summarise, Summary
from recollect.records import Record
from recollect.rows import RecordRow
from recollect.sentences import Candidate, central, split
from recollect.timeline import Timeline
from recollect.timeline_results import Node
from recollect.times import MAX_MICROS, Time, to_micros

__all__ = ["Consolidating"]

_BATCH = 256
_WINDOW = 4


class Consolidating(FollowingTree):
    """What closes windows of a timeline and says something of them."""

    __slots__ = ("_name", "_seen", "_silent", "_summaries", "_unchecked")

    def __init__(self, handle: Handle, tree: Timeline, kinds: object, settings: object) -> None:
        super().__init__(handle, tree, kinds)
        # Trees of other levels, zones or kinds have other windows, and other summaries.
        self._name = blake2b(repr(settings).encode(), digest_size=8).hexdigest()
        self._summaries: dict[str, tuple[Summary, str, tuple[str, ...]]] = {}
        self._seen = -1
        self._unchecked: dict[str, None] = {}
        self._silent: dict[str, str] = {}

    def consolidate(
        self,
        summarise: Summarise | None = None,
        until: Time | None = None,
        *,
        levels: Sequence[str] | None = None,
        previous: int = 3,
        tokens: int = 200,
        count_tokens: CountTokens | None = None,
    ) -> list[Summary]:
        """Close every window that is over, from the finest level up, and keep what is said of each.

        Doing it again changes nothing. A memory that comes late, is changed or is forgotten opens what it
        is in again, and the next call says it anew. Summaries are memories of a namespace below this one,
        with what they are made from as their parents: forgetting or changing one of those erases them, and
        what was made from them.

        Parameters
        ----------
        summarise
            Called with a node, what is below it by time and up to `previous` nodes of its level before it;
            what it returns is kept, None keeps nothing (TiMem, 2601.02845). Where it raises, the summaries so
            far stay, and the next call goes on. Without it the summary is an extract: the most central
            sentences, word for word, each with its source (:func:`recollect.sentences.central`).
        until
            A time before which nothing more is expected; now if not given.
        levels
            Of which levels; by default all but segments and ``"persona"``, which is never over.
        tokens, count_tokens
            What an extract may have, and what counts it: by default one for four bytes.

        Returns
        -------
        list of Summary
            Those that were made, by level and time.
        """
        if summarise is not None and not callable(summarise):
            raise WrongType(f"summarise: expected a callable, found {type(summarise).__name__}")
        counter, budget = token_counter(count_tokens), count_of(tokens, "tokens", 1)
        back = count_of(previous, "previous")
        wanted = [level for level in self.levels if level not in ("segment", "persona")]
        if levels is not None:
            for level in levels:
                if level not in self.levels:
                    raise InvalidArgument(
                        f"levels: expected some of {', '.join(self.levels)}, found {level!r}"
                    )
            wanted = [level for level in self.levels if level in levels]
        self._follow()
        watermark = self._handle.now(None) if until is None else to_micros(until, "until")
        for node in self._tree.advance(watermark):
            self._unchecked[self._called(node)] = None
        made: list[Summary] = []
        for level in wanted:
            waiting: list[_Made] = []
            for node in self._tree.nodes(level):
                if node.state != "closed" or not self._due(node):
                    continue
                digest = self._digest(node)
                if summarise is None:
                    told = self._extract(node, budget, counter)
                else:
                    told = self._asked(node, summarise, back)
                waiting.append((node, digest, *(told or ("", (), ()))))
                if len(waiting) >= (1 if summarise is not None else _BATCH):
                    made += self._keep(waiting)
                    waiting = []
            made += self._keep(waiting)
        self._clear(wanted)
        return made

    def summary(self, node: Node) -> Summary | None:
        """Return what is kept of a node, or None: also where something in it changed since."""
        self._follow()
        return self._valid(node)

    def summaries(self, level: str, start: Time | None = None, end: Time | None = None) -> list[Summary]:
        """Return what is kept of the nodes of a level that share an instant with ``[start, end)``."""
        self._follow()
        found = (self._valid(node) for node in self._tree.nodes(level, start, end))
        return [one for one in found if one is not None]

    def _follow(self) -> _Native:
        native = super()._follow()
        self._read()
        return native

    def _told(self, node: Node) -> Node:
        known = self._valid(node)
        return node if known is None else replace(node, text=known.text)

    def _due(self, node: Node) -> bool:
        name = self._called(node)
        if name not in self._summaries:
            return name not in self._silent or self._silent[name] != self._digest(node)
        if name not in self._unchecked:
            return False
        if self._valid(node) is None:
            return True
        del self._unchecked[name]
        return False

    def _called(self, node: Node) -> str:
        """Return the name of a node, the same in every process: its level, and which window or session."""
        if node.id[1] == _WINDOW:
            which: object = node.id[3]
        elif node.session is not None:
            which = node.session
        else:
            which = node.start
        return json.dumps([node.level, which, node.segment, node.session is None])

    def _digest(self, node: Node) -> str:
        return self._tree._native.digest(self._handle.namespace, node.id)

    def _mark(self, node: Node) -> str:
        return derived.node_mark(self._name, self._called(node))

    def _valid(self, node: Node) -> Summary | None:
        known = self._summaries.get(self._called(node))
        return known[0] if known is not None and self._same(node, known[1]) else None

    def _read(self) -> None:
        """Look which summaries there are, if anything changed among them."""
        version = derived.version(self._handle)
        if version == self._seen:
            return
        self._summaries = {}
        for row in derived.listed(self._handle):
            told = _metadata(row)
            if told.get("tree") == self._name:
                self._summaries[told["name"]] = (_summary(row, told), told["digest"], row[6])
        self._seen = version

    def _asked(self, node: Node, summarise: Summarise, previous: int) -> "_Told | None":
        rows = self._tree._native.previous(node.id, previous)
        before: list[Node] = []
        sources: list[str] = []
        nodes: list[Node] = []
        for one in (self._tree.node(_of(row)) for row in rows):
            known = self._valid(one)
            before.append(one if known is None else replace(one, text=known.text))
            if known is not None:
                sources.append(known.uid)
                nodes.append(one)
        below: list[Item] = []
        for item, uids in self._below(node):
            below.append(item)
            sources += uids
            nodes += [] if isinstance(item, Record) else [item]
        text = summarise(self._tree.node(node), below, before)
        if text is None:
            return None
        if not isinstance(text, str):
            raise WrongType(f"summarise: expected it to return str or None, found {type(text).__name__}")
        return text, tuple(dict.fromkeys(sources)), tuple(self._mark(one) for one in nodes)

    def _below(self, node: Node) -> Iterable[tuple[Item, list[str]]]:
        """Yield what is below a node by time: what was said of nodes, or else what is in them."""
        for child in FollowingTree._items(self, self._tree._native.children(node.id)):
            if isinstance(child, Record):
                yield child, [child.uid]
                continue
            known = self._valid(child)
            if known is None:
                yield from self._below(child)
            else:
                yield replace(child, text=known.text), [known.uid]

    def _extract(self, node: Node, budget: int, counter: CountTokens) -> "_Told | None":
        kept = self._sentences(node, budget, counter)
        if not kept:
            return None
        return "\n".join(one.text for one in kept), tuple(one.source for one in kept), ()

    def _sentences(self, node: Node, budget: int, counter: CountTokens) -> list[Candidate]:
        texts: list[tuple[str, str]] = []
        for item, _ in self._below(node):
            if isinstance(item, Record):
                texts += [(item.uid, sentence) for sentence in split(item.text)]
            else:
                known = self._valid(item)
                lines = [] if known is None else known.text.split("\n")
                if known is not None and len(lines) == len(known.sources):
                    texts += list(zip(known.sources, lines, strict=True))
                elif known is not None:
                    texts += [(known.uid, sentence) for sentence in split(known.text)]
        return central(self._candidates(texts), tokens=budget, count=counter)

    def _candidates(self, texts: Sequence[tuple[str, str]]) -> list[Candidate]:
        """Return sentences with time, salience and vector of the memories they are from."""
        native = self._tree._native
        placed: dict[str, tuple[int, float, int]] = {}
        for uid in dict.fromkeys(uid for uid, _ in texts):
            try:
                event = int(self._events([uid])[0])
            except UnknownMemory:  # A summary that a caller wrote.
                continue
            start, _, salience = native.event(event)
            placed[uid] = (start, salience, event)
        events = np.array([event for _, _, event in placed.values()], dtype=np.int64)
        rows = native.vectors(events) if self._tree.dim else ()
        vectors = dict(zip(events.tolist(), rows, strict=False))
        found = []
        for order, (uid, text) in enumerate(texts):
            start, salience, event = placed.get(uid, (order, 0.5, -1))
            found.append(Candidate(text, uid, start, salience, vectors.get(event)))
        return found

    def _keep(self, waiting: Sequence["_Made"]) -> list[Summary]:
        """Write summaries in the place of those there are, and take back what is not true any more."""
        if not waiting:
            return []
        below = derived.home(self._handle)
        names = [self._called(node) for node, *_ in waiting]
        old = {name: self._summaries[name] for name in names if name in self._summaries}
        # What was made from the old ones stays, so the new ones are found by whatever the old ones were.
        derived.erase(below, [one.uid for one, *_ in old.values()])
        said = [(name, *one) for name, one in zip(names, waiting, strict=True) if one[2].strip()]
        outcomes = writing.add(
            below,
            [text for _, _, _, text, _, _ in said],
            single=False,
            at=[node.start for _, node, *_ in said],
            until=[node.end if node.end <= MAX_MICROS else None for _, node, *_ in said],
            session=[node.session for _, node, *_ in said],
            metadata=[
                {
                    "name": name,
                    "node": self._mark(node),
                    "level": node.level,
                    "tree": self._name,
                    "digest": digest,
                    "start": node.start,
                    "end": node.end,
                    "sources": list(sources) if len(sources) <= _BATCH else [],
                }
                for name, node, digest, _, sources, _ in said
            ],
            tags=[
                derived.marks([*sources, *nodes, *(old[name][2] if name in old else ())])
                for name, _, _, _, sources, nodes in said
            ],
            parents=[list(dict.fromkeys(sources))[:_BATCH] for *_, sources, _ in said],
            source="timeline",
            duplicates="keep",
        )
        made = [
            Summary(outcome.uid, node.level, node.start, node.end, text, sources)
            for outcome, (_, node, _, text, sources, _) in zip(outcomes, said, strict=True)
        ]
        # What was changed or forgotten while this was made: nobody found a summary of it to erase.
        self._follow()
        stale = [
            one.uid
            for one, (_, node, digest, *_) in zip(made, said, strict=True)
            if not self._same(node, digest)
        ]
        derived.erase(below, stale)
        self._read()
        for name, one in zip(names, waiting, strict=True):
            self._unchecked.pop(name, None)
            if not one[2].strip():
                self._silent[name] = one[1]
        return [one for one in made if one.uid not in stale]

    def _same(self, node: Node, digest: str) -> bool:
        try:
            return self._digest(node) == digest
        except UnknownMemory:
            return False

    def _clear(self, levels: Sequence[str]) -> None:
        """Erase what was said of sessions and segments that are no more."""
        there = {self._called(node) for level in levels for node in self._tree.nodes(level)}
        gone = [
            one.uid
            for name, (one, *_) in self._summaries.items()
            if one.level in levels and name not in there
        ]
        derived.erase(derived.home(self._handle), gone)
        self._read()


_Told = tuple[str, tuple[str, ...], tuple[str, ...]]
_Made = tuple[Node, str, str, tuple[str, ...], tuple[str, ...]]


def _of(row: tuple[object, ...]) -> Node:
    return Node(*row[:-1], *row[-1])  # type: ignore[arg-type,misc]  # As the native half tells it.


def _metadata(row: RecordRow) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(row[5])
    return found


def _summary(row: RecordRow, told: dict[str, Any]) -> Summary:
    sources = told["sources"] or row[18]
    return Summary(row[0], told["level"], told["start"], told["end"], row[4], tuple(sources))
