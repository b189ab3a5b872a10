"""The past in blocks: what is found again, what is fetched, what is kept decoded."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given as any_of
from hypothesis import strategies as st

from recollect.errors import DimensionMismatch, InvalidArgument
from recollect.kvcache import BlockStore, bf16_bits, boundaries


def rows(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def filled(
    represent: int | str = 4, tokens: int = 1000, **options: object
) -> tuple[BlockStore, np.ndarray, np.ndarray]:
    keys, importance = rows(2, tokens, 16), np.abs(rows(2, tokens, seed=1))
    store = BlockStore(2, 16, block=50, represent=represent, n_init=30, **options)
    store.append(keys, -keys, importance)
    return store, keys, importance


@any_of(cuts=st.lists(st.integers(0, 300), max_size=6))
def test_blocks_do_not_depend_on_how_tokens_came(cuts):
    keys, importance = rows(2, 300, 16), np.abs(rows(2, 300, seed=1))
    places = sorted({0, 300, *cuts})
    stores = [BlockStore(2, 16, block=50, n_init=30, keys="int4") for _ in range(2)]
    stores[0].append(keys, -keys, importance)
    for start, end in pairwise(places):
        stores[1].append(keys[:, start:end], -keys[:, start:end], importance[:, start:end])
    assert len(stores[0]) == len(stores[1]) == 5
    assert stores[0].nbytes == stores[1].nbytes
    one, other = (store.fetch([0, 3]) for store in stores)
    np.testing.assert_array_equal(one.keys, other.keys)
    np.testing.assert_array_equal(one.positions, other.positions)
    np.testing.assert_array_equal(*(store.query(rows(4, 3, 16, seed=5), 3) for store in stores))


def test_what_is_fetched_is_in_order_with_the_first_and_the_newest():
    store, keys, _ = filled()
    found = store.fetch([7, 2, 7])
    wanted = [*range(30), *range(130, 180), *range(380, 430), *range(980, 1000)]
    assert found.positions.tolist() == wanted
    np.testing.assert_array_equal(found.keys, keys[:, wanted])
    np.testing.assert_array_equal(found.values, -keys[:, wanted])


def test_a_block_is_found_by_its_most_important_keys():
    store, keys, importance = filled(represent=4)
    queries = rows(6, 5, 16, seed=9)
    mean = queries.mean(1).reshape(2, 3, 16).sum(1)
    likeness = []
    for start in range(30, 980, 50):
        part, weight = keys[:, start : start + 50], importance[:, start : start + 50]
        top = [part[head, np.argsort(-weight[head], kind="stable")[:4]].mean(0) for head in range(2)]
        likeness.append((mean * np.array(top)).sum())
    assert store.query(queries, 6).tolist() == np.argsort(-np.array(likeness))[:6].tolist()


def test_a_planted_key_is_found_by_bounds_and_by_importance():
    for represent in (1, "minmax"):
        keys, importance = 0.1 * rows(2, 1000, 16), np.zeros((2, 1000), dtype=np.float32)
        keys[:, 523] = 3.0
        importance[:, 523] = 1.0
        store = BlockStore(2, 16, block=50, represent=represent, n_init=30)
        store.append(keys, keys, importance)
        assert store.query(np.ones((2, 1, 16)), 1).tolist() == [(523 - 30) // 50]


def test_bounds_bound_every_product():
    store, keys, _ = filled(represent="minmax")
    queries = rows(2, 1, 16, seed=3)
    products = [
        (queries @ keys[:, start : start + 50].swapaxes(1, 2)).max(2).sum() for start in range(30, 980, 50)
    ]
    best = int(store.query(queries, 1)[0])
    parts = [keys[:, 30 + 50 * best : 80 + 50 * best]]
    bound = np.maximum(queries[:, 0] * parts[0].max(1), queries[:, 0] * parts[0].min(1)).sum()
    assert bound >= max(products) - 1e-4


def test_the_block_that_is_least_recently_used_goes_first():
    store, _, _ = filled(loaded=3)
    store.fetch([0, 1, 2])
    store.fetch([0])
    assert store.loads == 3
    store.fetch([5])
    assert store.loaded == [2, 0, 5]
    store.fetch([1])
    assert (store.loads, store.loaded) == (5, [0, 5, 1])
    assert store.fetch(range(8)).keys.shape[1] == 30 + 8 * 50 + 20
    assert len(store.loaded) == 3


def test_resting_blocks_take_the_bytes_of_their_codes():
    bits = bf16_bits(rows(2, 1030, 128))
    stores = [BlockStore(2, 128, block=100, represent="mean", n_init=30, **kinds)
              for kinds in ({}, {"keys": "int4", "values": "int2"})]  # fmt: skip
    for store in stores:
        store.append(bits, bits)
    vectors, first = 10 * 256 * 4, 2 * 2 * 30 * 256
    assert stores[0].nbytes == vectors + first + 2 * 2 * 1000 * 256
    assert stores[1].nbytes < vectors + first + 2 * 1000 * (88 + 49)
    np.testing.assert_allclose(stores[1].fetch([3]).keys, stores[0].fetch([3]).keys, atol=0.5)


def test_events_are_blocks_of_their_own_length():
    surprise = np.ones(200)
    surprise[[40, 95, 160]] = 9.0
    starts = [*boundaries(surprise), 200]
    keys = rows(2, 200, 16)
    store = BlockStore(2, 16, block=128, represent="mean", n_init=0)
    for start, end in pairwise(starts):
        store.append(keys[:, start:end], keys[:, start:end])
        store.cut()
    store.cut()
    assert len(store) == 4
    assert store.fetch([1]).positions.tolist() == list(range(40, 95))


def test_neighbours_of_the_best_come_along():
    store, _, _ = filled()
    queries = rows(2, 1, 16, seed=3)
    plain, near = store.query(queries, 10).tolist(), store.query(queries, 10, neighbours=0.3).tolist()
    assert near[:7] == plain[:7]
    assert len(set(near)) == 10
    assert all(any(abs(one - best) == 1 for best in near[:7]) for one in near[7:])
    assert sorted(store.query(queries, 19, neighbours=0.5).tolist()) == list(range(19))


def test_few_blocks_and_none():
    store = BlockStore(2, 16, represent="mean")
    assert store.query(rows(2, 1, 16)).tolist() == []
    assert store.fetch([]).keys.shape == (2, 0, 16)
    store.append(rows(2, 3, 16), rows(2, 3, 16))
    store.cut()
    assert store.fetch([]).positions.tolist() == [0, 1, 2]
    assert len(store) == 0


def test_what_cannot_come_to_rest_loses_nothing():
    keys = rows(2, 120, 16)
    store = BlockStore(2, 16, block=50, represent="mean", n_init=0, keys="int4")
    huge = keys.copy()
    huge[1, 70, 0] = 1e6
    for _ in range(2):
        with pytest.raises(InvalidArgument, match="beyond 65504"):
            store.append(huge, keys)
        assert (len(store), store.nbytes) == (0, 0)
    store.append(keys, keys)
    assert len(store) == 2
    assert store.fetch([]).positions.tolist() == list(range(100, 120))


def test_wrong_arguments_are_named_and_change_nothing():
    store, keys, importance = filled()
    before = store.nbytes
    broken = keys[:, :5].copy()
    broken[1, 2] = np.nan
    for call, match in [
        (lambda: store.append(keys, keys), r"^importance: blocks are found"),
        (lambda: store.append(keys, keys, importance[:, :5]), r"^importance: expected the shape"),
        (lambda: store.append(broken, broken, importance[:, :5]), r"^keys: a number is not finite"),
        (lambda: store.append(keys[:1], keys[:1], importance[:1]), r"^keys: expected 2 heads"),
        (
            lambda: store.append(bf16_bits(keys), bf16_bits(keys), importance),
            r"^keys, values: the store holds",
        ),
        (lambda: store.query(rows(3, 1, 16)), r"^queries: expected a multiple of 2"),
        (lambda: store.fetch([19]), r"^ids: expected 0 to 18"),
        (lambda: BlockStore(1, 4, represent="best"), r"^represent"),
    ]:
        with pytest.raises(InvalidArgument, match=match):
            call()
    with pytest.raises(DimensionMismatch):
        store.query(rows(2, 1, 15))
    assert store.nbytes == before
