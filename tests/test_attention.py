"""Attention at two levels: that of the formula, and as good as published where little is opened."""

import numpy as np
import pytest

from recollect import Timeline, two_level_read
from recollect.errors import DimensionMismatch, InvalidArgument


def softmax(x):
    powers = np.exp(x - x.max())
    return powers / powers.sum()


@pytest.mark.parametrize("k", [1, 3, 12])
def test_it_is_the_formula(k):
    rng = np.random.default_rng(k)
    keys = [rng.normal(size=(m, 16)) for m in rng.integers(1, 9, 12)]
    values = [rng.normal(size=(len(one), 5)) for one in keys]
    query = rng.normal(size=16)
    logits = np.array([one.mean(axis=0) @ query for one in keys]) / 4
    opened = np.argsort(-logits)[:k]
    wanted = sum(
        weight * softmax(keys[c] @ query / 4) @ values[c]
        for weight, c in zip(softmax(logits[opened]), opened, strict=True)
    )
    read = two_level_read(query, keys, values, k=k)
    np.testing.assert_allclose(read.value, wanted, atol=1e-5)
    assert read.chunks.tolist() == opened.tolist()
    assert read.weights.sum() == pytest.approx(1, abs=1e-6)
    given = two_level_read(query, keys, values, summaries=[one[0] for one in keys], k=1)
    assert given.chunks[0] == np.argmax([one[0] @ query for one in keys])


def test_the_chunk_of_the_true_neighbour_is_among_the_first():
    """64 chunks of 32 items, d=64, weak topics: first 8 in 99.4 %, first 4 in 98.0 %, first in 87.4 %."""
    rng, dim, found = np.random.default_rng(64), 64, []
    for _ in range(20):
        keys = 0.5 * rng.normal(size=(64, 1, dim)) + rng.normal(size=(64, 32, dim))
        for _ in range(50):
            chunk, item = rng.integers(64), rng.integers(32)
            query = keys[chunk, item] + 0.3 * rng.normal(size=dim)
            read = two_level_read(query, list(keys), k=8)
            ranks = np.flatnonzero(read.chunks == chunk)
            found.append(int(ranks[0]) if len(ranks) else 64)
    for first, share in ((8, 0.994), (4, 0.980), (1, 0.874)):
        assert (np.array(found) < first).mean() == pytest.approx(share, abs=0.03)


def test_a_salient_item_is_found_by_few_representatives():
    """Blocks of 128, a planted salient item: found by one representative, mostly by 4, not by the mean."""
    rng, dim, hits = np.random.default_rng(5), 64, {"1": 0, "4": 0, "mean": 0}
    trials = 40
    for _ in range(trials):
        vectors = rng.normal(size=(64 * 128, dim)).astype(np.float32)
        salience = rng.random(64 * 128).astype(np.float32)
        planted = int(rng.integers(64 * 128))
        salience[planted] = 2
        timeline = Timeline(dim=dim, levels=())
        timeline.extend(np.arange(64 * 128), vectors=vectors, salience=salience)
        for name, blocks in (
            ("1", timeline.blocks(128, "salient", 1)),
            ("4", timeline.blocks(128, "salient", 4)),
            ("mean", timeline.blocks(128, "mean")),
        ):
            hits[name] += planted // 128 in blocks.best(vectors[planted], k=4)
    assert hits["1"] == trials
    assert hits["4"] >= 0.85 * trials
    assert hits["mean"] <= 0.5 * trials


def test_bad_arguments():
    keys = [np.eye(3)]
    for bad in (
        lambda: two_level_read(np.eye(2), [np.eye(2)]),
        lambda: two_level_read(np.ones(3), []),
        lambda: two_level_read(np.ones(3), keys, [np.ones((2, 3))]),
        lambda: two_level_read(np.ones(3), keys, k=0),
        lambda: two_level_read(np.ones(3), keys, summaries=np.ones((2, 3))),
    ):
        with pytest.raises(InvalidArgument):
            bad()
    with pytest.raises(DimensionMismatch):
        two_level_read(np.ones(2), keys)
