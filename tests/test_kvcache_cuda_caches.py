"""Caches that lie on a GPU hold the bits of those on the CPU, however they grew; a CPU stands in for it."""

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as any_of
from hypothesis import strategies as st

from recollect.errors import DimensionMismatch, InvalidArgument
from recollect.kvcache import Kept, MixedCache, PagedStore, QuantizedCache, decode_attention, select
from recollect.kvcache.cuda.verdict import Verdict
from recollect.kvcache.quantizers import Rotated
from tests.cuda_host.device import ORDERS, SHUFFLED, HostDevice, compiler
from tests.cuda_host.standing_in import host_alone, stand_in
from tests.test_kvcache_selection import PagesAgainstLists

pytestmark = pytest.mark.skipif(compiler() is None, reason="no C++ compiler")

relaxed = settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def device(monkeypatch):
    found = HostDevice(SHUFFLED)
    stand_in(monkeypatch, found)
    return found


def rows(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float16)


def stands_for(cache, index):
    """Return keys, values and positions of a sequence, in order."""
    found = [
        (one.keys.dequantize(backend="numpy"), one.values.dequantize(backend="numpy"), one.positions)
        for one in cache.segments(index)
    ]
    return [np.concatenate([one[part] for one in found], axis=min(2 - part, 1) if part < 2 else 0)
            for part in range(3)]  # fmt: skip


@relaxed
@any_of(
    kinds=st.sampled_from(
        [("rot4", "int4"), ("int2", "fp8"), ("plain", "int8"), (Rotated(2, block=None), "int4")]
    ),
    steps=st.lists(st.integers(0, 90), min_size=1, max_size=4),
    short=st.integers(0, 3),
)
def test_a_growing_cache_stands_for_the_same_numbers(device, kinds, steps, short):
    there, here = (
        QuantizedCache(*kinds, n_sink=3, residual=16, block=None if kinds[0] != kinds else 32, backend=one)
        for one in ("cuda", "numpy")
    )
    for at, step in enumerate(steps):
        keys, values = rows(2, 2, step, 24, seed=at), rows(2, 2, step, 20, seed=at + 50)
        lengths = [step, max(step - short, 0)]
        for cache in (there, here):
            cache.append(keys, values, lengths=lengths)
    assert there.nbytes == here.nbytes
    assert there.seen.tolist() == here.seen.tolist()
    for index in range(2):
        for one, other in zip(stands_for(there, index), stands_for(here, index), strict=True):
            np.testing.assert_array_equal(one, other)
    queries = rows(2, 4, 1, 24, seed=9)
    found, wanted = (decode_attention(queries, one, backend=to)
                     for one, to in ((there, "cuda"), (here, "numpy")))  # fmt: skip
    np.testing.assert_allclose(found.output, wanted.output, rtol=2e-5, atol=3e-5)


def test_codes_of_a_step_are_made_at_once(device):
    cache = QuantizedCache("rot4", "int4", backend="cuda")
    cache.append(rows(1, 2, 700, 64), rows(1, 2, 700, 64))
    assert device.launched == ["rotated_codes", "token_codes"]
    assert [one.keys.shape[1] for one in cache.segments(0)] == [4, 512, 184]


@host_alone
def test_a_call_waits_once_for_all_of_its_blocks(device, monkeypatch):
    asked, broken = [], Verdict.broken

    def noted(verdict):
        asked.append(len(device.launched))
        return broken(verdict)

    monkeypatch.setattr(Verdict, "broken", noted)
    cache = QuantizedCache("rot4", "int4", n_sink=0, residual=0, backend="cuda")
    cache.append(rows(3, 2, 260, 64), rows(3, 2, 260, 64), lengths=[260, 0, 140])
    assert asked == [len(device.launched)] == [4]


def test_a_block_that_is_refused_late_loses_nothing(device):
    cache = QuantizedCache("int4", "int4", n_sink=0, residual=0, backend="cuda")
    first = rows(2, 2, 40, 8).astype(np.float32)
    cache.append(first, first)
    before, wrong = cache.nbytes, rows(2, 2, 40, 8, seed=1).astype(np.float32)
    wrong[1, 1, 3, 3] = 1e6
    for keys, values in ((first, wrong), (wrong, first)):
        with pytest.raises(InvalidArgument, match="beyond 65504"):
            cache.append(keys, values)
        assert cache.nbytes == before
        assert cache.seen.tolist() == [40, 40]


