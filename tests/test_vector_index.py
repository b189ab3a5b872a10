"""Vectors in memory: what is found, what is refused, and what a file gives back."""

import copy
import doctest
import pickle
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

import recollect
import recollect.vector_index
from recollect import VectorIndex
from recollect.errors import (
    CorruptStore,
    DimensionMismatch,
    FormatTooNew,
    InvalidArgument,
    LimitExceeded,
    NotAStore,
    StoreMissing,
    UnknownMemory,
    WrongType,
)

METRICS = ("cosine", "dot", "euclidean")
KEEPS = ("f32", "f16", "int8")

Array = npt.NDArray[np.float32]


def clustered(count: int, dim: int, seed: int, of: int = 40) -> Array:
    """Return vectors around centres that are the same for every seed."""
    centres = np.random.default_rng(1234).standard_normal((of, dim))
    random = np.random.default_rng(seed)
    rows = centres[random.integers(0, of, count)] + 0.5 * random.standard_normal((count, dim))
    return rows.astype(np.float32)


def scores_of(metric: str, rows: Array, query: Array) -> npt.NDArray[np.float64]:
    a, b = rows.astype(np.float64), query.astype(np.float64)
    if metric == "euclidean":
        return -((a - b) ** 2).sum(axis=1)
    if metric == "cosine":
        b = b / max(float(np.linalg.norm(b)), 1e-300)
    return a @ b


def check_exact(index: VectorIndex, query: Array, k: int, allow: npt.NDArray[np.int64] | None = None) -> None:
    """Compare an exact search with the brute force over what is kept."""
    ids = index.ids() if allow is None else np.intersect1d(index.ids(), allow)
    wanted = scores_of(index.metric, index.vectors(ids), query)
    found, scores = index.search(query, k, 1.0, allow)
    assert found.dtype == np.int64
    assert scores.dtype == np.float32
    assert len(found) == len(scores) == min(k, len(ids))
    assert len(set(found.tolist())) == len(found)
    assert (np.diff(scores) <= 0).all()
    close = {"rtol": 1e-4, "atol": 1e-4}
    np.testing.assert_allclose(scores, np.sort(wanted)[::-1][: len(found)], **close)
    np.testing.assert_allclose(scores, wanted[np.searchsorted(ids, found)], **close)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("keep", KEEPS)
def test_an_exact_search_is_the_brute_force(metric: str, keep: str) -> None:
    rows, queries = clustered(2_500, 33, 1), clustered(20, 33, 2)
    index = VectorIndex(33, metric, keep)
    ids = index.add(rows, np.arange(2_500) * 3 - 100)
    assert index.remove(ids[::5]) == 500
    kept = index.vectors(ids[1::5])
    given = rows[1::5]
    if metric == "cosine":
        given = given / np.linalg.norm(given, axis=1, keepdims=True)
    assert np.abs(kept - given).max() <= {"f32": 1e-6, "f16": 3e-3, "int8": 3e-2}[keep]
    allow = np.concatenate([ids[:600:2], [10**15, -(2**63)]])
    for query in queries:
        for k in (1, 10, 3_000):
            check_exact(index, query, k)
            check_exact(index, query, k, allow)
    ids, scores = index.search_many(queries, 7, 1.0, threads=3)
    assert ids.shape == scores.shape == (20, 7)
    for at, query in enumerate(queries):
        alone = index.search(query, 7, 1.0)
        assert (ids[at] == alone[0]).all()
        assert (scores[at] == alone[1]).all()


