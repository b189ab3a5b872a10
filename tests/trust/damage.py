"""Damages the files of a store, and tells right answers, refusals and wrong answers apart."""

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recollect import Memory
from recollect.errors import RecollectError
from tests.trust.workload import open_store

__all__ = ["KINDS", "Picture", "Sample", "Verdict", "damage", "examine", "fill", "take_picture"]

PAGE = 4096
STORE = "damaged.rcl"
SPACES = (("agent",), ("agent", "notes"), ("other",))
QUERIES = ("river copper", "the harbour of the winter garden", "compiler thread", "7-3 lantern")

Picture = dict[str, Any]
"""Everything a reader can be given: records, histories, hits and counts, by what was asked."""


@dataclass(frozen=True)
class Sample:
    """The files of a sound store, and what it answers."""

    closed: bytes
    """The file after a clean close."""
    early: bytes
    """The file as it was after half of the writes."""
    early_log: bytes
    """The write-ahead log of that moment."""
    foreign_log: bytes
    """The write-ahead log of another store."""
    picture: Picture
    early_pictures: tuple[Picture, ...]
    """What earlier moments answered: a log that ends early gives one of these."""


@dataclass(frozen=True)
class Verdict:
    """How one trial ended."""

    kind: str
    ending: str
    """``right``, ``refused``, ``reported`` (by the check of every row), ``earlier``, or ``WRONG``."""
    detail: str = ""


def fill(memory: Memory, dice: random.Random, words: list[str], numbers: range) -> Iterator[None]:
    """Write, update and delete memories, one commit at a time."""
    for number in numbers:
        space = memory.namespace(*SPACES[number % len(SPACES)])
        texts = [
            f"{number}-{part} {' '.join(dice.choices(words, k=dice.randint(3, 60)))}" for part in range(4)
        ]
        outcomes = space.add_many(texts, metadata={"number": number}, tags=("sample",))
        yield
        space.update(outcomes[0].uid, text=f"{texts[0]} again", reason="told again")
        yield
        space.delete(outcomes[1].uid)
        yield


def take_picture(memory: Memory) -> Picture:
    """Ask a store everything, and keep the answers."""
    picture: Picture = {"namespaces": sorted(memory.namespaces())}
    for path in SPACES:
        space = memory.namespace(*path)
        records = space.list()
        picture[f"list {path}"] = {record.uid: record for record in records}
        picture[f"count {path}"] = space.count()
        picture[f"tagged {path}"] = sorted(record.uid for record in space.list({"tags": "sample"}))
        for record in records[::5]:
            picture[f"history {record.uid}"] = space.history(record.uid)
            picture[f"get {record.uid}"] = space.get(record.uid)
        for query in QUERIES:
            hits = space.recall(query, k=5)
            picture[f"recall {path} {query}"] = [(hit.uid, hit.record, hit.score) for hit in hits]
    return picture


def _flip_bit(content: bytearray, dice: random.Random, sample: Sample) -> None:
    content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)


def _change_byte(content: bytearray, dice: random.Random, sample: Sample) -> None:
    content[dice.randrange(len(content))] ^= dice.randint(1, 255)


def _clear_sector(content: bytearray, dice: random.Random, sample: Sample) -> None:
    at = dice.randrange(len(content) // 512) * 512
    content[at : at + 512] = bytes(512)


def _swap_pages(content: bytearray, dice: random.Random, sample: Sample) -> None:
    one, two = (page * PAGE for page in dice.sample(range(len(content) // PAGE), 2))
    content[one : one + PAGE], content[two : two + PAGE] = (
        content[two : two + PAGE],
        content[one : one + PAGE],
    )


def _truncate(content: bytearray, dice: random.Random, sample: Sample) -> None:
    del content[dice.randrange(len(content)) :]


def _append(content: bytearray, dice: random.Random, sample: Sample) -> None:
    content += dice.randbytes(dice.choice((1, 512, PAGE, 3 * PAGE + 7)))


def _page_of_before(content: bytearray, dice: random.Random, sample: Sample) -> None:
    at = dice.randrange(len(sample.early) // PAGE) * PAGE
    content[at : at + PAGE] = sample.early[at : at + PAGE]


IN_PLACE: Mapping[str, Callable[[bytearray, random.Random, Sample], None]] = {
    "one bit": _flip_bit,
    "one byte": _change_byte,
    "512 bytes cleared": _clear_sector,
    "two pages swapped": _swap_pages,
    "truncated": _truncate,
    "appended": _append,
    "a page of before": _page_of_before,
}
KINDS = (*IN_PLACE, "log of before", "foreign log", "damaged log")


def damage(kind: str, dice: random.Random, sample: Sample) -> dict[str, bytes]:
    """Return the files of a store after one damage, by the ending of their names."""
    if change := IN_PLACE.get(kind):
        content = bytearray(sample.closed)
        change(content, dice, sample)
        return {"": bytes(content)}
    if kind == "log of before":
        return {"": sample.closed, "-wal": _cut(sample.early_log, dice)}
    if kind == "foreign log":
        return {"": sample.closed, "-wal": _cut(sample.foreign_log, dice)}
    log = bytearray(sample.early_log)
    dice.choice((_flip_bit, _change_byte, _clear_sector, _truncate, _append))(log, dice, sample)
    return {"": sample.early, "-wal": bytes(log)}


def _cut(log: bytes, dice: random.Random) -> bytes:
    return log if dice.random() < 0.5 else log[: dice.randrange(len(log))]


def examine(kind: str, folder: Path, files: Mapping[str, bytes], sample: Sample) -> Verdict:
    """Open a damaged store, read everything, and judge the answers."""
    for old in folder.iterdir():
        old.unlink()
    for ending, content in files.items():
        (folder / f"{STORE}{ending}").write_bytes(content)
    try:
        with open_store(folder / STORE, create=False) as memory:
            try:
                picture = take_picture(memory)
            finally:
                verification = memory.verify()
    except RecollectError as error:
        return Verdict(kind, "refused", type(error).__name__)
    wrong = _first_wrong(picture, sample.picture)
    if not wrong:
        return Verdict(kind, "right", "" if verification.ok else "the check reports damage besides")
    if any(not _first_wrong(picture, early) for early in sample.early_pictures) and "log" in kind:
        return Verdict(kind, "earlier")
    if verification.ok:
        return Verdict(kind, "WRONG", f"and not detected: {wrong}")
    if kind_of_wrong := _given_out_wrong(picture, sample.picture):
        return Verdict(
            kind, "WRONG", f"given out, though the check reports {verification.damage[:2]}: {kind_of_wrong}"
        )
    return Verdict(kind, "reported", wrong)


def _first_wrong(picture: Picture, right: Picture) -> str:
    """Name the first question with another answer."""
    return next((asked for asked in {**right, **picture} if picture.get(asked) != right.get(asked)), "")


def _given_out_wrong(picture: Picture, right: Picture) -> str:
    """Name the first record that was given out with another content than was written."""
    for asked, answer in picture.items():
        if asked.startswith("list"):
            for uid, record in answer.items():
                if right[asked].get(uid) != record:
                    return f"{asked}: {uid}"
        elif asked.startswith("get") and asked in right and right[asked] != answer:
            return asked
    return ""