def test_sequences_are_taken_and_newest_tokens_dropped(device):
    caches = [QuantizedCache("int4", "int4", residual=8, backend=one) for one in ("cuda", "numpy")]
    for cache in caches:
        cache.append(rows(3, 1, 90, 8), rows(3, 1, 90, 8, seed=1), lengths=[90, 40, 3])
        cache.take([2, 0, 0])
        cache.drop_newest([1, 5, 0])
    assert caches[0].seen.tolist() == caches[1].seen.tolist()
    for index in range(3):
        for one, other in zip(*(stands_for(cache, index) for cache in caches), strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("changed", ["nan", "heads", "dim", "big"])
def test_what_cannot_be_held_is_refused_and_loses_nothing(device, changed):
    cache = QuantizedCache("int4", "int4", n_sink=0, residual=0, backend="cuda")
    cache.append(rows(1, 2, 40, 8), rows(1, 2, 40, 8))
    before, wrong = cache.nbytes, rows(1, 2, 40, 8).astype(np.float16)
    error, message = InvalidArgument, r"keys\[0\]: token 5 has a number that is not finite"
    if changed == "nan":
        wrong[0, 1, 5, 2] = np.nan
    elif changed == "heads":
        wrong, message = rows(1, 3, 40, 8), "does not go on from"
    elif changed == "dim":
        wrong, error, message = rows(1, 2, 40, 9), DimensionMismatch, "expected 8 dimensions, found 9"
    else:
        cache = QuantizedCache("int4", "int4", n_sink=0, residual=0, backend="cuda")
        cache.append(rows(1, 2, 40, 8).astype(np.float32), rows(1, 2, 40, 8).astype(np.float32))
        before, wrong, message = cache.nbytes, np.full((1, 2, 40, 8), 1e6, np.float32), "beyond 65504"
    with pytest.raises(error, match=message):
        cache.append(wrong, wrong[:, :, :, :8])
    assert cache.nbytes == before
    assert cache.seen.tolist() == [40]


@relaxed
@any_of(tokens=st.integers(1, 60), seed=st.integers(0, 99))
def test_states_of_tokens(device, tokens, seed):
    keys, values = rows(2, 2, tokens, 24, seed=seed), rows(2, 2, tokens, 8, seed=seed + 1)
    states = np.random.default_rng(seed).choice([0, 1, 2, 4], keys.shape[:3])
    codecs = {1: ("rot1", "int2"), 2: ("int4", "fp8"), 4: ("plain", "plain")}
    there, here = (MixedCache(keys, values, states, codecs, backend=one) for one in ("cuda", "numpy"))
    assert there.nbytes == here.nbytes
    for index in range(2):
        for one, other in zip(there.segments(index), here.segments(index), strict=True):
            np.testing.assert_array_equal(one.positions, other.positions)
            for mine, theirs in ((one.keys, other.keys), (one.values, other.values)):
                for name, part in theirs.parts.items():
                    assert mine.parts[name].tobytes() == part.tobytes()
    queries = rows(2, 4, 1, 24, seed=9)
    found = decode_attention(queries, there, backend="cuda").output
    np.testing.assert_allclose(found, decode_attention(queries, here, backend="numpy").output, atol=3e-5)


class PagesOnADevice(PagesAgainstLists):
    """Pages on a device hold what plain lists hold."""

    def __init__(self) -> None:
        super().__init__()
        self.patch, self.device = pytest.MonkeyPatch(), HostDevice(SHUFFLED)
        stand_in(self.patch, self.device)

    def made(self, page: int) -> PagedStore:
        return PagedStore(2, 2, 1, dtype=np.float32, page=page, backend="cuda")

    def teardown(self) -> None:
        assert set(self.device.launched) <= {"write_pages", "read_pages", "move_in_pages"}
        assert self.device.launched or not any(self.seen)
        self.patch.undo()


TestPagesOnADevice = PagesOnADevice.TestCase


@pytest.mark.parametrize("order", ORDERS)
def test_long_heads_in_pages(monkeypatch, order):
    stand_in(monkeypatch, HostDevice(order))
    keys, values = rows(1, 2, 2500, 24), rows(1, 2, 2500, 7, seed=1)
    stores = [PagedStore(1, 2, 24, 7, page=64, backend=one) for one in ("cuda", "numpy")]
    kept = Kept.of_mask(np.random.default_rng(order).random((1, 2, 2500)) < 0.6)
    for store in stores:
        store.append(keys.swapaxes(1, 2).copy().swapaxes(1, 2), values)
        store.keep(kept)
        store.append(keys[:, :, :5], values[:, :, :5])
    for head in range(2):
        for one, other in zip(*(store.head(0, head) for store in stores), strict=True):
            np.testing.assert_array_equal(one, other)
    queries = rows(1, 4, 1, 24, seed=9)
    found = decode_attention(queries, stores[0], backend="cuda").output
    np.testing.assert_allclose(found, decode_attention(queries, stores[1], backend="numpy").output, atol=3e-5)


def test_a_kept_token_that_is_not_finite_is_refused(device):
    keys = rows(1, 1, 9, 8)
    kept = select(np.arange(9, dtype=np.float32).reshape(1, 1, 9), 3, n_sink=0)
    keys[0, 0, 8, 1] = np.inf
    with pytest.raises(InvalidArgument, match=r"keys\[0, 0\]: a token to keep"):
        MixedCache(keys, keys, kept, {1: ("rot1", "int2")}, backend="cuda")
