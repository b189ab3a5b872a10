"""Vectors of any order, stride and type go in; anything else is refused by name."""

import threading
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

import recollect
from recollect.errors import DimensionMismatch, InvalidArgument, SpaceMismatch, WrongType

RNG = np.random.default_rng(7)


def nearest(memory: recollect.Memory, vector: Any) -> str:
    """Return the text whose vector is nearest."""
    return memory.recall(None, 1, vector=vector)[0].text


def forms(vectors: npt.NDArray[np.float64]) -> dict[str, Any]:
    """Return the same vectors in every form that is accepted."""
    padded = np.zeros((len(vectors) * 2, vectors.shape[1] * 3))
    padded[::2, ::3] = vectors
    read_only = vectors.astype(np.float32)
    read_only.flags.writeable = False
    return {
        "float64": vectors,
        "float32": vectors.astype(np.float32),
        "float16": vectors.astype(np.float16),
        "fortran": np.asfortranarray(vectors),
        "strided": padded[::2, ::3],
        "reversed": vectors[::-1, ::-1][::-1, ::-1],
        "big endian": vectors.astype(">f8"),
        "read-only": read_only,
        "lists": vectors.tolist(),
        "list of arrays": list(vectors),
        "tuple of lists": tuple(vectors.tolist()),
    }


@pytest.mark.parametrize("form", forms(np.ones((1, 1))))
def test_every_form_is_the_same_vector(form: str) -> None:
    vectors = RNG.standard_normal((20, 6))
    with recollect.open() as memory:
        memory.add_many([f"text {n}" for n in range(20)], vectors=forms(vectors)[form])
        for n in range(20):
            assert nearest(memory, vectors[n]) == f"text {n}"
            assert nearest(memory, forms(vectors[n : n + 1])[form][0]) == f"text {n}"


def test_integers_are_numbers() -> None:
    with recollect.open() as memory:
        memory.add("east", vector=[1, 0])
        memory.add("north", vector=np.array([0, 1], dtype=np.uint8))
        assert nearest(memory, [0, 5]) == "north"


def test_several_keys_and_the_best_counts() -> None:
    with recollect.open() as memory:
        memory.add("corner", vector=[[1.0, 0, 0], [0, 1.0, 0]])
        memory.add_many(
            ["up", "nothing", "slope"],
            vectors=[np.array([0, 0, 1.0]), None, np.array([[0.6, 0, 0.8], [0.6, 0.8, 0]])],
        )
        assert memory.stats()["vectors"] == 5
        assert nearest(memory, [0, 1, 0]) == "corner"
        assert nearest(memory, [0, 0, 1]) == "up"
        found = memory.recall(None, vector=[1, 0, 0])
        assert sorted(hit.text for hit in found) == ["corner", "slope", "up"]


def test_a_new_vector_replaces_the_old() -> None:
    with recollect.open() as memory:
        uid = memory.add("mover", vector=[1, 0]).uid
        memory.add("fixed", vector=[0.5, 0.5])
        assert nearest(memory, [1, 0]) == "mover"
        memory.update(uid, vector=[0, 1])
        assert nearest(memory, [1, 0]) == "fixed"
        assert nearest(memory, [0, 1]) == "mover"


@pytest.mark.parametrize(
    ("vectors", "error", "message"),
    [
        (np.ones((2, 3)), InvalidArgument, "^vectors: expected one for each of 3 texts, found 2"),
        ([[1, 2], [1, 2, 3], [1, 2]], DimensionMismatch, r"^vectors\[1\]: expected 2 dimensions, found 3"),
        (np.array([[1, 1], [np.nan, 1], [1, 1]]), InvalidArgument, r"^vectors\[1\]: .* not finite"),
        ([[1, 1], [1, 1], [np.inf, 1]], InvalidArgument, r"^vectors\[2\]"),
        (np.array([[1, 1], [1, 1], [1, 1e39]]), InvalidArgument, r"^vectors\[2\]: .* not finite in float32"),
        (np.ones((3, 2), dtype=complex), WrongType, "^vectors: expected real numbers, found complex"),
        (np.ones((3, 2), dtype=bool), WrongType, "^vectors: expected real numbers, found bool"),
        ([["a", "b"]] * 3, WrongType, r"^vectors\[0\]: expected real numbers"),
        (np.ones((3, 0)), InvalidArgument, "^vectors: expected the shape"),
        ([np.ones((2, 2, 2))] * 3, InvalidArgument, r"^vectors\[0\]: expected the shape"),
        ([[1, [2]], [1, 2], [1, 2]], InvalidArgument, r"^vectors\[0\]: rows of different lengths"),
        (np.ones(3), InvalidArgument, r"^vectors\[0\]: expected the shape"),
        (5, WrongType, "^vectors: expected an array"),
    ],
)
def test_what_is_refused(vectors: Any, error: type[Exception], message: str) -> None:
    with recollect.open() as memory:
        with pytest.raises(error, match=message):
            memory.add_many(["a", "b", "c"], vectors=vectors)
        assert memory.count() == 0


def test_all_vectors_of_a_namespace_have_one_dimension() -> None:
    with recollect.open() as memory:
        memory.add("x", vector=[1.0, 2.0])
        for call in (
            lambda: memory.add("y", vector=[1.0, 2.0, 3.0]),
            lambda: memory.recall("x", vector=[1.0, 2.0, 3.0]),
        ):
            with pytest.raises((DimensionMismatch, SpaceMismatch)):
                call()
        memory.namespace("other").add("y", vector=[1.0, 2.0, 3.0])
        assert memory.count() == 1


def test_the_array_may_change_after_the_call() -> None:
    vectors = np.eye(3, dtype=np.float32)
    with recollect.open() as memory:
        memory.add_many(["a", "b", "c"], vectors=vectors)
        vectors[:] = 0
        assert nearest(memory, [0, 1, 0]) == "b"


def test_the_array_may_change_during_the_call() -> None:
    vectors = RNG.standard_normal((4000, 64)).astype(np.float32)
    done = threading.Event()

    def scribble() -> None:
        while not done.is_set():
            vectors[:] = RNG.standard_normal(vectors.shape)

    writer = threading.Thread(target=scribble)
    writer.start()
    try:
        with recollect.open() as memory:
            memory.add_many([f"text {n}" for n in range(4000)], vectors=vectors)
            assert memory.verify().ok
            assert memory.stats()["vectors"] == 4000
    finally:
        done.set()
        writer.join()


@given(st.integers(1, 40), st.integers(8, 100), st.integers(0, 2**32))
def test_the_nearest_is_the_nearest(count: int, dim: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    vectors, query = rng.standard_normal((count, dim)), rng.standard_normal(dim)
    scores = (vectors @ query) / np.linalg.norm(vectors, axis=1) / np.linalg.norm(query)
    with recollect.open() as memory:
        memory.add_many([str(n) for n in range(count)], vectors=vectors)
        found = memory.recall(None, count, vector=query)
    assert len(found) == count
    for hit in found:
        assert hit.signals[0].score == pytest.approx(scores[int(hit.text)], abs=0.01)
    assert scores[int(found[0].text)] == pytest.approx(scores.max(), abs=0.01)


def test_a_vector_without_direction_is_near_to_nothing() -> None:
    with recollect.open() as memory:
        memory.add("nowhere", vector=[0.0, 0.0])
        memory.add("east", vector=[1.0, 0.0])
        assert nearest(memory, [0.1, 0.9]) == "east"