def test_a_recall_is_asked_for_and_planned() -> None:
    rows, queries = clustered(12_000, 48, 3, 300), clustered(200, 48, 4, 300)
    index = VectorIndex(48)
    index.add(rows)
    exact, _ = index.search_many(queries, 10, 1.0)
    for target in (None, 0.9, 0.99, 1.0):
        found, scores = index.search_many(queries, 10, target)
        recall = np.mean([np.isin(a, b).mean() for a, b in zip(exact, found, strict=True)])
        assert recall >= (0.99 if target is None else target) - 0.03
        one, alone = index.search(queries[0], 10, target)
        assert one.tolist() == found[0].tolist()
        assert alone.tolist() == scores[0].tolist()
    assert index.plan(10, 1.0) == {
        "way": "exact",
        "cells": 0,
        "of_cells": index.stats()["cells"],
        "slack": 0.0,
        "expected_recall": 1.0,
    }
    assert index.plan(10, allow=[1, 2, 3])["way"] == "listed"
    assert index.plan()["way"] in ("exact", "sketch", "cells")
    assert 0.5 < index.plan(10, 0.6)["expected_recall"] <= 1.0


def test_a_churned_index_still_finds() -> None:
    random = np.random.default_rng(11)
    rows, queries = clustered(15_000, 24, 5, 100), clustered(100, 24, 6, 100)
    index, held = VectorIndex(24), {}
    for start in range(0, 15_000, 500):
        ids = index.add(rows[start : start + 500])
        held.update(zip(ids.tolist(), rows[start : start + 500], strict=True))
        if len(held) > 5_000:
            gone = random.choice(np.array(list(held)), 500, replace=False)
            assert index.remove(gone) == 500
            for id in gone.tolist():
                del held[id]
        changed = random.choice(np.array(list(held)), 100, replace=False)
        fresh = clustered(100, 24, start + 7, 100)
        index.update(changed, fresh)
        held.update(zip(changed.tolist(), fresh, strict=True))
    assert index.ids().tolist() == sorted(held)
    for query in queries[:10]:
        check_exact(index, query, 10)
    exact, _ = index.search_many(queries, 10, 1.0)
    stacked = np.stack([held[id] for id in index.ids().tolist()])
    unit = stacked / np.linalg.norm(stacked, axis=1, keepdims=True)
    true = index.ids()[np.argsort(-(queries @ unit.T), axis=1)[:, :10]]
    assert np.mean([np.isin(a, b).mean() for a, b in zip(true, exact, strict=True)]) > 0.999
    found, _ = index.search_many(queries, 10, 0.95)
    assert np.mean([np.isin(a, b).mean() for a, b in zip(true, found, strict=True)]) >= 0.93


@pytest.mark.parametrize("dim", [1, 2, 3, 15, 16, 17, 63, 64, 65, 384, 1_000, 4_096, 4_097, 8_192])
def test_every_dimension_is_searched(dim: int) -> None:
    rows = clustered(40, dim, dim)
    rows[7], rows[9], rows[11] = 0, rows[8], rows[8]
    for metric in METRICS:
        for keep in KEEPS:
            index = VectorIndex(dim, metric, keep)
            index.add(rows[0])
            index.add(rows[1:])
            for query in (rows[8], rows[7], -rows[3]):
                check_exact(index, query, 5)
            assert index.vectors([7]).tolist() == [[0.0] * dim]
            assert (index.vectors([8, 9, 11, 8]) == index.vectors(8)).all()


def test_zeros_and_copies_are_vectors_like_others() -> None:
    index = VectorIndex(3)
    index.add(np.zeros((5, 3)))
    assert index.search([0, 0, 0], 3)[1].tolist() == [0, 0, 0]
    index.add(np.tile([1.0, 2.0, 2.0], (2_000, 1)))
    ids, scores = index.search([1, 2, 2], 2_005)
    assert set(ids[:2_000].tolist()) == set(range(5, 2_005))
    assert scores[:2_000] == pytest.approx(1.0)
    assert (scores[2_000:] == 0).all()


