"""Any sequence of calls leaves a store as a plain dict says, through closing and opening again."""

import shutil
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
)

import recollect
from recollect import Memory
from recollect.errors import RecollectError, UnknownMemory

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
NAMES = ("a", "b")
OPERATORS = ("$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$in", "$nin", "$exists")
words = st.sampled_from(("river", "copper", "lantern", "orbit", "violet", "marble", "engine"))
texts = st.lists(words, min_size=1, max_size=6).map(" ".join)
names = st.sampled_from(NAMES)
metadata = st.dictionaries(
    st.sampled_from(("x", "y")), st.integers(0, 3) | st.sampled_from(("p", "q")), max_size=2
)
tags = st.lists(st.sampled_from(("t1", "t2")), max_size=2, unique=True).map(tuple)
kinds = st.sampled_from(("episodic", "semantic"))
keys = st.none() | st.sampled_from(("k1", "k2", "k3"))


@dataclass
class Version:
    """What a memory is."""

    text: str
    kind: str
    metadata: dict[str, Any]
    tags: tuple[str, ...]
    at: datetime


@dataclass
class Told:
    """A memory of the model: its versions and all that happened to it."""

    versions: list[Version]
    ops: list[str] = field(default_factory=lambda: ["added"])
    state: str = "active"
    mentions: int = 1

    @property
    def now(self) -> Version:
        """The latest version."""
        return self.versions[-1]


