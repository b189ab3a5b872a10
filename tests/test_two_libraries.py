"""Another SQLite library, or a plain read of the file, in the same process takes nothing from us."""

import contextlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

import recollect
from recollect.errors import StoreLocked
from tests.trust.children import fork, in_child

SEED = 20_261_121
LIVES, WRITES = 15, 30

SECOND_WRITER = """if True:
    import sqlite3, sys, recollect
    try:
        recollect.open(sys.argv[1])
        print("got in")
    except recollect.errors.StoreLocked:
        print("refused")
"""


def _peek(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()


def _peek_read_only(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()


def _read_files(path: Path) -> None:
    for ending in ("", "-wal", "-shm", "-lock"):
        with contextlib.suppress(FileNotFoundError):
            Path(f"{path}{ending}").read_bytes()


def _second_writer_here(path: Path) -> None:
    with pytest.raises(StoreLocked):
        recollect.open(path)


def _second_writer_there(path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SECOND_WRITER, path], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "refused"


def _read_beside(path: Path) -> None:
    with recollect.open(path, read_only=True) as reader:
        reader.count()


STRANGERS = (_peek, _peek_read_only, _read_files, _second_writer_here, _read_beside)


def _live(path: Path, seed: int, log: int) -> None:
    """Write with strangers between the writes, acknowledge each, and be killed."""
    dice = random.Random(seed)
    memory = recollect.open(path)
    kept = []
    for number in range(WRITES):
        outcome = memory.add(f"life {seed} entry {number}")
        os.write(log, json.dumps(outcome.uid).encode() + b"\n")
        if dice.random() < 0.5:
            dice.choice(STRANGERS)(path)
        if dice.random() < 0.1:
            kept.append(sqlite3.connect(path))
            kept[-1].execute("SELECT count(*) FROM sqlite_schema").fetchall()
        if dice.random() < 0.1 and kept:
            kept.pop().close()
        if dice.random() < 0.05:
            memory.checkpoint()
        if number == WRITES // 2 and seed % 5 == 0:
            _second_writer_there(path)
    os.kill(os.getpid(), signal.SIGKILL)


def test_strangers_in_the_process_lose_no_acknowledged_write(tmp_path: Path) -> None:
    path = tmp_path / "a.rcl"
    acknowledged: list[str] = []
    for life in range(LIVES):
        reading, writing = os.pipe()
        child = fork(lambda life=life, writing=writing: _live(path, life, writing))
        os.close(writing)
        with os.fdopen(reading, "rb") as log:
            acknowledged += [json.loads(line) for line in log]
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL, f"life {life}"
        assert len(acknowledged) == (life + 1) * WRITES

        def compare() -> tuple[set[str], bool]:
            with recollect.open(path) as memory:
                return {record.uid for record in memory.list()}, memory.verify().ok

        assert in_child(compare) == (set(acknowledged), True)


@pytest.mark.parametrize("stranger", [_peek, _peek_read_only, _read_files])
def test_a_second_writer_is_refused_after_each_stranger(tmp_path: Path, stranger: object) -> None:
    path = tmp_path / "a.rcl"
    with recollect.open(path) as memory:
        memory.add("one")
        stranger(path)
        _second_writer_here(path)
        _second_writer_there(path)
        memory.add("two")
        stranger(path)
        assert memory.count() == 2
    with recollect.open(path) as memory:
        assert memory.count() == 2
        assert memory.verify().ok


def test_another_library_cannot_write_while_a_store_is_open(tmp_path: Path) -> None:
    """It would bypass the journal; its own lock on the file must not stop ours either."""
    path = tmp_path / "a.rcl"
    with recollect.open(path) as memory:
        memory.add("one")
        with contextlib.closing(sqlite3.connect(path, timeout=0)) as stranger:
            stranger.execute("BEGIN")
            stranger.execute("SELECT count(*) FROM sqlite_schema").fetchall()
            memory.add("two")
            memory.checkpoint()
            stranger.execute("ROLLBACK")
        assert memory.count() == 2
        assert memory.verify().ok