def test_an_empty_index_and_empty_calls() -> None:
    index = VectorIndex(4)
    assert len(index) == 0
    assert index.ids().shape == (0,)
    assert index.search(np.ones(4))[0].shape == (0,)
    ids, scores = index.search_many(np.ones((2, 4)), 3)
    assert ids.tolist() == [[-1] * 3] * 2
    assert (scores == -np.inf).all()
    assert index.search_many(np.empty((0, 4)), 3)[0].shape == (0, 3)
    assert index.add(np.empty((0, 4))).shape == (0,)
    assert index.vectors([]).shape == (0, 4)
    assert index.remove([]) == 0
    index.update([], np.empty((0, 4)))
    index.add(np.eye(4))
    assert index.search(np.ones(4), allow=[])[0].shape == (0,)
    assert index.search_many(np.ones((1, 4)), 3, allow=[2, 99])[0].tolist() == [[2, -1, -1]]
    assert index.search([1, 0, 0, 0], 1, allow=np.array([1, 1, 0, 0], dtype=np.uint8))[0].tolist() == [0]


def test_ids_count_on_and_return() -> None:
    index = VectorIndex(2)
    assert index.add([[1, 0], [0, 1]]).tolist() == [0, 1]
    assert index.remove(1) == 1
    assert index.add([1, 1]).tolist() == [2]
    assert index.add([1, 1], [40]).tolist() == [40]
    assert index.add([1, 2], -1).tolist() == [-1]
    assert index.add([1, 1]).tolist() == [41]
    assert 41 in index
    assert np.int64(-1) in index
    assert all(other not in index for other in (1, 3, True, 2.0, "2", None, 1 << 70))
    assert index.ids().tolist() == [-1, 0, 2, 40, 41]
    assert index.remove(index.ids()) == 5
    assert index.stats()["bytes"] < 1_000
    assert index.add([1, 1]).tolist() == [42]
    index.add([1, 1], [2**63 - 1])
    with pytest.raises(LimitExceeded, match="ids"):
        index.add([1, 1])


def test_arrays_of_all_kinds_are_taken() -> None:
    rows = clustered(50, 6, 8)
    wanted = VectorIndex(6)
    wanted.add(rows)
    found, scores = wanted.search(rows[3], 5)
    wide = np.zeros((50, 12), dtype=np.float32)
    wide[:, ::2] = rows
    for other in (rows.astype(np.float64), np.asfortranarray(rows), wide[:, ::2], rows.tolist()):
        index = VectorIndex(6)
        index.add(other)
        assert (index.vectors(index.ids()) == wanted.vectors(wanted.ids())).all()
        assert index.search(other[3], 5)[0].tolist() == found.tolist()
        assert index.search_many(other, 5)[1][3].tolist() == scores.tolist()
    frozen = rows.copy()
    frozen.flags.writeable = False
    index = VectorIndex(6)
    index.add(frozen)
    assert index.search(frozen[3].astype(">f4"), np.int32(5))[0].tolist() == found.tolist()


