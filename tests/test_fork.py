"""A store and its forks: a child cannot use the handle, and cannot harm the parent."""

import contextlib
import gc
import multiprocessing
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

import recollect
from recollect import Memory
from recollect.errors import ForkedStore, StoreLocked
from tests.trust.children import in_child, start

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

USES: dict[str, Callable[[Memory], object]] = {
    "add": lambda memory: memory.add("from the child"),
    "add_many": lambda memory: memory.add_many(["from the child"]),
    "update": lambda memory: memory.update("0" * 32, text="from the child"),
    "delete": lambda memory: memory.delete("0" * 32),
    "forget": lambda memory: memory.forget("0" * 32, erase=True),
    "get": lambda memory: memory.get("0" * 32),
    "history": lambda memory: memory.history("0" * 32),
    "list": lambda memory: memory.list(),
    "count": lambda memory: memory.count(),
    "recall": lambda memory: memory.recall("parent"),
    "record": lambda memory: memory.episodic.record("from the child"),
    "namespace": lambda memory: memory.namespace("below").add("from the child"),
    "namespaces": lambda memory: memory.namespaces(),
    "stats": lambda memory: memory.stats(),
    "verify": lambda memory: memory.verify(),
    "checkpoint": lambda memory: memory.checkpoint(),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.rcl"


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("durable", [True, False])
def test_a_child_cannot_use_the_handle(path: Path, use: str, durable: bool) -> None:
    with recollect.open(path if durable else None) as memory:
        memory.add("from the parent")

        def child() -> str:
            with pytest.raises(ForkedStore) as raised:
                USES[use](memory)
            return str(raised.value)

        message = in_child(child)
        assert str(os.getpid()) in message
        assert [record.text for record in memory.list()] == ["from the parent"]


def _still_works(memory: Memory, path: Path) -> None:
    """The parent writes on, is still the only writer, and loses nothing."""
    before = memory.count()
    memory.add(f"entry {before}")

    def other() -> int:
        with pytest.raises(StoreLocked):
            recollect.open(path)
        with recollect.open(path, read_only=True) as reader:
            return reader.count()

    code = (
        "import recollect, sys\n"
        "try: recollect.open(sys.argv[1])\n"
        "except recollect.errors.StoreLocked: print('locked')"
    )
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "locked"
    assert in_child(other) == before + 1
    assert memory.verify().ok


@pytest.mark.parametrize("way", ["exit", "collect", "close", "with"])
def test_the_end_of_a_child_harms_nothing(path: Path, way: str) -> None:
    memory = recollect.open(path)
    memory.add("from the parent")
    holder = [memory]

    def child() -> None:
        if way == "collect":
            nonlocal memory
            holder.clear()
            memory = None
            gc.collect()
        elif way == "close":
            with contextlib.suppress(ForkedStore):
                memory.close()
        elif way == "with":
            with pytest.raises(ForkedStore), holder[0] as entered:
                entered.add("from the child")

    for _ in range(5):
        in_child(child)
        _still_works(memory, path)
    memory.close()
    with recollect.open(path) as again:
        assert again.count() == 6
        assert again.verify().ok


def test_a_child_that_ends_as_a_program_does_harms_nothing(path: Path) -> None:
    """With all its handlers and destructors, unlike a child that only stops."""
    code = """if True:
        import os, sys, recollect
        memory = recollect.open(sys.argv[1])
        memory.add("one")
        child = os.fork()
        if child == 0:
            sys.exit(7)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
        memory.add("two")
        os.kill(os.getpid(), 9)
    """
    done = subprocess.run([sys.executable, "-c", code, path], check=False)
    assert done.returncode == -9
    with recollect.open(path) as memory:
        assert memory.count() == 2
        assert memory.verify().ok


def test_forks_while_threads_write(path: Path) -> None:
    with recollect.open(path) as memory:
        stop = threading.Event()
        counts = [0, 0]

        def write(which: int) -> None:
            while not stop.is_set():
                memory.add(f"thread {which} entry {counts[which]}")
                counts[which] += 1

        threads = [threading.Thread(target=write, args=(which,)) for which in range(2)]
        for thread in threads:
            thread.start()

        def child() -> bool:
            with pytest.raises(ForkedStore):
                memory.count()
            return True

        assert all(in_child(child, timeout=20) for _ in range(40))
        stop.set()
        for thread in threads:
            thread.join()
        assert memory.count() == sum(counts)
        assert memory.verify().ok


def test_a_child_may_open_the_store_again_and_see_every_write(path: Path) -> None:
    """The child reads while its parent writes and folds the log, over and over."""
    with recollect.open(path) as memory:
        memory.add_many([f"entry {number} {'word ' * 50}" for number in range(200)])

        def read() -> int:
            seen = []
            with recollect.open(path, read_only=True) as reader:
                while not seen or seen[-1] < 500:
                    records = reader.list()
                    assert all(record.text.endswith("word ") for record in records)
                    seen.append(len(records))
                assert reader.verify().ok
            assert seen == sorted(seen)
            return len(seen)

        children = [start(read) for _ in range(2)]
        for number in range(200, 500):
            memory.add(f"entry {number} {'word ' * 50}")
            if number % 20 == 0:
                memory.checkpoint()
        assert all(child.result(60) > 0 for child in children)
        assert memory.verify().ok


def test_a_child_may_write_once_the_parent_closed(path: Path) -> None:
    memory = recollect.open(path)
    memory.add("from the parent")

    def locked_out() -> bool:
        with pytest.raises(StoreLocked):
            recollect.open(path)
        return True

    assert in_child(locked_out)
    memory.close()

    def write() -> None:
        with recollect.open(path) as own:
            own.add("from the child")

    in_child(write)
    with recollect.open(path) as again:
        assert again.count() == 2


def _count(path: str) -> int:
    with recollect.open(path, read_only=True) as memory:
        return memory.count()


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_worker_processes_may_read(path: Path, method: str) -> None:
    with recollect.open(path) as memory:
        memory.add_many(["one", "two", "three"])
        with multiprocessing.get_context(method).Pool(2) as pool:
            assert pool.map(_count, [str(path)] * 4) == [3] * 4
        memory.add("four")
        assert memory.verify().ok