class Store(RuleBasedStateMachine):
    """A store beside a dict of dicts."""

    memories = Bundle("memories")

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="recollect-properties-"))
        self.clock = 0
        self.open()
        self.model: dict[str, dict[str, Told]] = {name: {} for name in NAMES}
        self.keys: dict[tuple[str, str], str] = {}

    def open(self) -> None:
        self.root = recollect.open(self.folder / "a.rcl", durability="normal", language=None, clock=self.tick)

    def tick(self) -> datetime:
        self.clock += 1
        return EPOCH + timedelta(seconds=self.clock)

    def teardown(self) -> None:
        if hasattr(self, "root"):
            self.root.close()
            shutil.rmtree(self.folder)

    def space(self, name: str) -> Memory:
        return self.root.namespace(name)

    def active(self, name: str) -> dict[str, Told]:
        return {uid: told for uid, told in self.model[name].items() if told.state == "active"}

    def twin(self, name: str, version: Version) -> str | None:
        """An active memory that is the same in everything, which a second adding only mentions."""
        return next((uid for uid, told in self.active(name).items() if told.now == version), None)

    @rule(
        target=memories,
        name=names,
        text=texts,
        kind=kinds,
        metadata=metadata,
        tags=tags,
        day=st.integers(0, 9),
        key=keys,
        duplicates=st.sampled_from(("noop", "keep")),
    )
    def add(self, name: str, text: str, kind: str, metadata: dict[str, Any], tags: tuple[str, ...], day: int,
            key: str | None, duplicates: str) -> Any:  # fmt: skip
        version = Version(text, kind, metadata, tags, EPOCH + timedelta(days=day))
        done = self.keys.get((name, key)) if key else None
        twin = self.twin(name, version) if duplicates == "noop" else None
        outcome = self.space(name).add(text, kind=kind, metadata=metadata, tags=tags, at=version.at, key=key,
                                       duplicates=duplicates)  # fmt: skip
        if done is not None:
            assert outcome.uid == done, "a key that was used does nothing again"
            return multiple()
        if key:
            self.keys[name, key] = outcome.uid
        if twin is not None:
            assert (outcome.op, outcome.uid) == ("noop", twin)
            told = self.model[name][twin]
            told.mentions += 1
            told.ops.append("noop")
            assert outcome.mentions == told.mentions
            return multiple()
        assert (outcome.op, outcome.version, outcome.mentions) == ("added", 1, 1)
        assert outcome.uid not in self.model[name]
        self.model[name][outcome.uid] = Told([version])
        return name, outcome.uid

    @rule(target=memories, name=names, batch=st.lists(texts, min_size=1, max_size=4))
    def add_many(self, name: str, batch: list[str]) -> Any:
        outcomes = self.space(name).add_many(batch, at=EPOCH, duplicates="keep")
        for text, outcome in zip(batch, outcomes, strict=True):
            self.model[name][outcome.uid] = Told([Version(text, "episodic", {}, (), EPOCH)])
        return multiple(*((name, outcome.uid) for outcome in outcomes))

    @rule(name=names, batch=st.lists(texts, min_size=1, max_size=3))
    def a_batch_with_one_bad_text_writes_nothing(self, name: str, batch: list[str]) -> None:
        with pytest.raises(RecollectError, match=rf"texts\[{len(batch)}\]"):
            self.space(name).add_many([*batch, "\ud800"])

    @rule(memory=memories, text=st.none() | texts, metadata=st.none() | metadata, tags=st.none() | tags)
    def update(self, memory: tuple[str, str], text: str | None, metadata: dict[str, Any] | None,
               tags: tuple[str, ...] | None) -> None:  # fmt: skip
        name, uid = memory
        told = self.model[name][uid]
        if text is None and metadata is None and tags is None:
            return
        if told.state != "active":
            with pytest.raises(UnknownMemory):
                self.space(name).update(uid, text=text, metadata=metadata, tags=tags)
            return
        old = told.now
        new = Version(
            old.text if text is None else text,
            old.kind,
            old.metadata if metadata is None else metadata,
            old.tags if tags is None else tags,
            old.at,
        )
        outcome = self.space(name).update(uid, text=text, metadata=metadata, tags=tags)
        assert outcome.uid == uid
        if outcome.op == "noop":
            assert new == old, "only an update that changes nothing does nothing"
            told.ops.append("noop")
            return
        told.versions.append(new)
        told.ops.append("updated")
        assert (outcome.op, outcome.version) == ("updated", len(told.versions))

    @rule(memory=memories)
    def update_an_old_version(self, memory: tuple[str, str]) -> None:
        name, uid = memory
        if self.model[name][uid].state == "active":
            with pytest.raises(RecollectError):
                self.space(name).update(
                    uid, text="stale", expect_version=len(self.model[name][uid].versions) + 1
                )

    @rule(memory=memories)
    def delete(self, memory: tuple[str, str]) -> None:
        name, uid = memory
        told = self.model[name][uid]
        if told.state != "active":
            with pytest.raises(UnknownMemory):
                self.space(name).delete(uid)
            return
        (outcome,) = self.space(name).delete(uid)
        assert (outcome.uid, outcome.op) == (uid, "deleted")
        told.state = "deleted"
        told.ops.append("deleted")

    @rule(memory=memories)
    def erase(self, memory: tuple[str, str]) -> None:
        name, uid = memory
        told = self.model[name][uid]
        if told.state != "active":
            return
        receipt = self.space(name).forget(uid, erase=True)
        assert (receipt.state, receipt.erased) == ("done", (uid,))
        told.state = "erased"
        told.ops.append("erased")

    @rule()
    def open_again(self) -> None:
        self.root.close()
        self.open()

    @rule()
    def checkpoint(self) -> None:
        self.root.checkpoint()

    @rule(memory=memories)
    def get_and_history(self, memory: tuple[str, str]) -> None:
        name, uid = memory
        told, space = self.model[name][uid], self.space(name)
        if told.state == "active":
            record = space.get(uid)
            assert _version(record) == told.now
            assert (record.version, record.status, record.namespace) == (
                len(told.versions),
                "active",
                (name,),
            )
            assert record.mentions == told.mentions
        else:
            with pytest.raises(UnknownMemory):
                space.get(uid)
        changes = space.history(uid)
        assert [change.op for change in changes] == told.ops
        assert [change.seq for change in changes] == sorted({change.seq for change in changes})
        written = [change.record for change in changes if change.op in ("added", "updated")]
        if told.state == "erased":
            assert written == [None] * len(told.versions)
            return
        assert [_version(record) for record in written] == told.versions
        for number, version in enumerate(told.versions, 1):
            assert _version(space.get(uid, version=number)) == version

    @rule(
        name=names,
        field=st.sampled_from(("x", "y")),
        value=st.integers(0, 3) | st.sampled_from(("p", "q")),
        operator=st.sampled_from(OPERATORS),
    )
    def list_by_metadata(self, name: str, field: str, value: int | str, operator: str) -> None:
        operand = [value] if operator in ("$in", "$nin") else operator != "$exists" and value
        filter_ = {field: {operator: operand if operator != "$exists" else bool(value)}}
        wanted = {
            u for u, told in self.active(name).items() if _matches(told.now.metadata, field, operator, value)
        }
        self.check_list(name, filter_, wanted)

    @rule(name=names, tag=st.sampled_from(("t1", "t2")), kind=kinds, negate=st.booleans())
    def list_by_tag_and_kind(self, name: str, tag: str, kind: str, negate: bool) -> None:
        wanted = {
            u
            for u, t in self.active(name).items()
            if (tag in t.now.tags and t.now.kind == kind) is not negate
        }
        both: dict[str, Any] = {"$and": [{"tags": tag}, {"kind": kind}]}
        self.check_list(name, {"$not": both} if negate else both, wanted)

    def check_list(self, name: str, filter_: dict[str, Any], wanted: set[str]) -> None:
        found = self.space(name).list(filter_)
        assert {record.uid for record in found} == wanted
        assert len(found) == len(wanted) == self.space(name).count(filter_)
        limited = self.space(name).list(filter_, limit=2, offset=1)
        assert [record.uid for record in limited] == [record.uid for record in found][1:3]

    @rule(name=names, order=st.sampled_from(("time", "-time", "ingested", "-ingested")))
    def list_in_order(self, name: str, order: str) -> None:
        found = self.space(name).list(order=order)
        times = [record.at if "time" in order else record.ingested for record in found]
        assert times == sorted(times, reverse=order.startswith("-"))
        assert len(found) == len(self.active(name))

    @rule(name=names, start=st.integers(0, 9), days=st.integers(1, 5))
    def list_between(self, name: str, start: int, days: int) -> None:
        begin, end = EPOCH + timedelta(days=start), EPOCH + timedelta(days=start + days)
        wanted = {uid for uid, told in self.active(name).items() if begin <= told.now.at < end}
        assert {record.uid for record in self.space(name).list(between=(begin, end))} == wanted

    @rule(name=names, query=st.lists(words, min_size=1, max_size=3), k=st.integers(1, 8))
    def recall_by_words(self, name: str, query: list[str], k: int) -> None:
        recall = self.space(name).recall(" ".join(query), k=k, signals=("words",))
        active = self.active(name)
        assert all(_version(hit.record) == active[hit.uid].now for hit in recall)
        assert [hit.rank for hit in recall] == list(range(1, len(recall) + 1))
        found = [(hit.score, hit.text) for hit in recall]
        ranked = _rank_afresh([told.now for told in active.values()], query)
        having = [text for text in (told.now.text for told in active.values()) if {*text.split()} & {*query}]
        assert sorted(text for _, text in ranked) == sorted(having), "all that have a word, and no other"
        assert [score for score, _ in found] == [score for score, _ in ranked[:k]], (
            "the k best, to the last bit"
        )
        assert Counter(found) <= Counter(ranked)

    @precondition(lambda self: hasattr(self, "root"))
    @invariant()
    def counts_agree(self) -> None:
        for name in NAMES:
            assert self.space(name).count() == len(self.active(name))

    @rule()
    def verify(self) -> None:
        verification = self.root.verify()
        assert verification.ok, verification.damage


def _version(record: Any) -> Version:
    return Version(record.text, record.kind, record.metadata, record.tags, record.at)


def _matches(metadata: dict[str, Any], field: str, operator: str, value: int | str) -> bool:
    there, found = field in metadata, metadata.get(field)
    comparable = there and type(found) is type(value)
    match operator:
        case "$eq" | "$in":
            return there and found == value
        case "$ne" | "$nin":
            return not (there and found == value)
        case "$exists":
            return there is bool(value)
        case "$gt":
            return comparable and found > value
        case "$gte":
            return comparable and found >= value
        case "$lt":
            return comparable and found < value
    return comparable and found <= value


def _rank_afresh(versions: list[Version], query: list[str]) -> list[tuple[float, str]]:
    """What a store answers that never held anything but these memories, best first."""
    if not versions:
        return []
    with recollect.open(language=None) as fresh:
        texts, times = zip(*((version.text, version.at) for version in versions), strict=True)
        fresh.add_many(texts, at=times, duplicates="keep")
        hits = fresh.recall(" ".join(query), k=len(texts), signals=("words",))
        return [(hit.score, hit.text) for hit in hits]


TestStore = Store.TestCase
TestStore.settings = settings(
    max_examples=100,
    stateful_step_count=40,
    deadline=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