@pytest.mark.parametrize(
    ("call", "kind", "words"),
    [
        (lambda x: VectorIndex(0), InvalidArgument, "dim"),
        (lambda x: VectorIndex(8193), LimitExceeded, "dim"),
        (lambda x: VectorIndex(2.5), WrongType, "dim"),
        (lambda x: VectorIndex(3, "l2"), InvalidArgument, "metric"),
        (lambda x: VectorIndex(3, keep="f64"), InvalidArgument, "keep"),
        (lambda x: VectorIndex(3, keep=None), WrongType, "keep"),
        (lambda x: x.add([1, 2]), DimensionMismatch, "vectors: expected 3 dimensions, found 2"),
        (lambda x: x.add(5), InvalidArgument, "vectors: expected the shape"),
        (lambda x: x.add([[[1, 2, 3]]]), InvalidArgument, "vectors: expected the shape"),
        (lambda x: x.add([[1, 2, 3], [1, 2]]), InvalidArgument, "vectors: rows of different"),
        (lambda x: x.add(["a", "b", "c"]), WrongType, "vectors: expected real"),
        (lambda x: x.add([1j, 0, 0]), WrongType, "vectors: expected real"),
        (lambda x: x.add([[1, 2, 3], [1, np.nan, 3]]), InvalidArgument, r"vectors\[1\]: component 1 is NaN"),
        (lambda x: x.add([1, 2, 1e300]), InvalidArgument, r"vectors\[0\]: component 2 is infinite"),
        (lambda x: x.add([1, 2, 3], [1, 2]), InvalidArgument, "ids: 2 ids for 1 vectors"),
        (lambda x: x.add([1, 2, 3], [0.5]), WrongType, "ids"),
        (lambda x: x.add([1, 2, 3], [[1]]), InvalidArgument, "ids"),
        (lambda x: x.add([1, 2, 3], [2**63]), LimitExceeded, "ids"),
        (lambda x: x.add([1, 2, 3], ["a"]), WrongType, "ids"),
        (lambda x: x.add([[1, 2, 3]] * 2, [7, 7]), InvalidArgument, r"ids\[1\]: 7 is given twice"),
        (lambda x: x.add([[1, 2, 3]] * 2, [7, 1]), InvalidArgument, r"ids\[1\]: 1 is in the index"),
        (lambda x: x.remove([0, 9]), UnknownMemory, r"ids\[1\]: no vector 9"),
        (lambda x: x.remove([0, 0]), InvalidArgument, r"ids\[1\]: 0 is given twice, first as ids\[0\]"),
        (lambda x: x.update([9], [1, 2, 3]), KeyError, "no vector 9"),
        (lambda x: x.update([0, 1], [1, 2, 3]), InvalidArgument, "ids: 2 ids for 1"),
        (lambda x: x.update([0, 0], [[1, 2, 3]] * 2), InvalidArgument, r"ids\[1\]: 0 is given twice"),
        (lambda x: x.update([0, 1], [[1, 2, 3], [np.inf] * 3]), InvalidArgument, r"vectors\[1\]"),
        (lambda x: x.vectors([0, 77]), KeyError, r"ids\[1\]: no vector 77"),
        (lambda x: x.search([1, 2, 3], 0), ValueError, "k: expected at least 1"),
        (lambda x: x.search(np.ones(3, dtype=np.float32), -1), ValueError, "k: expected at least 1"),
        (lambda x: x.search([1, 2, 3], True), TypeError, "k"),
        (lambda x: x.search([1, 2, 3], 1 << 70), LimitExceeded, "k"),
        (lambda x: x.search([[1, 2, 3]]), InvalidArgument, "query: expected the shape"),
        (lambda x: x.search(7), InvalidArgument, "query: expected the shape"),
        (lambda x: x.search(np.ones(2, dtype=np.float32)), DimensionMismatch, "query: expected 3 dim"),
        (lambda x: x.search(np.float32([1, np.inf, 2])), InvalidArgument, "query: component 1 is inf"),
        (lambda x: x.search([1, 2, 3], recall_target=0), InvalidArgument, "recall_target"),
        (lambda x: x.search([1, 2, 3], recall_target=1.01), InvalidArgument, "recall_target"),
        (lambda x: x.search([1, 2, 3], recall_target=np.nan), InvalidArgument, "recall_target"),
        (lambda x: x.search([1, 2, 3], recall_target="1"), WrongType, "recall_target"),
        (lambda x: x.search([1, 2, 3], allow=[0.5]), WrongType, "allow"),
        (lambda x: x.search([1, 2, 3], allow=[[1], [2, 3]]), InvalidArgument, "allow"),
        (lambda x: x.search_many([1, 2]), DimensionMismatch, "queries"),
        (lambda x: x.search_many([[1, 2, 3], [1, np.nan, 2]]), InvalidArgument, r"queries\[1\]"),
        (lambda x: x.search_many([1, 2, 3], 1 << 40), LimitExceeded, "k"),
        (lambda x: x.search_many([1, 2, 3], threads=0), InvalidArgument, "threads"),
        (lambda x: x.plan(0), InvalidArgument, "k"),
        (lambda x: x.plan(recall_target=2), InvalidArgument, "recall_target"),
        (lambda x: x.save(3), WrongType, "path"),
        (lambda x: VectorIndex.load(None), WrongType, "path"),
        (
            lambda x: VectorIndex(2, "dot").add([[1, 1], [1e19, 0]]),
            InvalidArgument,
            r"vectors\[1\]: its norm",
        ),
        (lambda x: VectorIndex(2, "dot", "f16").add([0, 7e4]), InvalidArgument, r"vectors\[0\].*f16"),
    ],
)
def test_what_is_wrong_is_named_and_changes_nothing(
    call: Callable[[VectorIndex], object], kind: type[Exception], words: str
) -> None:
    index = VectorIndex(3)
    index.add(np.eye(3))
    with pytest.raises(kind, match=words) as raised:
        call(index)
    assert isinstance(raised.value, recollect.RecollectError)
    assert index.ids().tolist() == [0, 1, 2]
    assert (index.vectors([0, 1, 2]) == np.eye(3)).all()
    assert index.add([1, 1, 1]).tolist() == [3]


