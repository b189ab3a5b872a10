"""The GPU half through its public face, as it is without a GPU."""

import doctest
import importlib
import os
import subprocess
import sys

import numpy as np
import pytest

import recollect
from recollect import errors, gpu
from recollect.gpu import device, frames

without_gpu = pytest.mark.skipif(gpu.available(), reason="there is a GPU")


@pytest.mark.parametrize("name", ["gpu", "gpu.index", "gpu.sketches", "gpu.spreading"])
def test_examples_say_what_they_show(name):
    assert doctest.testmod(importlib.import_module(f"recollect.{name}")).failed == 0


@pytest.mark.parametrize("metric", ["dot", "cosine", "euclidean"])
@pytest.mark.parametrize("dim", [1, 17, 96])
def test_similarity_is_that_of_the_index_bit_for_bit(metric, dim):
    random = np.random.default_rng(dim)
    rows = random.standard_normal((3000, dim)).astype(np.float32)
    rows[1000] = rows[5]
    queries = rows[[5, 9, 1000]]
    index = recollect.VectorIndex(dim, metric)
    index.add(rows)
    ids, scores = gpu.similarity(queries, rows, 7, metric=metric)
    wanted = index.search_many(queries, 7, 1.0)
    assert np.array_equal(ids, wanted[0])
    assert np.array_equal(scores.view(np.int32), wanted[1].view(np.int32))


def test_forms_masks_and_single_queries():
    random = np.random.default_rng(1)
    rows = random.standard_normal((200, 16)).astype(np.float32)
    ids, scores = gpu.similarity(rows[3], rows, 2, mask=np.arange(200) != 3)
    assert ids.shape == scores.shape == (2,)
    assert 3 not in ids
    brain = (rows.view(np.uint32) >> 16).astype(np.uint16)
    upper = (brain.astype(np.uint32) << 16).view(np.float32)
    assert np.array_equal(gpu.similarity(rows[:2], brain, 3)[0], gpu.similarity(rows[:2], upper, 3)[0])
    codes = random.integers(-127, 128, (200, 16), dtype=np.int8)
    scales = np.linspace(0.1, 1, 200, dtype=np.float32)
    wide = codes * scales[:, None]
    assert np.array_equal(
        gpu.similarity(rows[:2], codes, 3, scales=scales)[1], gpu.similarity(rows[:2], wide, 3)[1]
    )
    assert np.array_equal(
        gpu.similarity(rows[:2], codes, 3)[0], gpu.similarity(rows[:2], codes * np.float32(1), 3)[0]
    )
    ids, scores = gpu.similarity(rows[:2], rows[:1], 3)
    assert ids.tolist() == [[0, -1, -1]] * 2
    assert np.isneginf(scores[:, 1:]).all()
    assert gpu.similarity(rows[:2], rows[:0], 1)[0].tolist() == [[-1], [-1]]
    assert gpu.similarity(rows[:0], rows, 4)[0].shape == (0, 4)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"queries": np.zeros((1, 3))}, recollect.errors.DimensionMismatch, "queries: expected 4 dim"),
        ({"queries": np.full((1, 4), np.nan)}, recollect.InvalidArgument, "not finite"),
        ({"queries": np.zeros((1, 4), dtype=complex)}, errors.WrongType, "real numbers"),
        ({"queries": [[1.0], [1.0, 2.0]]}, recollect.InvalidArgument, "different lengths"),
        ({"matrix": np.zeros(4, dtype=np.float32)}, recollect.InvalidArgument, "shape"),
        ({"matrix": np.zeros((2, 4))}, errors.WrongType, "float32"),
        ({"matrix": np.full((2, 4), np.inf, dtype=np.float32)}, recollect.InvalidArgument, "matrix"),
        ({"matrix": np.full((2, 4), 1e19, dtype=np.float32)}, recollect.InvalidArgument, "norm"),
        ({"mask": np.ones(3, dtype=bool)}, recollect.InvalidArgument, "mask"),
        ({"mask": np.ones(2)}, errors.WrongType, "bool"),
        ({"scales": np.ones(2)}, recollect.InvalidArgument, "scales"),
        ({"k": 0}, recollect.InvalidArgument, "k: "),
        ({"metric": "angle"}, recollect.InvalidArgument, "metric"),
        ({"backend": "metal"}, recollect.InvalidArgument, "backend"),
    ],
)
def test_bad_arguments_are_named(change, error, message):
    given = {"queries": np.zeros((1, 4)), "matrix": np.zeros((2, 4), dtype=np.float32)} | change
    with pytest.raises(error, match=message):
        gpu.similarity(**given)


def test_hamming_counts_bits():
    codes = np.array([[0b1111, 0], [0b0001, 0], [0b0001, 0], [0, 0]], dtype=np.uint8)
    ids, apart = gpu.hamming(np.array([[0, 0]], dtype=np.uint8), codes, 5)
    assert ids.tolist() == [[3, 1, 2, 0, -1]]
    assert apart.tolist() == [[0, 1, 1, 4, 17]]
    assert gpu.hamming(codes[:1], codes, 1, mask=codes[:, 0] != 15)[0].tolist() == [[1]]
    with pytest.raises(errors.WrongType, match="uint8"):
        gpu.hamming(codes.astype(int), codes)


