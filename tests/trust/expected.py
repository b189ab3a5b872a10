"""What a store must hold: the model that acknowledged writes are played on."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from recollect import Memory, Record
from recollect.errors import UnknownMemory

__all__ = ["Expected", "Findings", "Held", "Step"]


@dataclass(frozen=True)
class Step:
    """One write: what is done, where, to which memories, with which texts."""

    do: str
    namespace: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    uids: tuple[str, ...] = ()

    @classmethod
    def read(cls, fields: list[Any]) -> "Step":
        """Build a step from its fields, as JSON gives them."""
        do, namespace, texts, uids = fields
        return cls(do, tuple(namespace), tuple(texts), tuple(uids))

    def fields(self) -> list[Any]:
        """Return the fields, for JSON."""
        return [self.do, self.namespace, self.texts, self.uids]


@dataclass
class Held:
    """One memory as it must be."""

    namespace: tuple[str, ...]
    text: str
    version: int = 1
    state: str = "active"
    ops: tuple[str, ...] = ("added",)
    judged: int = 0

    def differs(self, record: Record) -> str:
        """Say how a record is not this memory; nothing where it is."""
        wanted = (self.text, self.version, "active", self.namespace, *dress(self.text))
        found = (record.text, record.version, record.status, record.namespace, record.metadata, record.tags)
        names = ("text", "version", "status", "namespace", "metadata", "tags")
        return ", ".join(name for name, a, b in zip(names, wanted, found, strict=True) if a != b)


def dress(text: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the metadata and tags that go with a text, so that each can be checked from it."""
    serial, _, rest = text.partition(" ")
    return {"serial": serial, "length": len(rest), "deep": {"list": [1, 2.5, None]}}, (f"t{len(rest) % 7}",)


@dataclass
class Findings:
    """What a comparison found."""

    lost: list[str] = field(default_factory=list)
    """Acknowledged writes that are not there, or not as they were."""
    torn: list[str] = field(default_factory=list)
    """Writes that are there in part."""
    damage: tuple[str, ...] = ()
    """What the store's own check of every row reports."""
    took_place: list[tuple[str, int]] | None = None
    """Outcomes of the write that was never acknowledged, where it took place."""

    def clean(self) -> bool:
        """Whether nothing was found."""
        return not (self.lost or self.torn or self.damage)

    def __str__(self) -> str:
        """Return the first few of each."""
        return f"lost {self.lost[:5]}, torn {self.torn[:5]}, damage {self.damage[:5]}"