@pytest.mark.parametrize("send", [pickle.dumps, copy.copy, copy.deepcopy], ids=lambda send: send.__name__)
def test_an_index_says_how_to_send_it(send: Callable[[object], object]) -> None:
    with pytest.raises(WrongType, match="save it to a file, and load that there"):
        send(VectorIndex(3))


def test_it_tells_what_it_is_made_of() -> None:
    index = VectorIndex(16, keep="int8")
    assert repr(index) == "VectorIndex(16, 'cosine', 'int8')"
    assert (index.dim, index.metric, index.keep) == (16, "cosine", "int8")
    index.add(clustered(3_000, 16, 1))
    stats = index.stats()
    assert stats["bytes"] > 16 * 3_000
    assert stats["bytes_per_vector"] == stats["bytes"] / 3_000
    assert stats["cells"] > 0
    assert {key: stats[key] for key in ("vectors", "dim", "metric", "keep")} == {
        "vectors": 3_000,
        "dim": 16,
        "metric": "cosine",
        "keep": "int8",
    }
    assert stats["simd"] in ("baseline", "avx2", "avx512", "avx512popcount")


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


@pytest.fixture
def interrupted() -> Iterator[Callable[[float], None]]:
    """Return what sends a Ctrl-C to this process some time later."""
    # A run that was started in the background hands down an ignored SIGINT.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    timers = []

    def later(seconds: float) -> None:
        timers.append(threading.Timer(seconds, signal.raise_signal, [signal.SIGINT]))
        timers[-1].start()

    yield later
    for timer in timers:
        timer.join()
    signal.signal(signal.SIGINT, before)


def test_a_long_search_is_interrupted(interrupted: Callable[[float], None]) -> None:
    index = VectorIndex(32)
    index.add(clustered(8_000, 32, 1))
    queries = clustered(200_000, 32, 2)
    for threads in (1, 4):
        began = time.monotonic()
        interrupted(0.1)
        with pytest.raises(KeyboardInterrupt):
            index.search_many(queries, 10, 1.0, threads=threads)
        assert time.monotonic() - began < 0.7
    assert len(index.search(queries[0])[0]) == 10


@pytest.mark.parametrize("held", [0, 3_000])
def test_an_interrupted_write_is_taken_back(interrupted: Callable[[float], None], held: int) -> None:
    rows = clustered(150_000, 32, 3)
    index = VectorIndex(32)
    if held:
        index.add(clustered(held, 32, 1))
    ids = index.ids()
    before, (found, scores) = index.vectors(ids), index.search(rows[0], 10, 1.0)
    began = time.monotonic()
    interrupted(0.2)
    with pytest.raises(KeyboardInterrupt):
        index.add(rows)
    assert time.monotonic() - began < 1.5
    assert (index.ids() == ids).all()
    assert (index.vectors(ids) == before).all()
    assert (index.search(rows[0], 10, 1.0)[1] == scores).all()
    assert index.add(rows[0]).tolist() == [held]
    assert found.tolist() == index.search(rows[0], 10, 1.0, ids)[0].tolist()


