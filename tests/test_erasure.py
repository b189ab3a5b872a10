"""What is erased is in no file of the store: while it is open, after closing, after a kill."""

import os
import random
import signal
import time
from pathlib import Path

import numpy as np
import pytest

import recollect
from recollect import Memory
from recollect.embedding.hashing import HashingEmbedder
from recollect.errors import UnknownMemory
from tests.trust.children import fork, in_child

WINDOW = 16
DIM = 256
_dice = random.Random(4)
SECRETS = tuple(
    " ".join("".join(_dice.choices("bcdfghjklmnpqrstvwxz", k=12)) for _ in range(6)) for _ in range(12)
)
"""Texts that share nothing with each other, nor with any other text."""
embedder = HashingEmbedder(DIM)


def _files(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}


def _needles(text: str) -> dict[str, set[bytes]]:
    """What would give a memory away: text, words, and the vector in the forms an index may keep."""
    vector = embedder.embed([text])[0]
    raw = text.encode()
    forms = {
        "text": raw,
        "upper": text.upper().encode(),
        "utf-16": text.encode("utf-16-le"),
        "float32": vector.astype("<f4").tobytes(),
        "float16": vector.astype("<f2").tobytes(),
        "int8": np.rint(vector * 127 / np.abs(vector).max()).astype(np.int8).tobytes(),
        "signs, little": np.packbits(vector > 0, bitorder="little").tobytes(),
        "signs, big": np.packbits(vector > 0, bitorder="big").tobytes(),
    }
    needles = {name: _windows(form) for name, form in forms.items()}
    # A stemmer may cut a word, so the first ten letters are enough.
    needles["words"] = {word[:10].encode() for word in text.split()}
    return needles


def _windows(content: bytes) -> set[bytes]:
    return {content[at : at + WINDOW] for at in range(len(content) - WINDOW + 1)}


def _traces(folder: Path, text: str) -> dict[str, list[str]]:
    """Which forms of a memory are found, and in which files."""
    found: dict[str, list[str]] = {}
    for name, content in _files(folder).items():
        windows = _windows(content)
        for form, needles in _needles(text).items():
            hit = any(n in content for n in needles) if form == "words" else not windows.isdisjoint(needles)
            if hit:
                found.setdefault(form, []).append(name)
    return found


def _fill(memory: Memory, dice: random.Random) -> dict[str, str]:
    """Write the secrets among ordinary memories; return their identities by text."""
    words = [f"ordinary{number}" for number in range(200)]
    uids: dict[str, str] = {}
    for secret in SECRETS:
        memory.add_many([" ".join(dice.choices(words, k=15)) + f" {dice.random()}" for _ in range(15)])
        uids[secret] = memory.add(
            secret, metadata={"about": secret}, tags=[secret[:40]], session=secret[:30]
        ).uid
    return uids


def test_the_search_finds_what_is_there(tmp_path: Path) -> None:
    """Proves that the search has teeth: before the erasure it finds text, words and vector."""
    with recollect.open(tmp_path / "a.rcl", embedder=embedder) as memory:
        memory.add(SECRETS[0])
        memory.checkpoint()
        found = _traces(tmp_path, SECRETS[0])
    assert {"text", "words", "float32"} <= set(found)


