"""Every kernel on the CPU, from the source that the GPU gets, in several orders of threads, against NumPy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import recollect
from recollect.gpu import oracle, scanning
from recollect.gpu.edges import Edges, edges_of
from recollect.gpu.hamming import hamming_keys, nearest_codes
from recollect.gpu.index import Mirror
from recollect.gpu.rows import Rows
from recollect.gpu.search import exact_rows
from recollect.gpu.selection import best_keys, unpacked
from recollect.gpu.similarity import similarity_on
from recollect.gpu.spreading import Spreading, Steps, activation_on
from tests.cuda_host.device import ORDERS, SHUFFLED, HostDevice, compiler
from tests.cuda_host.outside import run_outside

pytestmark = pytest.mark.skipif(compiler() is None, reason="no C++ compiler")

FORMS = ("f32", "f16", "bf16", "int8")
METRICS = ("dot", "cosine", "euclidean")


def formed(rows, form):
    if form == "f16":
        return rows.astype(np.float16), None
    if form == "bf16":
        bits = rows.view(np.uint32)
        return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16), None
    if form == "int8":
        scales = (np.abs(rows).max(axis=1, initial=0) / 127).astype(np.float32)
        return np.rint(rows / np.where(scales > 0, scales, 1)[:, None]).astype(np.int8), scales
    return rows, None


def expected(queries, data, form, scales, k, metric, mask=None):
    rows = oracle.widened(data, form, scales)
    if metric == "cosine":
        rows, queries = oracle.normalised(rows), oracle.normalised(queries)
    return oracle.best_rows(queries, rows, k, mask, metric == "euclidean")


def same(ours, theirs):
    assert np.array_equal(ours[0], theirs[0])
    assert np.array_equal(np.asarray(ours[1]).view(np.int32), np.asarray(theirs[1]).view(np.int32))


@pytest.fixture
def listing(monkeypatch):
    """Make scans list what passes a floor, as they do with many rows."""
    monkeypatch.setattr(scanning, "DENSE", 0)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("architecture", [80, 90])
def test_the_best_rows_are_those_of_the_oracle_bit_for_bit(architecture, form, metric, listing):
    random = np.random.default_rng(1)
    rows = random.standard_normal((2300 if form == "int8" else 900, 140)).astype(np.float32)
    rows[700] = rows[30]
    queries = np.concatenate([rows[700:701], random.standard_normal((3, 140)).astype(np.float32)])
    data, scales = formed(rows, form)
    device = HostDevice(SHUFFLED, architecture=architecture)
    ours = similarity_on(device, queries, data, form, scales, None, 6, metric)
    same(ours, expected(queries, data, form, scales, 6, metric))
    assert device.launched.count("scan_rows") >= 2


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(("architecture", "dim"), [(80, 40), (80, 200), (90, 40), (90, 100), (90, 200)])
def test_the_order_of_threads_does_not_matter(order, architecture, dim, listing):
    random = np.random.default_rng(2)
    rows = random.standard_normal((700, dim)).astype(np.float32)
    queries = random.standard_normal((130, dim)).astype(np.float32)
    ours = similarity_on(
        HostDevice(order, architecture=architecture), queries, rows, "f32", None, None, 3, "dot"
    )
    same(ours, expected(queries, rows, "f32", None, 3, "dot"))


@pytest.mark.parametrize("shared", [64 << 10, 99 << 10, 163 << 10])
def test_devices_with_less_shared_memory_get_smaller_tiles(shared, listing):
    random = np.random.default_rng(3)
    rows = random.standard_normal((600, 300)).astype(np.float32)
    queries = random.standard_normal((3, 300)).astype(np.float32)
    device = HostDevice(SHUFFLED, shared, architecture=86)
    same(
        similarity_on(device, queries, rows, "f32", None, None, 5, "dot"),
        expected(queries, rows, "f32", None, 5, "dot"),
    )


@pytest.mark.parametrize("masked", ["common", "each", "few", "none"])
@pytest.mark.parametrize("dense", [0, 1 << 25])
def test_masks_keep_rows_out(masked, dense, monkeypatch):
    monkeypatch.setattr(scanning, "DENSE", dense)
    random = np.random.default_rng(4)
    rows = random.standard_normal((1000, 24)).astype(np.float32)
    queries = random.standard_normal((4, 24)).astype(np.float32)
    shape = (4, 1000) if masked == "each" else (1000,)
    mask = random.random(shape) < {"common": 0.5, "each": 0.3, "few": 0.01, "none": -1}[masked]
    ours = similarity_on(HostDevice(), queries, rows, "f32", None, mask, 12, "dot")
    same(ours, expected(queries, rows, "f32", None, 12, "dot", mask))


@pytest.mark.parametrize("architecture", [80, 90])
def test_rows_that_are_all_the_same_come_in_order(architecture, listing):
    rows = np.tile(np.float32([1, 2, 3, 4]), (3000, 1))
    ids, _ = similarity_on(HostDevice(architecture=architecture), rows[:2], rows, "f32", None, None, 5, "dot")
    assert ids.tolist() == [[0, 1, 2, 3, 4]] * 2


def test_what_cannot_be_proven_is_scored_in_full(listing):
    random = np.random.default_rng(5)
    # Rows so near to one another that rounded numbers do not tell them apart.
    rows = (np.ones((5000, 32)) + 1e-6 * random.standard_normal((5000, 32))).astype(np.float32)
    device = HostDevice()
    same(
        similarity_on(device, rows[:2], rows, "f32", None, None, 4, "dot"),
        expected(rows[:2], rows, "f32", None, 4, "dot"),
    )
    assert "exact" in device.launched


@settings(max_examples=25)
@given(
    seed=st.integers(0, 1 << 30), count=st.integers(1, 400), dim=st.integers(1, 90), k=st.integers(1, 40),
    form=st.sampled_from(FORMS), metric=st.sampled_from(METRICS), small=st.floats(-12, 12),
)  # fmt: skip
def test_sizes_and_scales_of_all_kinds(seed, count, dim, k, form, metric, small):
    random = np.random.default_rng(seed)
    size = np.float32(10**small if form in ("f32", "bf16") else 1)
    rows = random.standard_normal((count, dim)).astype(np.float32) * size
    rows[random.random(rows.shape) < 0.2] = 0
    queries = random.standard_normal((3, dim)).astype(np.float32)
    data, scales = formed(rows, form)
    same(
        similarity_on(HostDevice(SHUFFLED), queries, data, form, scales, None, k, metric),
        expected(queries, data, form, scales, k, metric),
    )


def test_many_results_are_scored_exactly():
    random = np.random.default_rng(6)
    rows = random.standard_normal((1800, 8)).astype(np.float32)
    same(
        similarity_on(HostDevice(), rows[:2], rows, "f32", None, None, 1500, "dot"),
        expected(rows[:2], rows, "f32", None, 1500, "dot"),
    )
    whole = Rows(HostDevice(), rows, "f32")
    same(exact_rows(whole, rows[:2], 3), expected(rows[:2], rows, "f32", None, 3, "dot"))


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("kind", ["random", "rising", "tied", "late", "nobody"])
def test_selection_takes_the_best_and_the_first_of_ties(order, kind):
    random = np.random.default_rng(7)
    scores = random.standard_normal((2, 30_000)).astype(np.float32)
    if kind == "rising":
        scores.sort(axis=1)
    elif kind == "tied":
        scores = np.round(scores)
    elif kind == "late":
        scores[:, -700:] += 10
        scores[0, 5] = np.nan
    elif kind == "nobody":
        scores[:, 10:] = np.nan
    for k in (1, 100, 600, 2048):
        rows, _ = unpacked(HostDevice(order), best_keys(HostDevice(order), scores, k))
        for mine, row in zip(rows, scores, strict=True):
            who = np.flatnonzero(~np.isnan(row))
            best = who[np.lexsort((who, -row[who]))][:k]
            assert np.array_equal(mine[: len(best)], best)
            assert (mine[len(best) :] == -1).all()


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("units", [False, True])
@pytest.mark.parametrize("dense", [0, 1 << 25])
def test_bits_that_differ_are_counted(order, units, dense, monkeypatch):
    monkeypatch.setattr(scanning, "DENSE", dense)
    random = np.random.default_rng(8)
    codes = random.integers(0, 256, (1500, 20), dtype=np.uint8)
    codes[200:900] = codes[199]
    queries = np.concatenate([codes[199:200], random.integers(0, 256, (2, 20), dtype=np.uint8)])
    mask = random.random(1500) < 0.7
    rows, scores = unpacked(
        HostDevice(order), hamming_keys(HostDevice(order), queries, codes, 9, mask, units)
    )
    ids, apart = nearest_codes(queries, codes, 9, mask)
    assert np.array_equal(rows, ids)
    assert np.array_equal(-scores, apart)


@pytest.mark.parametrize("fan", ["degree", "specificity", "log", "none"])
@pytest.mark.parametrize("direction", ["out", "in", "both"])
def test_activation_is_that_of_the_graph(fan, direction):
    random = np.random.default_rng(9)
    graph = recollect.Graph()
    graph.add_nodes(np.arange(50))
    src, dst = (
        random.integers(0, 45, 2400),
        np.where(random.random(2400) < 0.6, 3, random.integers(0, 50, 2400)),
    )
    relations = [f"r{at}" for at in range(2400)]
    graph.link_many(src, dst, relations, weight=random.random(2400) + 0.1)
    how = {"fan": fan, "direction": direction, "strength": 8.0}
    spread = Spreading(graph, **how)
    queries = [{1: 2.0, 4: 1.0}, {7: 1.0}, {48: 1.0}]
    seeded = [spread._seeded(seeds, "seeds") for seeds in queries]
    edges, nodes = edges_of(graph, **how)
    for order, copies in zip(ORDERS, (1, 1, 40), strict=True):
        state = activation_on(Steps(HostDevice(order), edges), seeded * copies, 0.4, 3)
        for seeds, mine in zip(queries, state, strict=False):
            names, scores = graph.activate_exactly(seeds, restart=0.4, hops=3, **how)
            truth = dict(zip(names, scores, strict=True))
            wanted = np.array([truth.get(node, 0.0) for node in nodes])
            assert np.abs(mine - wanted).max() <= 1e-6 * wanted.sum()


def test_edges_refuse_what_is_none():
    with pytest.raises(recollect.InvalidArgument, match="places"):
        Edges.of([0], [5], nodes=2)
    with pytest.raises(recollect.InvalidArgument, match="weight"):
        Edges.of([0], [1], [0.0], nodes=2)


@pytest.mark.parametrize("keep", ["f32", "f16", "int8"])
@pytest.mark.parametrize("metric", METRICS)
def test_a_mirror_follows_its_index(keep, metric):
    random = np.random.default_rng(10)
    index = recollect.VectorIndex(20, metric, keep)
    mirror = Mirror(HostDevice(), index)
    rows = random.standard_normal((300, 20)).astype(np.float32)
    rows[9] = rows[250]
    queries = np.concatenate([rows[9:10], random.standard_normal((3, 20)).astype(np.float32)])

    def check(allow=None):
        same(mirror.search(queries, 5, allow), index.search_many(queries, 5, 1.0, allow))

    check()
    ids = index.add(rows)
    check()
    index.remove(ids[20:200])
    check()
    index.add(rows[:40] + 1)
    check()
    index.update(ids[:3], -rows[:3])
    mirror.forget(ids[:3])
    check()
    check(np.arange(0, 400, 3))


PROGRAM = """
import sys
import numpy as np
from tests.cuda_host.device import HostDevice
from recollect.gpu import oracle, scanning
from recollect.gpu.similarity import similarity_on
scanning.DENSE = 0
changed = lambda text: text.replace(sys.argv[1], "", int(sys.argv[2]))
random = np.random.default_rng(0)
rows = random.standard_normal((700, 200)).astype(np.float32)
wanted = oracle.best_rows(rows[:3], rows, 4)
for order in (0, 1, 7):
    device = HostDevice(order, changed=changed, architecture=int(sys.argv[3]))
    ids, scores = similarity_on(device, rows[:3], rows, "f32", None, None, 4, "dot")
    right = np.array_equal(ids, wanted[0]) and np.array_equal(scores, wanted[1])
    if not right or "exact" in device.launched:
        sys.exit("seen")
"""


@pytest.mark.parametrize(
    ("removed", "architecture", "caught"),
    [
        ("nothing at all", 80, False),
        ("        __syncthreads();\n", 80, True),
        ("        __syncthreads();\n", 90, True),
    ],
)
def test_a_barrier_that_is_missing_is_seen(removed, architecture, caught):
    done = run_outside(PROGRAM, removed, "-1", str(architecture))
    assert (done.returncode != 0) == caught, done.stderr