@pytest.mark.parametrize("keep", KEEPS)
@pytest.mark.parametrize("metric", METRICS)
def test_a_file_gives_the_same_answers(tmp_path: Path, metric: str, keep: str) -> None:
    path, queries = tmp_path / "vectors.idx", clustered(50, 24, 2)
    index = VectorIndex(24, metric, keep)
    index.save(path)
    assert VectorIndex.load(path).ids().shape == (0,)
    index.add(clustered(3_000, 24, 1))
    index.add(clustered(2, 24, 3), [-1, 10**17])
    for removed in ([], [5, 2_999, 10**17]):
        index.remove(removed)
        index.save(str(path))
        again = VectorIndex.load(path)
        assert (again.dim, again.metric, again.keep) == (24, metric, keep)
        assert (again.ids() == index.ids()).all()
        assert again.vectors(again.ids()).tobytes() == index.vectors(index.ids()).tobytes()
        for target in (0.9, 1.0):
            for one, other in zip(
                index.search_many(queries, 10, target), again.search_many(queries, 10, target), strict=True
            ):
                assert one.tobytes() == other.tobytes()
    assert again.stats()["cells"] == index.stats()["cells"]
    assert again.add(np.ones(24)).tolist() == index.add(np.ones(24)).tolist() == [10**17 + 1]
    assert [file.name for file in tmp_path.iterdir()] == ["vectors.idx"]


def test_damage_is_an_error(tmp_path: Path) -> None:
    index = VectorIndex(8, keep="f16")
    index.add(clustered(1_200, 8, 1))
    path, other = tmp_path / "whole", tmp_path / "damaged"
    index.save(path)
    whole = path.read_bytes()
    offsets = [*range(80), *range(80, len(whole), len(whole) // 200), *range(len(whole) - 20, len(whole))]
    for at in offsets:
        damaged = bytearray(whole)
        damaged[at] ^= 1 << at % 8
        other.write_bytes(damaged)
        with pytest.raises((CorruptStore, NotAStore, FormatTooNew), match="damaged"):
            VectorIndex.load(other)
        other.write_bytes(whole[:at])
        with pytest.raises((CorruptStore, NotAStore), match="damaged"):
            VectorIndex.load(other)
    for longer in (whole + b"\0", whole + whole):
        other.write_bytes(longer)
        with pytest.raises(CorruptStore, match="bytes after the end"):
            VectorIndex.load(other)


def test_other_files_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "index"
    with pytest.raises(StoreMissing) as raised:
        VectorIndex.load(path)
    assert isinstance(raised.value, FileNotFoundError)
    index = VectorIndex(3)
    index.save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[:8] + b"\x02\0\0\0" + whole[12:])
    with pytest.raises(FormatTooNew, match="format 2"):
        VectorIndex.load(path)
    recollect.open(tmp_path / "store.rcl").close()
    path.write_bytes(b"a text that is no index")
    (tmp_path / "empty").touch()
    for name in ("index", "empty", "store.rcl"):
        with pytest.raises(NotAStore, match="not a saved index"):
            VectorIndex.load(tmp_path / name)
    with pytest.raises(OSError, match=str(tmp_path)):
        VectorIndex.load(tmp_path)
    with pytest.raises(OSError, match="nowhere"):
        index.save(tmp_path / "nowhere" / "index")
    with pytest.raises(OSError, match=str(tmp_path)):
        index.save(tmp_path)
    assert not list(tmp_path.glob("*.tmp"))
    assert not list(tmp_path.glob(".*"))


def test_the_example_runs() -> None:
    assert doctest.testmod(recollect.vector_index).attempted > 5
    assert doctest.testmod(recollect.vector_index).failed == 0
