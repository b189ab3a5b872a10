"""Readers beside a writer, in threads of one process."""

import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import recollect
from recollect.embedding.hashing import HashingEmbedder
from recollect.errors import StoreClosed


@pytest.fixture(autouse=True)
def switch_often() -> Iterator[None]:
    """Make threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def together(*works: Callable[[], None]) -> None:
    """Run functions at once and raise what any of them raises."""
    with ThreadPoolExecutor(len(works)) as pool:
        for future in [pool.submit(work) for work in works]:
            future.result(timeout=120)


@pytest.mark.parametrize("on_disk", [False, True])
def test_readers_see_whole_batches_only(path: Path, on_disk: bool) -> None:
    batches, size = 60, 5
    done = threading.Event()
    with recollect.open(
        path if on_disk else None, embedder=HashingEmbedder(16), durability="normal"
    ) as memory:

        def write() -> None:
            try:
                for batch in range(batches):
                    memory.add_many([f"note {batch} {n} about tea" for n in range(size)], session=str(batch))
            finally:
                done.set()

        def read() -> None:
            seen = 0
            while not done.is_set():
                count = memory.count()
                assert count % size == 0
                assert count >= seen
                seen = count
                sessions = [hit.record.session for hit in memory.recall("tea note", k=1000)]
                assert len(sessions) >= seen
                assert all(sessions.count(one) == size for one in set(sessions))

        together(write, read, read, read)
        assert memory.count() == batches * size
        assert memory.verify().ok


def test_many_writers_lose_nothing() -> None:
    with recollect.open() as memory:

        def write(name: int) -> None:
            for n in range(100):
                memory.add(f"writer {name} note {n}")

        together(*(lambda name=name: write(name) for name in range(4)))  # type: ignore[misc]
        assert memory.count() == 400
        turns = [record.turn for record in memory.list()]
        assert len(set(turns)) == 400


def test_one_key_from_many_threads_writes_once() -> None:
    with recollect.open() as memory:
        with ThreadPoolExecutor(8) as pool:
            outcomes = list(pool.map(lambda n: memory.add(f"text {n}", key="same"), range(40)))
        assert len({outcome.uid for outcome in outcomes}) == 1
        assert memory.count() == 1


def test_namespaces_do_not_wait_for_each_other() -> None:
    with recollect.open(embedder=HashingEmbedder(16)) as memory:

        def work(name: int) -> None:
            mine = memory.namespace("tenant", str(name))
            for n in range(50):
                uid = mine.add(f"tenant {name} note {n}").uid
                assert mine.recall(f"note {n}")[0].uid == uid

        together(*(lambda name=name: work(name) for name in range(4)))  # type: ignore[misc]
        assert len(memory.namespaces()) == 4


def test_closing_while_others_work() -> None:
    memory = recollect.open()
    memory.add("tea")
    started = threading.Barrier(4)

    def read() -> None:
        started.wait()
        with pytest.raises(StoreClosed):  # noqa: PT012 -- whichever call comes after the close
            while True:
                memory.recall("tea")

    def close() -> None:
        started.wait()
        memory.close()

    together(read, read, read, close)
