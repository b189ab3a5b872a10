"""A vector index in several threads, and under Ctrl-C."""

import sys
import threading
import time
from collections.abc import Callable

import numpy as np
import pytest

from recollect import VectorIndex
from tests.clusters import clustered


def test_readers_beside_a_writer_see_whole_calls() -> None:
    rows, queries = clustered(6_000, 16, 5), clustered(40, 16, 6)
    index = VectorIndex(16)
    index.add(rows[:2_000])
    failures: list[BaseException] = []
    done = threading.Event()

    def read() -> None:
        try:
            while not done.is_set():
                assert len(index) % 100 == 0
                ids, scores = index.search_many(queries, 5, threads=2)
                assert (np.diff(scores, axis=1) <= 0).all()
                assert all(len(set(row)) == 5 for row in ids.tolist())
                assert len(index.search(queries[0], 4)[0]) == 4
                assert 0 in index
        except BaseException as error:
            failures.append(error)

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    threads = [threading.Thread(target=read) for _ in range(3)]
    try:
        for thread in threads:
            thread.start()
        for at in range(2_000, 6_000, 100):
            ids = index.add(rows[at : at + 100])
            index.update(ids[:50], rows[:50])
            index.remove(np.arange(at - 1_999, at - 1_899))
    finally:
        done.set()
        for thread in threads:
            thread.join()
        sys.setswitchinterval(before)
    assert not failures
    assert len(index) == 2_000


def test_a_long_search_is_interrupted(interrupted: Callable[[float], None]) -> None:
    index = VectorIndex(32)
    index.add(clustered(8_000, 32, 1))
    queries = clustered(200_000, 32, 2)
    for threads in (1, 4):
        began = time.monotonic()
        interrupted(0.1)
        with pytest.raises(KeyboardInterrupt):
            index.search_many(queries, 10, 1.0, threads=threads)
        # Five seconds and more without the interruption.
        assert time.monotonic() - began < 3
    assert len(index.search(queries[0])[0]) == 10


@pytest.mark.parametrize("held", [0, 3_000])
def test_an_interrupted_write_is_taken_back(interrupted: Callable[[float], None], held: int) -> None:
    rows = clustered(150_000, 32, 3)
    index = VectorIndex(32)
    if held:
        index.add(clustered(held, 32, 1))
    ids = index.ids()
    before, (found, scores) = index.vectors(ids), index.search(rows[0], 10, 1.0)
    interrupted(0.2)
    with pytest.raises(KeyboardInterrupt):
        index.add(rows)
    assert (index.ids() == ids).all()
    assert (index.vectors(ids) == before).all()
    assert (index.search(rows[0], 10, 1.0)[1] == scores).all()
    assert index.add(rows[0]).tolist() == [held]
    assert found.tolist() == index.search(rows[0], 10, 1.0, ids)[0].tolist()
