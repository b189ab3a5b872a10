"""Opening, closing, reading beside a writer, backup."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import recollect
from recollect.errors import (
    InvalidArgument,
    StoreClosed,
    StoreMissing,
    StoreReadOnly,
    WrongType,
)


def texts(memory: recollect.Memory, *args: Any, **kwargs: Any) -> list[str]:
    """Return the texts of a list."""
    return [record.text for record in memory.list(*args, **kwargs)]


def test_it_survives_reopening(path: Path) -> None:
    with recollect.open(path) as memory:
        uid = memory.add("kept", at="2026-01-01", tags=["t"]).uid
        before = memory.get(uid)
        assert (memory.path, memory.read_only, memory.closed) == (str(path), False, False)
    assert memory.closed
    with recollect.open(path, create=False) as memory:
        assert memory.get(uid) == before
        assert memory.recall("kept")[0].record == before


def test_closing_twice_and_using_after(path: Path) -> None:
    memory = recollect.open(path)
    child = memory.namespace("a")
    memory.close()
    memory.close()
    assert child.closed
    for call in (lambda: memory.add("x"), lambda: child.recall("x"), memory.list, memory.stats):
        with pytest.raises(StoreClosed, match="closed"):
            call()
    assert "closed" in repr(memory)


def test_readers_beside_a_writer(path: Path) -> None:
    with recollect.open(path) as writer:
        writer.add("one")
        with recollect.open(path, read_only=True) as reader:
            assert reader.read_only
            assert texts(reader) == ["one"]
            writer.add("two")
            assert reader.count() == 2
            with pytest.raises(StoreReadOnly):
                reader.add("three")


def test_missing_files(path: Path) -> None:
    for arguments in ({"create": False}, {"read_only": True}):
        with pytest.raises(StoreMissing, match="no store at"):
            recollect.open(path, **arguments)  # type: ignore[arg-type]
    assert not path.exists()


def test_a_file_of_something_else(path: Path) -> None:
    path.write_text("this is a shopping list\n" * 100)
    with pytest.raises(recollect.errors.NotAStore, match="not a recollect store"):
        recollect.open(path)
    assert path.read_text().startswith("this is a shopping list")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"path": 3}, WrongType, "^path: "),
        ({"path": b"x"}, WrongType, "^path: "),
        ({"path": ""}, InvalidArgument, "^path: "),
        ({"durability": "some"}, InvalidArgument, "^durability: "),
        ({"language": "klingon"}, InvalidArgument, "^language"),
        ({"read_only": "yes"}, WrongType, "^read_only: "),
        ({"clock": 3}, WrongType, "^clock: "),
    ],
)
def test_bad_openings(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        recollect.open(**arguments)


def test_backup_is_a_store(path: Path, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    with recollect.open(path) as memory:
        memory.add_many([f"text {n}" for n in range(50)])
        memory.backup(tmp_path / "copy.rcl", progress=lambda done, total: seen.append((done, total)))
    with recollect.open(tmp_path / "copy.rcl") as copy:
        assert copy.count() == 50
        assert copy.verify().ok
    assert seen
    assert seen[-1][0] == seen[-1][1]


def test_stats_and_verification(path: Path) -> None:
    with recollect.open(path) as memory:
        memory.add("x")
        memory.namespace("a").add("y")
        memory.checkpoint()
        stats = memory.stats()
        assert (stats["memories"], stats["store"]["namespaces"]) == (1, 2)
        found = memory.verify()
        assert (found.ok, found.namespaces, found.contents, found.damage) == (True, 2, 2, ())


def test_the_clock_may_count_microseconds() -> None:
    with recollect.open(clock=lambda: 1_000_000) as memory:
        assert memory.get(memory.add("x").uid).ingested == datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)
        assert memory.get(memory.add("y", now="2026-01-01").uid).ingested.year == 2026


def test_durability_normal(path: Path) -> None:
    with recollect.open(path, durability="normal") as memory:
        memory.add("x")
    with recollect.open(path) as memory:
        assert memory.count() == 1


def test_a_process_may_end_without_closing(path: Path) -> None:
    program = """
import sys, recollect
memory = recollect.open(sys.argv[1])
memory.namespace("a").add("kept")
memory.add("kept as well")
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, str(path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    with recollect.open(path) as memory:
        assert memory.count() == memory.namespace("a").count() == 1
