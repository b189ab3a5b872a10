"""Timelines and facts in files: what returns, damage, what leaves no word behind; threads and forks."""

import os
import pickle
import threading
from pathlib import Path

import numpy as np
import pytest

from recollect import Facts, Graph, Timeline
from recollect.errors import CorruptStore, ForkedStore, NotAStore, StoreMissing, WrongType


def timeline() -> Timeline:
    made = Timeline(dim=4, zone="America/New_York", gap=60)
    random = np.random.default_rng(1)
    made.extend(
        np.arange(500) * 3_600_000_000,
        until=[None, "open"] * 250,
        session=[None if at % 3 else f"session {at // 30}" for at in range(500)],
        vectors=random.standard_normal((500, 4)),
        salience=random.random(500),
        words=[{f"word {at % 11}": 1 + at % 3} for at in range(500)],
        ids=np.arange(500) * 7 - 100,
    )
    made.advance("1970-01-15", lambda node, children, previous: f"{node.level} of {len(children)}")
    return made


def facts() -> Facts:
    made = Facts()
    made.set_many("likes")
    for at in range(200):
        made.add(
            f"s{at % 5}", ("is at", "likes")[at % 2], f"o{at % 7}", since=at, recorded=at, source=f"m{at}"
        )
    return made


@pytest.mark.parametrize("make", [timeline, facts])
def test_it_returns_as_it_was(make, tmp_path: Path):
    before, path = make(), tmp_path / "saved"
    before.save(path)
    after = type(before).load(path)
    again = tmp_path / "again"
    after.save(again)
    assert again.read_bytes() == path.read_bytes()
    if isinstance(before, Timeline):
        for level in before.levels:
            assert after.nodes(level) == before.nodes(level)
        assert after.append(0) == before.append(0)
        node = after.nodes("day")[3]
        np.testing.assert_array_equal(after.mean(node), before.mean(node))
        assert after.words(node) == before.words(node)
        assert after.stats()["levels"] == before.stats()["levels"]
    else:
        assert after.history() == before.history()
        assert after.add("s0", "likes", "tea", recorded=0) == before.add("s0", "likes", "tea", recorded=0)


@pytest.mark.parametrize("make", [timeline, facts])
def test_damage_is_told(make, tmp_path: Path):
    made, path = make(), tmp_path / "saved"
    made.save(path)
    whole = path.read_bytes()
    kind = type(made)
    for at in range(0, len(whole), len(whole) // 60):
        damaged = bytearray(whole)
        damaged[at] ^= 0x55
        path.write_bytes(damaged)
        with pytest.raises((CorruptStore, NotAStore, OSError)):
            kind.load(path)
        path.write_bytes(whole[:at])
        with pytest.raises((CorruptStore, NotAStore)):
            kind.load(path)
    Graph().save(path)
    with pytest.raises(NotAStore):
        kind.load(path)
    with pytest.raises(StoreMissing):
        kind.load(tmp_path / "nothing")
    with pytest.raises(WrongType):
        kind.load(5)


def test_what_is_removed_leaves_no_word_behind(tmp_path: Path):
    path = tmp_path / "saved"
    line = Timeline()
    gone = line.append(5, session="lighthouse", words=["secret"])
    line.append(6, session="harbour", words=["open"])
    line.remove([gone])
    line.save(path)
    assert b"lighthouse" not in path.read_bytes()
    assert b"secret" not in path.read_bytes()
    after = Timeline.load(path)
    assert after.nodes("session")[0].session == "harbour"
    after.append(7, session="lighthouse")
    assert [node.session for node in after.nodes("session")] == ["harbour", "lighthouse"]
    told = Facts()
    told.add("Ilse", "works at", "museum", source="lighthouse")
    assert [fact.object for fact in told.withdraw("lighthouse")] == ["museum"]
    told.save(path)
    assert b"lighthouse" not in path.read_bytes()
    assert Facts.load(path)[0].sources == ()


@pytest.mark.parametrize("make", [timeline, facts])
def test_no_pickles_and_no_forks(make):
    made = make()
    with pytest.raises(WrongType, match="save"):
        pickle.dumps(made)
    child = os.fork()
    if child == 0:
        try:
            len(made)
        except ForkedStore:
            os._exit(0)
        os._exit(1)
    assert os.waitpid(child, 0)[1] == 0


def test_readers_beside_a_writer():
    line = Timeline()
    line.extend(np.arange(1000))
    failures = []

    def read() -> None:
        try:
            for _ in range(200):
                found = line.between(0, 2000)
                assert len(found) >= 1000
                assert np.all(np.diff(found[:1000]) > 0)
                assert line.nodes("persona")[0].events >= 1000
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for at in range(1000):
        line.append(1000 + at)
    for thread in threads:
        thread.join()
    assert not failures


def test_a_long_call_is_interrupted_and_changes_nothing(interrupted):
    line = Timeline()
    line.extend(np.arange(10))
    late = np.random.default_rng(1).permutation(3_000_000) * 30_000_000
    interrupted(0.3)
    with pytest.raises(KeyboardInterrupt):
        line.extend(late)
    assert line.ids().tolist() == list(range(10))
    assert line.append(11) == 10
