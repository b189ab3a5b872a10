"""Memories that say nearly the same."""

import numpy as np
import pytest

import recollect


def test_pairs_come_nearest_first_and_each_once() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((300, 32)).astype(np.float32)
    vectors[200] = vectors[3]
    vectors[201] = vectors[4] + 0.05 * vectors[5]
    with recollect.open() as memory:
        uids = [one.uid for one in memory.add_many([f"memory {at}" for at in range(300)], vectors=vectors)]
        pairs = memory.near_duplicates(0.98)
        assert [{pair.first, pair.second} for pair in pairs] == [
            {uids[3], uids[200]},
            {uids[4], uids[201]},
        ]
        unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        assert pairs[0].similarity == pytest.approx(1.0)
        assert pairs[1].similarity == pytest.approx(float(unit[4] @ unit[201]), abs=1e-5)
        memory.delete(uids[3])
        assert [{pair.first, pair.second} for pair in memory.near_duplicates(0.98)] == [{uids[4], uids[201]}]


def test_several_keys_of_one_memory_are_no_pair_and_the_nearest_of_two_count() -> None:
    keys = np.eye(4, dtype=np.float32)
    with recollect.open() as memory:
        one = memory.add("one", vector=np.stack([keys[0], keys[0]]))
        assert memory.near_duplicates(0.9) == []
        other = memory.add("other", vector=np.stack([keys[1], keys[0]]))
        (pair,) = memory.near_duplicates(0.9)
        assert {pair.first, pair.second} == {one.uid, other.uid}
        assert pair.similarity == pytest.approx(1.0)


def test_a_filter_says_who_takes_part_and_without_vectors_there_is_nobody() -> None:
    with recollect.open() as memory:
        assert memory.near_duplicates() == []
        memory.add("words alone")
        assert memory.near_duplicates() == []
        for text, speaker in (("a", "Ilse"), ("b", "Ilse"), ("c", "Tom")):
            memory.add(text, speaker=speaker, vector=[1.0, 2.0, 3.0])
        assert len(memory.near_duplicates()) == 3
        assert len(memory.near_duplicates(filter={"speaker": "Ilse"})) == 1


@pytest.mark.parametrize("threshold", [0, -1, 1.5, float("nan")])
def test_a_threshold_out_of_range_is_refused(threshold: float) -> None:
    with recollect.open() as memory, pytest.raises(ValueError, match="threshold"):
        memory.near_duplicates(threshold)
