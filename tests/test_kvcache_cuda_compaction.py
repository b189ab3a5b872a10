"""What stays moved together on a GPU: kernels on a CPU, in several orders of threads."""

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as any_of
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from recollect.errors import InvalidArgument, WrongType
from recollect.kvcache import Kept, Rope, bf16_bits, compact, compact_in_place, from_bf16
from recollect.kvcache.float_formats import e4m3_bits, from_e4m3
from tests.cuda_host.device import ORDERS, SHUFFLED, HostDevice, compiler
from tests.cuda_host.outside import run_outside
from tests.cuda_host.standing_in import back, host_alone, stand_in, there

pytestmark = pytest.mark.skipif(compiler() is None, reason="no C++ compiler")

FORMS = {
    "f64": lambda x: x,
    "f32": lambda x: x.astype(np.float32),
    "f16": lambda x: x.astype(np.float16),
    "bf16": bf16_bits,
    "e4m3": e4m3_bits,
}
WIDENED = {"bf16": from_bf16, "e4m3": from_e4m3}
# Of the greatest number: an f32 sum of two products; the step of 16 or 8 bits where it is near the middle.
BOUND = {"f64": 0.0, "f32": 4e-7, "f16": 2**-10, "bf16": 2**-7, "e4m3": 2**-3}
relaxed = settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def device(monkeypatch):
    found = HostDevice(SHUFFLED)
    stand_in(monkeypatch, found)
    return found


def cache(mask, form, d=24, seed=0):
    random = np.random.default_rng(seed)
    keys = FORMS[form](random.standard_normal((*mask.shape, d)))
    return keys, FORMS[form](random.standard_normal((*mask.shape, d // 2 + 1)))


def same(keys, values, kept):
    found, wanted = (compact(keys, values, kept, backend=backend) for backend in ("cuda", "numpy"))
    for name in ("keys", "values", "positions", "cu_len"):
        one, other = getattr(found, name), getattr(wanted, name)
        assert one.dtype == other.dtype
        assert one.tobytes() == other.tobytes(), name
    assert (found.nbytes, found.shape) == (wanted.nbytes, wanted.shape)


def moved_the_same(keys, values, kept):
    mine, theirs = [there(keys.copy()), there(values.copy())], [keys.copy(), values.copy()]
    counts = compact_in_place(*mine, kept, backend="cuda")
    np.testing.assert_array_equal(counts, compact_in_place(*theirs, kept, backend="numpy"))
    for one, other in zip(mine, theirs, strict=True):
        for at in np.ndindex(counts.shape):
            np.testing.assert_array_equal(back(one[at][: counts[at]]), other[at][: counts[at]])


@relaxed
@any_of(
    mask=arrays.arrays(bool, st.tuples(st.integers(0, 2), st.integers(1, 3), st.integers(0, 9))),
    form=st.sampled_from(sorted(FORMS)),
    d=st.sampled_from([1, 7, 8, 24, 64]),
)
def test_bits_are_moved_as_by_the_others(device, mask, form, d):
    keys, values = cache(mask, form, d)
    same(keys, values, Kept.of_mask(mask))
    moved_the_same(keys, values, Kept.of_mask(mask))


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 1.0])
def test_long_heads_in_every_order_of_threads(monkeypatch, order, share):
    device = HostDevice(order)
    stand_in(monkeypatch, device)
    mask = np.random.default_rng(order).random((1, 2, 2500)) < share
    keys, values = cache(mask, "f16", 64)
    same(keys, values, Kept.of_mask(mask))
    moved_the_same(keys, values, Kept.of_mask(mask))


def test_heads_beside_each_other_and_rows_that_lie_apart(device):
    mask = np.random.default_rng(0).random((2, 3, 20)) < 0.5
    kept = Kept.of_mask(mask)
    held = np.random.default_rng(1).standard_normal((2, 20, 3, 16)).astype(np.float32)
    for steps in (slice(None), slice(None, None, 2), slice(1, None)):
        part, moved = held.swapaxes(1, 2)[..., steps], there(held.copy()).swapaxes(1, 2)[..., steps]
        same(part, part, kept)
        compact_in_place(moved, moved.copy(), kept, backend="cuda")
        for at, indices in kept.by_head():
            np.testing.assert_array_equal(back(moved[at][: len(indices)]), part[at][indices])


@relaxed
@any_of(
    mask=arrays.arrays(bool, st.tuples(st.integers(0, 2), st.integers(1, 3), st.integers(0, 9))),
    form=st.sampled_from(sorted(FORMS)),
    pairs=st.sampled_from([0, 3, 8, 12, 16]),
    interleaved=st.booleans(),
    far=st.sampled_from([0, 100_000]),
)
def test_keys_are_turned_as_by_the_reference(device, mask, form, pairs, interleaved, far):
    keys, values = cache(mask, form, 37)
    rope = Rope(1e4 ** -(np.arange(pairs) / max(pairs, 1)), interleaved)
    positions = far + np.broadcast_to(np.arange(mask.shape[2]), (mask.shape[0], mask.shape[2]))
    kept = Kept.of_mask(mask, positions)
    found, wanted = (compact(keys, values, kept, rope=rope, backend=one) for one in ("cuda", "numpy"))
    widened = WIDENED.get(form, lambda x: x)
    one, other = widened(found.keys), widened(wanted.keys)
    assert found.keys.dtype == wanted.keys.dtype
    atol = BOUND[form] * float(np.abs(other).max(initial=0))
    np.testing.assert_allclose(one, other, rtol=0, atol=atol)
    assert found.values.tobytes() == wanted.values.tobytes()
    np.testing.assert_array_equal(found.positions, wanted.positions)


@host_alone
def test_what_does_not_fit_is_refused(device, monkeypatch):
    keys = np.zeros((1, 1, 5, 4), dtype=np.float16)
    kept = Kept.of_mask(np.ones((1, 1, 4), dtype=bool))
    for call in (compact, compact_in_place):
        with pytest.raises(InvalidArgument, match="what is kept is of"):
            call(keys, keys, kept, backend="cuda")
    with pytest.raises(InvalidArgument, match="inv_freq: 3 pairs in 4 dimensions"):
        compact(keys[:, :, :4], keys[:, :, :4], kept, rope=Rope(np.ones(3)), backend="cuda")
    # A copy on the device of what lies on the CPU would be compacted for nothing.
    device.xp = object()
    with pytest.raises(WrongType, match="keys: in the memory of the CPU"):
        compact_in_place(keys[:, :, :4], keys[:, :, :4], kept, backend="cuda")


PROGRAM = """
import sys
import numpy as np
from recollect.kvcache import Kept
from recollect.kvcache.cuda.compaction import Staying, moved_to_front
from tests.cuda_host.device import HostDevice
changed = lambda text: text.replace(sys.argv[1], "")
random = np.random.default_rng(0)
kept = Kept.of_mask(random.random((1, 1, 900)) < 0.7)
rows = random.standard_normal((1, 1, 900, 8)).astype(np.float32)
for order in (0, 1, 7):
    device, moved = HostDevice(order, changed=changed), rows.copy()
    moved_to_front(device, moved, Staying.on(device, kept.indices, kept.cu_len))
    if not np.array_equal(moved[0, 0, : len(kept.indices)], rows[0, 0, kept.indices]):
        sys.exit("seen")
"""


@pytest.mark.parametrize(("removed", "caught"), [("nothing at all", False), ("__syncthreads();", True)])
def test_a_barrier_that_is_missing_is_seen(removed, caught):
    done = run_outside(PROGRAM, removed)
    assert (done.returncode != 0) == caught, done.stderr
