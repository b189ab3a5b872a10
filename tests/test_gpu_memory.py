"""A mirror of a namespace follows what happens there, and finds what a recall by vectors alone finds."""

import numpy as np
import pytest

import recollect
from recollect import errors, gpu


def nearest(memory, query, k):
    return [hit.uid for hit in memory.recall(None, vector=query, k=k).hits]


def test_a_mirror_finds_what_vectors_alone_find(clock):
    random = np.random.default_rng(0)
    rows = random.standard_normal((60, 8)).astype(np.float32)
    with recollect.open(clock=clock) as memory:
        mirror = memory.to_gpu(backend="numpy")
        assert mirror.search(rows[:2]) == mirror.search(rows[1:3])
        assert mirror.search(rows[:1])[0].uids == []
        memory.add_many([f"text {at}" for at in range(60)], vectors=rows)
        assert len(mirror) == 60
        for found, query in zip(mirror.search(rows[:5], 7), rows[:5], strict=True):
            assert found.uids == nearest(memory, query, 7)
        gone = mirror.search(rows[:1], 1)[0].uids[0]
        memory.forget(gone)
        assert gone not in mirror.search(rows[:1], 60)[0].uids
        assert len(mirror) == 59


def test_updates_and_expiry_are_followed(memory, clock):
    first = memory.add("the harbour office opens at nine").uid
    memory.add("a walk by the sea", ttl=60)
    mirror = memory.to_gpu(backend="numpy")
    assert len(mirror) == 2
    memory.update(first, text="tomatoes grow on the balcony")
    best = mirror.search(["tomatoes grow on the balcony"], 1)[0]
    assert best.uids == [first]
    assert best.scores[0] == pytest.approx(1, abs=1e-5)
    clock.forward(minutes=2)
    assert len(mirror) == 1


def test_several_vectors_are_one_memory_and_filters_hold(clock):
    random = np.random.default_rng(1)
    rows = random.standard_normal((6, 4)).astype(np.float32)
    with recollect.open(clock=clock) as memory:
        memory.add("both", vector=rows[:2], metadata={"of": "a"})
        memory.add("one", vector=rows[2], metadata={"of": "b"})
        mirror = memory.to_gpu(backend="numpy")
        (found,) = mirror.search(rows[:1], 5)
        assert len(found.uids) == len(set(found.uids)) == 2
        (found,) = mirror.search(rows[:1], 5, filter={"of": "b"})
        assert [memory.get(uid).text for uid in found.uids] == ["one"]
        with pytest.raises(errors.EmbedderMissing):
            mirror.search(["text"])
        with pytest.raises(errors.DimensionMismatch):
            mirror.search(rows[:, :3])


@pytest.mark.skipif(gpu.available(), reason="there is a GPU")
def test_without_a_gpu_it_says_so_at_once(lexical):
    with pytest.raises(errors.GpuUnavailable, match="cuda13"):
        lexical.to_gpu(backend="cuda")
