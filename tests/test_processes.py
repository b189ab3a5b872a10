"""Several processes and one store: one writes, many read, and nobody reads an old answer."""

import os
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import recollect
from recollect.errors import StoreLocked, StoreReadOnly
from tests.trust.children import in_child, start


class _Pipe:
    """One number at a time from one process to another."""

    def __init__(self) -> None:
        self._reading, self._writing = os.pipe()

    def send(self, number: int) -> None:
        os.write(self._writing, number.to_bytes(4, "big"))

    def receive(self) -> int:
        return int.from_bytes(os.read(self._reading, 4), "big")


def test_readers_see_an_acknowledged_write_with_their_next_query(tmp_path: Path) -> None:
    path, writes, readers = tmp_path / "a.rcl", 100, 4
    asked, answered = [_Pipe() for _ in range(readers)], [_Pipe() for _ in range(readers)]

    def write() -> None:
        with recollect.open(path) as memory:
            memory.add("begin")
            for number in range(1, writes + 1):
                memory.add_many([f"entry{number} left", f"entry{number} right"])
                for pipe in asked:
                    pipe.send(number)
                for pipe in answered:
                    assert pipe.receive() == number, "a reader stopped"
            memory.delete(memory.recall("begin", k=1)[0].uid)
            for pipe in asked:
                pipe.send(writes + 1)

    def read(reader: int) -> int:
        memory = None
        seen = 0
        while (number := asked[reader].receive()) <= writes:
            memory = memory or recollect.open(path, read_only=True)
            assert memory.count() == 2 * number + 1
            found = {hit.text for hit in memory.recall(f"entry{number}", k=5)}
            assert found == {f"entry{number} left", f"entry{number} right"}
            seen += 1
            answered[reader].send(number)
        assert memory is not None
        assert not memory.recall("begin", k=1).hits
        with pytest.raises(StoreReadOnly):
            memory.add("from a reader")
        memory.close()
        return seen

    children = [start(read, reader) for reader in range(readers)]
    writer = start(write)
    writer.result()
    assert [child.result() for child in children] == [writes] * readers


def _open_patiently(path: Path) -> recollect.Memory:
    """Open as the writer as soon as nobody else is."""
    while True:
        try:
            return recollect.open(path)
        except StoreLocked as error:
            if not re.search(
                rf"{re.escape(str(path))} is being written by (process \d+ on |another writer)", str(error)
            ):
                raise
            time.sleep(0.001)


def test_competing_writers_take_turns_and_lose_nothing(tmp_path: Path) -> None:
    path, writers, turns, each = tmp_path / "a.rcl", 4, 5, 10

    held, refused = _Pipe(), _Pipe()

    def meet(writer: int) -> None:
        """Let all others be refused once, while the first one holds the store."""
        if writer == 0:
            for other in range(1, writers):
                held.send(other)
            for _ in range(1, writers):
                refused.receive()
        else:
            held.receive()
            with pytest.raises(StoreLocked):
                recollect.open(path)
            refused.send(writer)

    def compete(writer: int) -> None:
        if writer:
            meet(writer)
        for turn in range(turns):
            with _open_patiently(path) as memory:
                if (writer, turn) == (0, 0):
                    meet(writer)
                before = memory.count()
                for number in range(each):
                    memory.add(f"writer {writer} turn {turn} number {number}")
                assert memory.count() == before + each

    for child in [start(compete, writer) for writer in range(writers)]:
        child.result()

    def count() -> tuple[int, bool]:
        with recollect.open(path, read_only=True) as memory:
            return memory.count(), memory.verify().ok

    assert in_child(count) == (writers * turns * each, True)


def test_the_refusal_names_the_holder(tmp_path: Path) -> None:
    path = tmp_path / "a.rcl"
    ready, finish = _Pipe(), _Pipe()

    def hold() -> None:
        with recollect.open(path):
            ready.send(1)
            finish.receive()

    holder = start(hold)
    ready.receive()
    with pytest.raises(StoreLocked, match=f"process {holder.process} on "):
        recollect.open(path)
    finish.send(1)
    holder.result()
    recollect.open(path).close()


def test_a_reader_needs_no_writer_and_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.rcl"
    with recollect.open(path) as memory:
        memory.add("one")

    def read() -> list[str]:
        with recollect.open(path, read_only=True) as memory:
            return [record.text for record in memory.list()]

    before = path.read_bytes()
    assert in_child(read) == ["one"]
    assert path.read_bytes() == before


def _together(*functions: Callable[[], object]) -> list[object]:
    return [child.result() for child in [start(function) for function in functions]]


def test_a_reader_never_sees_half_a_batch(tmp_path: Path) -> None:
    path, batches, size = tmp_path / "a.rcl", 60, 20
    recollect.open(path).close()

    def write() -> None:
        with recollect.open(path) as memory:
            for batch in range(batches):
                memory.add_many([f"batch {batch} part {part}" for part in range(size)])
                if batch % 20 == 19:
                    memory.checkpoint()

    def read() -> int:
        counts = []
        with recollect.open(path, read_only=True) as memory:
            while not counts or counts[-1] < batches * size:
                counts.append(memory.count())
                assert counts[-1] % size == 0, "half a batch"
                assert len(memory.list()) % size == 0, "half a batch"
        assert counts == sorted(counts)
        return len(counts)

    _together(write, read, read)
