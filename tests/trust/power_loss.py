"""Builds what a disk may hold when the power goes: the synced bytes, and any of the bytes written since.

The changes of a process are played up to a random cut. What a file got since its last sync may be there, be
missing, be there in part, in sectors of 512 bytes, and in any order. A file that was created and never synced
may be missing; one that was unlinked may be back while its folder was not synced.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.trust.expected import Expected
from tests.trust.recording import Change
from tests.trust.workload import open_store, read_log

__all__ = ["LOG", "STORE", "Disk", "crash_point", "examine", "first_acknowledgement"]

SECTOR = 512
LOG, STORE = "acknowledged", "power.rcl"


@dataclass
class _File:
    durable: bytearray = field(default_factory=bytearray)
    waiting: list[Change] = field(default_factory=list)
    named: bool = False
    """Whether the name itself is durable."""

    def sync(self) -> None:
        for change in self.waiting:
            _apply(self.durable, change)
        self.waiting.clear()
        self.named = True


class Disk:
    """The files of one folder, as durable bytes and changes that wait for a sync."""

    def __init__(self, *, ignore_syncs: bool = False) -> None:
        self._files: dict[str, _File] = {}
        self._unlinked: dict[str, _File] = {}
        self._ignore_syncs = ignore_syncs

    def play(self, change: Change) -> None:
        """Play one change."""
        match change.op:
            case "C":
                self._files[change.name] = _File()
            case "U":
                self._unlinked[change.name] = self._files.pop(change.name)
            case "R":
                self._files[Path(change.data.decode()).name] = self._files.pop(change.name)
            case "S" if not self._ignore_syncs:
                self._files[change.name].sync()
                self._unlinked.pop(change.name, None)
            case "D" if not self._ignore_syncs:
                self._unlinked.clear()
                for file in self._files.values():
                    file.named = True
            case "W" | "F" | "T":
                # A file that was there before the recording began has no creation.
                self._files.setdefault(change.name, _File(named=True)).waiting.append(change)

    def whole(self) -> dict[str, bytes]:
        """The files as the process saw them."""
        files = {}
        for name, file in self._files.items():
            content = bytearray(file.durable)
            for change in file.waiting:
                _apply(content, change)
            files[name] = bytes(content)
        return files

    def lose_power(self, dice: random.Random) -> dict[str, bytes]:
        """The files as they may be after the power came back."""
        files = {}
        for name, file in self._files.items():
            if file.named or dice.random() < 0.5:
                files[name] = _survivor(file, dice)
        for name, file in self._unlinked.items():
            if name not in self._files and dice.random() < 0.5:
                files[name] = _survivor(file, dice)
        return files


def crash_point(changes: Sequence[Change], cut: int, dice: random.Random, *,
                ignore_syncs: bool = False) -> tuple[dict[str, bytes], bytes]:  # fmt: skip
    """Lose the power after `cut` changes; return the files, and what the log said by then."""
    disk, log = Disk(ignore_syncs=ignore_syncs), bytearray()
    for change in changes[:cut]:
        if change.name != LOG:
            disk.play(change)
        elif change.op == "W":
            log += change.data
    return disk.lose_power(dice), bytes(log)


def first_acknowledgement(changes: Sequence[Change]) -> int:
    """The number of changes up to the first acknowledgement."""
    return (
        next(at for at, change in enumerate(changes) if change.name == LOG and change.data.startswith(b"<"))
        + 1
    )


def examine(folder: Path, files: dict[str, bytes], log: bytes) -> str:
    """Open what is left, and say what is wrong; nothing where all that was acknowledged is there."""
    for old in folder.iterdir():
        old.unlink()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    expected = Expected()
    _, pending = read_log(log.splitlines(keepends=True), expected)
    try:
        with open_store(folder / STORE) as memory:
            found = expected.compare(memory, pending)
    except Exception as error:  # whatever is raised, the store could not be used
        return f"{type(error).__name__}: {error}"
    return "" if found.clean() else str(found)


def _survivor(file: _File, dice: random.Random) -> bytes:
    content = bytearray(file.durable)
    waiting = list(file.waiting)
    match dice.choice(("all", "none", "some", "first", "torn", "shuffled")):
        case "none":
            waiting = []
        case "some":
            waiting = [change for change in waiting if dice.random() < 0.5]
        case "first":
            waiting = waiting[: dice.randint(0, len(waiting))]
        case "torn":
            waiting = _sectors(waiting, dice)
        case "shuffled":
            waiting = _sectors(waiting, dice)
            dice.shuffle(waiting)
    for change in waiting:
        _apply(content, change)
    return bytes(content)


def _sectors(changes: list[Change], dice: random.Random) -> list[Change]:
    """Some of the writes whole, of the others a random half of their sectors."""
    kept = []
    for change in changes:
        if change.op != "W" or dice.random() < 0.4:
            kept.append(change)
            continue
        for at in range(0, len(change.data), SECTOR):
            if dice.random() < 0.5:
                kept.append(Change("W", change.name, change.offset + at, change.data[at : at + SECTOR]))
    return kept


def _apply(content: bytearray, change: Change) -> None:
    match change.op:
        case "W":
            if len(content) < change.offset:
                content.extend(bytes(change.offset - len(content)))
            content[change.offset : change.offset + len(change.data)] = change.data
        case "F":
            if len(content) > change.offset:
                del content[change.offset :]
            else:
                content.extend(bytes(change.offset - len(content)))
        case "T":
            content.clear()