@pytest.mark.parametrize("metric", ["dot", "cosine", "euclidean"])
def test_sketches_find_clusters_and_score_exactly(metric):
    random = np.random.default_rng(2)
    rows = np.repeat(random.standard_normal((40, 64)), 20, axis=0) + 0.1 * random.standard_normal((800, 64))
    rows = rows.astype(np.float32)
    sketches = gpu.Sketches(rows, metric=metric)
    ids, scores = sketches.search(rows[::50], 5, candidates=60)
    wanted = gpu.similarity(rows[::50], rows, 5, metric=metric)
    assert np.array_equal(ids, wanted[0])
    assert np.array_equal(scores, wanted[1])
    mask = np.arange(800) % 2 == 0
    assert (sketches.search(rows[:3], 5, mask=mask)[0] % 2 == 0).all()
    assert sketches.bytes_per_row == 8
    with pytest.raises(recollect.InvalidArgument, match="candidates"):
        sketches.search(rows[:1], 5, candidates=4)


def test_spreading_is_that_of_the_graph():
    graph = recollect.Graph()
    random = np.random.default_rng(3)
    graph.link_many(random.integers(0, 60, 300), random.integers(0, 60, 300), "r")
    found = gpu.Spreading(graph).activate_many([[int(node)] for node in graph.nodes()[:5]], k=10)
    for node, one in zip(graph.nodes()[:5], found, strict=True):
        names, scores = graph.activate_exactly([node])
        truth = dict(zip(names, scores, strict=True))
        assert one.nodes[0] == node
        assert all(abs(truth[name] - score) < 1e-6 for name, score in zip(one.nodes, one.scores, strict=True))
    with pytest.raises(recollect.UnknownMemory, match="not in the graph"):
        gpu.Spreading(graph).activate_many([["nobody"]])
    with pytest.raises(recollect.InvalidArgument, match="restart"):
        gpu.Spreading(graph).activate_many([[1]], restart=1.0)
    assert gpu.Spreading(graph).activate_many([]) == []


def test_an_index_answers_on_the_cpu_too():
    rows = np.random.default_rng(4).standard_normal((100, 8)).astype(np.float32)
    index = gpu.Index(recollect.VectorIndex(8), backend="numpy")
    ids = index.add(rows)
    index.update(ids[:1], -rows[:1])
    assert index.search(-rows[:1], 1)[0].tolist() == [[0]]
    assert index.remove(ids[:1]) == 1
    assert 0 not in index.search(-rows[:1], 5, allow=ids[:50])[0]
    assert len(index) == 99
    with pytest.raises(errors.WrongType, match="VectorIndex"):
        gpu.Index(rows)


@without_gpu
@pytest.mark.parametrize(
    "call",
    [
        lambda rows: gpu.similarity(rows, rows, backend="cuda"),
        lambda rows: gpu.hamming(rows.view(np.uint8), rows.view(np.uint8), backend="cuda"),
        lambda rows: gpu.Sketches(rows, backend="cuda"),
        lambda rows: gpu.Index(recollect.VectorIndex(4), backend="cuda"),
        lambda rows: gpu.Spreading(recollect.Graph(), backend="cuda"),
    ],
)
def test_without_a_gpu_a_sentence_says_what_to_install(call):
    with pytest.raises(errors.GpuUnavailable, match=r"recollect\[cuda13\]"):
        call(np.zeros((2, 4), dtype=np.float32))
    assert "install" in gpu.why_not()


def test_a_fork_is_told_to_be_spawned(monkeypatch):
    monkeypatch.setitem(device._STATE, "process", os.getpid() + 1)
    with pytest.raises(errors.GpuForked, match="spawn"):
        device.cupy_module()


def test_other_frameworks_come_by_dlpack_and_go_back():
    class Foreign:
        """An array of a framework that speaks DLPack."""

        def __init__(self, array):
            self.array = array

        def __dlpack__(self, **options):
            return self.array.__dlpack__(**options)

        def __dlpack_device__(self):
            return self.array.__dlpack_device__()

    rows = np.random.default_rng(5).standard_normal((20, 4)).astype(np.float32)
    array, frame, _ = frames.arrived(Foreign(rows), "queries")
    assert np.shares_memory(array, rows)
    assert frame.device is None
    assert frame.framework == __name__.partition(".")[0]
    with pytest.raises(errors.WrongType, match="real numbers"):
        gpu.similarity("text", rows)


def test_nothing_of_the_gpu_is_imported_before_it_is_asked_for():
    program = "import sys; from recollect import gpu; print('cupy' in sys.modules, 'torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=os.environ
    )
    assert done.stdout.split() == ["False", "False"]
