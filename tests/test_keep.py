"""Forms of vectors: what is kept is what is scored, before and after every way to move it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import numpy.typing as npt
import pytest

import recollect
from recollect import Memory
from recollect.errors import DimensionMismatch, InvalidArgument, WrongType
from recollect.options import Keep

DIM = 48
FORMS: tuple[Keep, ...] = ("f32", "f16", "int8")
SMALLER: tuple[Keep, ...] = ("f16", "int8")
Metric = Literal["cosine", "dot", "euclidean"]
METRICS: tuple[Metric, ...] = ("cosine", "dot", "euclidean")
Vectors = npt.NDArray[np.float32]


def rows(count: int, seed: int = 1) -> Vectors:
    noise = np.random.default_rng(seed)
    centres = noise.standard_normal((5, DIM))
    return (centres[np.arange(count) % 5] + 0.3 * noise.standard_normal((count, DIM))).astype(np.float32)


@dataclass
class Embedder:
    """Embeds nothing: its vectors are given; it names the space."""

    metric: Metric
    name: str = "given here"
    dim: int = DIM

    def embed(self, texts: Sequence[str]) -> Vectors:
        return np.zeros((len(texts), DIM), dtype=np.float32)

    def embed_query(self, text: str) -> Vectors:
        return np.zeros(DIM, dtype=np.float32)


def opened(path: Path | None, keep: Keep, metric: Metric = "cosine") -> Memory:
    return recollect.open(path, keep=keep, embedder=cast(Any, Embedder(metric)))


def lanes(products: Vectors) -> float:
    """The sum in the order of the kernels, in float32: 32 lanes, then halves onto each other."""
    padded = np.zeros((len(products) + 31) // 32 * 32, dtype=np.float32)
    padded[: len(products)] = products
    sums = np.zeros(32, dtype=np.float32)
    for block in padded.reshape(-1, 32):
        sums = sums + block
    while len(sums) > 1:
        sums = sums[: len(sums) // 2] + sums[len(sums) // 2 :]
    return float(sums[0])


def unit(vector: Vectors) -> Vectors:
    norm = np.sqrt((vector.astype(np.float64) ** 2).sum())
    return (vector / norm).astype(np.float32)


def brute_force(kept: dict[str, Vectors], query: Vectors, keep: Keep, metric: Metric) -> dict[str, float]:
    """The score of each memory, over what is kept of its vectors."""
    if metric == "cosine":
        query = unit(query)
        if keep == "f32":
            kept = {uid: unit(vector) for uid, vector in kept.items()}
    if metric == "euclidean":
        return {uid: 0.0 - lanes((query - vector) ** 2) for uid, vector in kept.items()}
    return {uid: lanes(query * vector) for uid, vector in kept.items()}


def scored(memory: Memory, query: Vectors, k: int) -> list[tuple[str, float]]:
    hits = memory.recall(None, k, vector=query)
    return [(hit.uid, next(s.score for s in hit.signals if s.name == "vectors")) for hit in hits]


def kept(memory: Memory, uids: Sequence[str]) -> dict[str, Vectors]:
    return {uid: memory.vectors(uid)[0] for uid in uids}


def filled(memory: Memory, count: int = 400) -> list[str]:
    return [x.uid for x in memory.add_many([f"note {n}" for n in range(count)], vectors=rows(count))]


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("keep", FORMS)
def test_recall_is_brute_force_over_what_is_kept(keep: Keep, metric: Metric) -> None:
    with opened(None, keep, metric) as memory:
        uids = filled(memory)
        values = kept(memory, uids)
        for query in rows(5, seed=2):
            expected = brute_force(values, query, keep, metric)
            best = sorted(expected, key=lambda uid: -expected[uid])[:10]
            found = scored(memory, query, 10)
            assert [score for _, score in found] == [
                pytest.approx(expected[uid], rel=0, abs=0) for uid in best
            ]
            assert all(expected[uid] == score for uid, score in found)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("keep", SMALLER)
def test_what_is_kept_is_near_what_was_given(keep: Keep, metric: Metric) -> None:
    with opened(None, keep, metric) as memory:
        uids = filled(memory, 50)
        for given, values in zip(rows(50), kept(memory, uids).values(), strict=True):
            wanted = unit(given) if metric == "cosine" else given
            # Half a step at most, and a little for the scale or the length.
            step = np.abs(wanted).max() * (1 / 127 if keep == "int8" else 2**-10)
            assert np.abs(values - wanted).max() <= 0.6 * step
            if keep == "f16":
                assert (values.astype(np.float16).astype(np.float32) == values).all()
            else:
                scale = np.abs(values).max() / np.float32(127)
                assert (np.round(values / scale) * scale == values).all()


@pytest.mark.parametrize("keep", FORMS)
def test_reopening_changes_no_bit(tmp_path: Path, keep: Keep) -> None:
    path, queries = tmp_path / "a.rcl", rows(3, seed=3)
    with opened(path, keep) as memory:
        uids = filled(memory)
        before = [scored(memory, query, 20) for query in queries]
        values = kept(memory, uids)
        memory.checkpoint()
        memory.add("one more, after the snapshot", vector=rows(1, seed=9)[0])
        assert memory.verify().ok
    for other in FORMS:
        with opened(path, other) as memory:
            assert memory.stats()["keep"] == keep
            after = [[x for x in scored(memory, query, 21) if x[0] in values][:20] for query in queries]
            assert after == before
            assert all((memory.vectors(uid)[0] == values[uid]).all() for uid in uids)
            assert memory.verify().ok


@pytest.mark.parametrize("target", FORMS)
@pytest.mark.parametrize("source", FORMS)
def test_exports_carry_what_is_kept(tmp_path: Path, source: Keep, target: Keep) -> None:
    with opened(None, source) as memory:
        uids = filled(memory, 60)
        values = list(kept(memory, uids).values())
        memory.export(tmp_path / "a.jsonl")
    with opened(None, target) as memory:
        memory.import_file(tmp_path / "a.jsonl")
        texts = {record.text: memory.vectors(record.uid)[0] for record in memory.list()}
        assert memory.stats()["keep"] == target
        same = [bool((texts[f"note {n}"] == value).all()) for n, value in enumerate(values)]
        if target in (source, "f32"):
            assert all(same)
        else:
            assert not all(same)


@pytest.mark.parametrize("keep", SMALLER)
def test_erasure_leaves_no_vector(tmp_path: Path, keep: Keep) -> None:
    path, secret = tmp_path / "a.rcl", rows(1, seed=7)[0]
    with opened(path, keep) as memory:
        filled(memory, 300)
        uid = memory.add("secret", vector=secret).uid
        value = memory.vectors(uid)[0]
        memory.checkpoint()
        codes = np.round(value / (np.abs(value).max() / 127)).astype(np.int8)
        raw = value.astype("<f2").tobytes() if keep == "f16" else codes.tobytes()
        assert any(raw in file.read_bytes() for file in tmp_path.iterdir())
        assert memory.forget(uid, erase=True).state == "done"
        memory.checkpoint()
        assert memory.verify().ok
        assert uid not in [hit.uid for hit in memory.recall(None, 10, vector=secret)]
    assert not any(raw in file.read_bytes() for file in tmp_path.iterdir())


def test_a_namespace_keeps_the_form_of_its_first_vectors(tmp_path: Path) -> None:
    with opened(tmp_path / "a.rcl", "f16") as memory:
        small = memory.namespace("small", keep="int8")
        assert small.stats()["keep"] is None
        small.add("no vector yet")
        late = memory.namespace("small", keep="f16")
        filled(small, 20)
        filled(memory, 20)
        filled(memory.namespace("small", "below"), 20)
        found = {path: memory.namespace(*path).stats()["keep"] for path in memory.namespaces()}
        assert found == {("small",): "int8", ("small", "below"): "f16"}
        assert memory.stats()["keep"] == "f16"
        way_out = "keep: the vectors of this namespace are kept as int8; .* export .* import .* keeps f16"
        with pytest.raises(InvalidArgument, match=way_out):
            late.add("too late", vector=rows(1)[0])
        with pytest.raises(InvalidArgument, match=way_out):
            memory.namespace("small", keep="f16")
        assert memory.namespace("small", keep="int8").count() == 21
        # All of them are read as one.
        hits = memory.recall(None, 60, vector=rows(1)[0], scope="below")
        assert len(hits) == 60


def test_wrong_words_are_refused_by_name(tmp_path: Path) -> None:
    for value, error in ((cast(Any, "f64"), InvalidArgument), (cast(Any, 8), WrongType)):
        with pytest.raises(error, match="keep: expected one of f32, f16, int8"):
            recollect.open(tmp_path / "a.rcl", keep=value)
        with recollect.open() as memory, pytest.raises(error, match="keep: expected one of f32, f16, int8"):
            memory.namespace("a", keep=value)
    assert not (tmp_path / "a.rcl").exists()


@pytest.mark.parametrize("keep", SMALLER)
def test_bad_vectors_write_nothing(keep: Keep) -> None:
    bad = rows(3)
    bad[1, 4] = np.nan
    with opened(None, keep, "dot") as memory:
        with pytest.raises(InvalidArgument, match=r"vectors\[1\]"):
            memory.add_many(["a", "b", "c"], vectors=bad)
        with pytest.raises(DimensionMismatch, match="vector"):
            memory.add("a", vector=[1.0, 2.0])
        bad[1, 4] = 70_000
        if keep == "f16":
            with pytest.raises(
                InvalidArgument, match=r"vectors\[1\]: component 4 is beyond 65504.*keep f32 or int8"
            ):
                memory.add_many(["a", "b", "c"], vectors=bad)
            assert memory.count() == memory.stats()["vectors"] == 0
            bad[1, 4] = 65_504
        memory.add_many(["a", "b", "c"], vectors=bad)
        assert memory.stats()["vectors"] == 3


@pytest.mark.parametrize("keep", SMALLER)
def test_any_length_and_none_under_the_cosine(keep: Keep) -> None:
    with recollect.open(keep=keep) as memory:
        huge = memory.add("huge", vector=np.array([3e38, 0, 1e38], dtype=np.float32)).uid
        tiny = memory.add("tiny", vector=np.array([0, 1e-42, 0], dtype=np.float32)).uid
        none = memory.add("none", vector=np.zeros(3, dtype=np.float32)).uid
        assert np.abs(np.linalg.norm(memory.vectors(huge)[0]) - 1) < 5e-4
        assert memory.vectors(tiny)[0].tolist() == pytest.approx([0, 1, 0], abs=1e-6)
        assert memory.vectors(none).tolist() == [[0, 0, 0]]
        assert memory.recall(None, 1, vector=[0.0, 5.0, 0.0])[0].uid == tiny


def test_each_form_is_smaller_than_the_one_before(tmp_path: Path) -> None:
    found = []
    for keep in FORMS:
        with opened(tmp_path / f"{keep}.rcl", keep) as memory:
            filled(memory, 3000)
            memory.checkpoint()
            stats = memory.stats()
            own = sum(stats[f"{part}_bytes"] for part in ("vector", "lexical", "entry", "graph"))
            assert stats["bytes_per_memory"] == own // 3000
            assert stats["keep"] == keep
            found.append((stats["bytes_per_memory"], stats["store"]["bytes_on_disk"]))
    assert found == sorted(found, reverse=True)
    assert [disk for _, disk in found] == sorted({disk for _, disk in found}, reverse=True)