@pytest.mark.parametrize("indexed", [True, False], ids=["with snapshots", "without"])
@pytest.mark.parametrize("changed", ["added", "updated", "deleted"])
def test_an_erased_memory_is_in_no_file(tmp_path: Path, indexed: bool, changed: str) -> None:
    path = tmp_path / "a.rcl"
    with recollect.open(path, embedder=embedder) as memory:
        uids = _fill(memory, random.Random(1))
        if indexed:
            memory.checkpoint()
        secret = SECRETS[5]
        uid = uids[secret]
        if changed == "updated":
            memory.update(uid, text="an ordinary text", metadata={}, tags=[])
        if changed == "deleted":
            memory.delete(uid)
        if indexed:
            memory.checkpoint()
        receipt = memory.forget(uid, erase=True)
        assert (receipt.state, receipt.erased) == ("done", (uid,))
        assert _traces(tmp_path, secret) == {}, "while the store is open"
        with pytest.raises(UnknownMemory):
            memory.get(uid)
        assert all(change.record is None for change in memory.history(uid))
        assert uid not in [hit.uid for hit in memory.recall(secret, k=50)]
        memory.checkpoint()
        assert _traces(tmp_path, secret) == {}, "after a snapshot"
        assert memory.verify().ok
    assert _traces(tmp_path, secret) == {}, "after closing"
    with recollect.open(path, embedder=embedder) as memory:
        assert memory.verify().ok
        assert memory.get(uids[SECRETS[4]]).text == SECRETS[4]
        memory.recall(secret, k=5)
    assert _traces(tmp_path, secret) == {}, "after opening again"


def test_many_are_erased_at_once_by_a_filter(tmp_path: Path) -> None:
    with recollect.open(tmp_path / "a.rcl", embedder=embedder) as memory:
        uids = _fill(memory, random.Random(2))
        memory.checkpoint()
        receipt = memory.forget(filter={"session": {"$exists": True}}, erase=True)
        assert sorted(receipt.erased) == sorted(uids.values())
        assert receipt.state == "done"
        for secret in SECRETS[::4]:
            assert _traces(tmp_path, secret) == {}
        assert memory.count() == 15 * len(SECRETS)
        assert memory.verify().ok


def test_an_erasure_beside_a_reader_is_done_or_says_that_it_is_pending(tmp_path: Path) -> None:
    path = tmp_path / "a.rcl"
    with recollect.open(path, embedder=embedder) as memory:
        uids = _fill(memory, random.Random(3))
        with recollect.open(path, read_only=True, embedder=embedder) as reader:
            assert reader.get(uids[SECRETS[0]]).text == SECRETS[0]
            receipt = memory.forget(uids[SECRETS[0]], erase=True)
            with pytest.raises(UnknownMemory):
                reader.get(uids[SECRETS[0]])
            if receipt.state == "done":
                assert _traces(tmp_path, SECRETS[0]) == {}
        memory.forget(uids[SECRETS[1]], erase=True)
        assert _traces(tmp_path, SECRETS[0]) == {}
        assert _traces(tmp_path, SECRETS[1]) == {}


def _fill_in_child(path: Path, seed: int) -> dict[str, str]:
    with recollect.open(path, embedder=embedder) as memory:
        uids = _fill(memory, random.Random(seed))
        memory.checkpoint()
        return uids


def _erase_and_be_killed(path: Path, uid: str, patience: float) -> bool:
    """Kill a child some seconds after it began to erase; return whether it told that it was done."""
    reading, writing = os.pipe()

    def erase() -> None:
        memory = recollect.open(path, embedder=embedder)
        memory.count()
        os.write(writing, b"now")
        memory.forget(uid, erase=True)
        os.write(writing, b"!")
        signal.pause()

    child = fork(erase)
    os.close(writing)
    os.read(reading, 3)
    time.sleep(patience)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with os.fdopen(reading, "rb") as told:
        return told.read() == b"!"


def _look_for(path: Path, uid: str) -> tuple[bool, bool]:
    with recollect.open(path, embedder=embedder) as memory:
        return uid in {record.uid for record in memory.list()}, memory.verify().ok


def test_an_erasure_that_is_killed_is_whole_or_did_not_happen(tmp_path: Path) -> None:
    dice = random.Random(20_261_121)
    for secret in SECRETS[:10]:
        folder = tmp_path / secret[:8]
        folder.mkdir()
        path = folder / "a.rcl"
        uid = in_child(_fill_in_child, path, dice.getrandbits(32))[secret]
        acknowledged = _erase_and_be_killed(path, uid, dice.uniform(0, 0.006))
        there, sound = in_child(_look_for, path, uid)
        assert sound
        assert not (acknowledged and there), "acknowledged and not done"
        assert there or _traces(folder, secret) == {}