@dataclass
class Expected:
    """All memories that must be there, and those that must be gone."""

    memories: dict[str, Held] = field(default_factory=dict)
    links: set[tuple[str, str]] = field(default_factory=set)

    def active(self) -> Iterator[tuple[str, Held]]:
        """The memories that recall must find."""
        return ((uid, held) for uid, held in self.memories.items() if held.state == "active")

    def play(self, step: Step, outcomes: list[tuple[str, int]]) -> None:
        """Play one acknowledged write."""
        match step.do:
            case "record" | "add_many":
                for text, (uid, version) in zip(step.texts, outcomes, strict=True):
                    assert version == 1, (step, outcomes)
                    assert uid not in self.memories, (step, outcomes)
                    self.memories[uid] = Held(step.namespace, text)
            case "update":
                held = self.memories[step.uids[0]]
                held.text, held.version, held.ops = step.texts[0], held.version + 1, (*held.ops, "updated")
            case "delete" | "forget":
                for uid in step.uids:
                    held = self.memories[uid]
                    held.state = "deleted" if step.do == "delete" else "erased"
                    held.ops = (*held.ops, held.state)
                    self.links = {link for link in self.links if uid not in link}
            case "link":
                src, dst = step.uids
                self.links.add((src, dst))
                self.memories[src].ops = (*self.memories[src].ops, "linked")
            case "judge":
                for uid in step.uids:
                    self.memories[uid].judged += 1

    def compare(self, root: Memory, pending: Step | None, deep: int = 20) -> Findings:
        """Compare a store with what it must hold.

        `pending` was announced and never acknowledged: it may have taken place as a whole, or not at all. The
        history of `deep` memories is compared as well.
        """
        found = Findings()
        spaces = {held.namespace for held in self.memories.values()} | (
            {pending.namespace} if pending else set()
        )
        stored = {r.uid: r for space in spaces for r in root.namespace(*space).list()}
        new = {uid: record for uid, record in stored.items() if uid not in self.memories}
        touched = set(pending.uids) if pending else set()
        moved = 0
        for uid, held in self.memories.items():
            record = stored.get(uid)
            if uid in touched and pending is not None and _is_after(pending, held, record):
                moved += 1
            elif held.state == "active" and record is None:
                found.lost.append(f"{uid} is not there")
            elif held.state == "active" and (difference := held.differs(record)):
                found.lost.append(f"{uid} differs in {difference}")
            elif held.state != "active" and record is not None:
                found.lost.append(f"{uid} is back after it was {held.state}")
        self._place(found, pending, new, moved)
        self._check_links(found, root, pending, set(stored))
        untouched = [uid for uid in self.memories if uid not in touched]
        for uid in untouched[max(0, len(untouched) - deep) :]:
            self._check_history(found, root, uid)
        verification = root.verify()
        found.damage = verification.damage
        if not verification.ok and not found.damage:
            found.damage = ("the check failed and named nothing",)
        return found

    def _place(self, found: Findings, pending: Step | None, new: dict[str, Record], moved: int) -> None:
        """Decide whether the write that was never acknowledged took place, and whether as a whole."""
        wanted = len(pending.texts if pending and pending.do in ("record", "add_many") else ())
        if new and (pending is None or sorted(r.text for r in new.values()) != sorted(pending.texts)):
            found.torn.append(f"{len(new)} of {wanted} memories of a write that was not acknowledged")
        elif new and pending is not None:
            for record in new.values():
                if difference := Held(pending.namespace, record.text).differs(record):
                    found.torn.append(f"{record.uid} differs in {difference}")
            by_text = {record.text: (record.uid, record.version) for record in new.values()}
            found.took_place = [by_text[text] for text in pending.texts]
        elif pending is not None and moved:
            if moved != len(pending.uids):
                found.torn.append(f"{moved} of {len(pending.uids)} memories of a {pending.do}")
            found.took_place = [(uid, 0) for uid in pending.uids]

    def _check_links(self, found: Findings, root: Memory, pending: Step | None, there: set[str]) -> None:
        """Compare the links, and what was judged; either of a write that was not acknowledged is a whole."""
        due = pending if pending and pending.do in ("link", "judge") else None
        if due and due.do == "link":
            src, dst = due.uids
            near = root.namespace(*due.namespace).neighbours(src, direction="out") if src in there else []
            if (src, dst) not in self.links and dst in [other.uid for other in near]:
                found.took_place = [(uid, 0) for uid in due.uids]
        by_space: dict[tuple[str, ...], list[tuple[str, int]]] = {}
        for uid, held in self.active():
            by_space.setdefault(held.namespace, []).append((uid, held.judged))
        for space, wanted in by_space.items():
            memory = root.namespace(*space)
            known = [(uid, judged) for uid, judged in wanted if uid in there]
            uses = memory.uses([uid for uid, _ in known])
            more = [use.judged - judged for use, (_, judged) in zip(uses, known, strict=True)]
            moved = {use.uid for use, by in zip(uses, more, strict=True) if by}
            if due and due.do == "judge" and moved == set(due.uids) and set(more) <= {0, 1}:
                found.took_place = [(uid, 0) for uid in due.uids]
            elif moved:
                found.lost.append(f"{len(moved)} memories were judged more or less often than told")
            graph = memory.graph()
            stored = {(edge.src, edge.dst) for node in graph.nodes() for edge in graph.edges(node)}
            mine = {uid for uid, _ in known}
            told = {link for link in self.links if link[0] in mine and link[1] in mine}
            extra = {(due.uids[0], due.uids[1])} if due and due.do == "link" else set()
            if stored - extra != told - extra:
                found.lost.append(f"links {sorted(stored ^ told)[:3]} are not as told")

    def _check_history(self, found: Findings, root: Memory, uid: str) -> None:
        held = self.memories[uid]
        space = root.namespace(*held.namespace)
        try:
            changes = space.history(uid)
        except UnknownMemory:
            found.lost.append(f"{uid} has no history")
            return
        if tuple(change.op for change in changes) != held.ops:
            found.lost.append(f"the history of {uid} is {[change.op for change in changes]}, not {held.ops}")
        if held.state == "erased" and any(change.record is not None for change in changes):
            found.lost.append(f"{uid} was erased, and its history holds its content")
        if held.state == "deleted" and space.get(uid, version=held.version).text != held.text:
            found.lost.append(f"{uid} was deleted, and its last version is another")
        if held.state != "active":
            try:
                space.get(uid)
            except UnknownMemory:
                return
            found.lost.append(f"{uid} was {held.state}, and is given out")


def _is_after(pending: Step, held: Held, record: Record | None) -> bool:
    """Whether a memory is as the write that was never acknowledged leaves it."""
    if pending.do == "update" and record is not None:
        return not Held(held.namespace, pending.texts[0], held.version + 1).differs(record)
    return pending.do in ("delete", "forget") and record is None
