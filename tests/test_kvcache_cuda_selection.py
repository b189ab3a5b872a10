"""Selection by kernels, which run on the CPU here in several orders of threads, against the reference."""

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given as any_of
from hypothesis import settings
from hypothesis import strategies as st

from recollect.errors import InvalidArgument
from recollect.kvcache import select
from recollect.kvcache.cuda import working
from tests.cuda_host.device import ORDERS, SHUFFLED, HostDevice, compiler
from tests.cuda_host.standing_in import host_alone, stand_in

pytestmark = pytest.mark.skipif(compiler() is None, reason="no C++ compiler")

DEVICES = {order: HostDevice(order) for order in ORDERS}


def same(given, *args, order=SHUFFLED, **options):
    wanted = select(given, *args, backend="numpy", **options)
    with pytest.MonkeyPatch.context() as patch:
        stand_in(patch, DEVICES[order])
        found = select(given, *args, backend="cuda", **options)
    np.testing.assert_array_equal(found.indices, wanted.indices)
    np.testing.assert_array_equal(found.cu_len, wanted.cu_len)
    np.testing.assert_array_equal(found.positions, wanted.positions)
    assert found.indices.dtype == found.positions.dtype == np.int32


@settings(max_examples=60)
@any_of(
    levels=st.lists(st.sampled_from([0.0, -0.0, 1.0, 2.0, np.inf, -np.inf, np.nan]), max_size=40),
    budget=st.integers(0, 30),
    n_sink=st.integers(0, 4),
    n_recent=st.integers(0, 4),
    threshold=st.sampled_from([None, 0.0, 1.5, 9.0, np.nan]),
    dtype=st.sampled_from([np.float32, np.float16]),
    order=st.sampled_from(ORDERS),
)
def test_the_same_tokens_stay(levels, budget, n_sink, n_recent, threshold, dtype, order):
    given = np.array([levels, levels[::-1]], dtype=dtype).reshape(1, 2, -1)
    same(given, budget, n_sink=n_sink, n_recent=n_recent, threshold=threshold, order=order)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("kind", ["random", "rising", "tied", "holes"])
def test_long_rows_and_budgets_of_each_head(kind, order):
    random = np.random.default_rng(0)
    given = random.standard_normal((2, 2, 9001)).astype(np.float32)
    if kind == "rising":
        given.sort(axis=2)
    elif kind == "tied":
        given = np.round(given)
    elif kind == "holes":
        given[random.random(given.shape) < 0.7] = -np.inf
    same(given, [[1, 8000], [9001, 3000]], n_recent=5, order=order)
    same(given, 700, threshold=0.5, order=order)


def test_positions_are_those_that_were_given():
    random = np.random.default_rng(1)
    given = random.standard_normal((2, 3, 50)).astype(np.float32)
    same(given, 9, positions=random.integers(0, 900, (2, 50)))
    same(given, 9, positions=random.integers(0, 900, (2, 3, 50)))
    same(given.astype(np.float64), 9)
    same(given[:0], 9)
    same(given[..., :0], 9)


def test_a_budget_of_another_shape_is_refused():
    with pytest.MonkeyPatch.context() as patch:
        stand_in(patch, DEVICES[SHUFFLED])
        with pytest.raises(InvalidArgument, match="budget: expected a number"):
            select(np.zeros((1, 2, 3), dtype=np.float32), [1, 2, 3], backend="cuda")


@host_alone
def test_nothing_waits_until_it_is_asked_for():
    random, waits = np.random.default_rng(2), []
    given = random.standard_normal((2, 3, 50)).astype(np.float32)
    given[0, 1, 5:] = -np.inf
    with pytest.MonkeyPatch.context() as patch:
        stand_in(patch, DEVICES[SHUFFLED])
        patch.setattr(working, "finishing", lambda device: lambda: waits.append(device))
        found = [select(given, 9, threshold=limit, backend="cuda") for limit in (None, 0.5)]
        # Room for as many as may stay, of which the first do.
        there = [one.there for one in found]
        assert [indices.shape for indices, _ in there] == [(54,), (54,)]
    assert not waits
    for one, limit in zip(found, (None, 0.5), strict=True):
        wanted = select(given, 9, threshold=limit, backend="numpy")
        np.testing.assert_array_equal(one.lying, wanted.indices)
        np.testing.assert_array_equal(one.positions, wanted.positions)
        np.testing.assert_array_equal(one.counts, wanted.counts)
    for (indices, cu_len), one in zip(there, found, strict=True):
        np.testing.assert_array_equal(indices[: cu_len[-1]], one.indices)
        np.testing.assert_array_equal(cu_len, one.cu_len)
    assert len(waits) == 2


@pytest.mark.parametrize("send", [pickle.dumps, copy.copy, copy.deepcopy], ids=lambda send: send.__name__)
def test_what_a_device_works_on_can_be_sent(send):
    given = np.random.default_rng(3).standard_normal((1, 2, 40)).astype(np.float32)
    with pytest.MonkeyPatch.context() as patch:
        stand_in(patch, DEVICES[SHUFFLED])
        sent = send(select(given, 9, backend="cuda"))
    found, wanted = pickle.loads(sent) if send is pickle.dumps else sent, select(given, 9, backend="numpy")
    for name in ("indices", "cu_len", "positions", "counts", "shape"):
        np.testing.assert_array_equal(getattr(found, name), getattr(wanted, name))
