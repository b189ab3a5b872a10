"""Every value is either kept exactly or refused before anything is written, naming the argument."""

import math
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import recollect
from recollect import Memory
from recollect.errors import (
    DimensionMismatch,
    InvalidArgument,
    LimitExceeded,
    RecollectError,
    UnknownMemory,
    WrongType,
)
from tests.trust.refusal import check_refused, deep
from tests.trust.workload import embedder

NAN, INF = math.nan, math.inf


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Memory]:
    with recollect.open(
        tmp_path_factory.mktemp("hostile") / "a.rcl", embedder=embedder, durability="normal"
    ) as memory:
        memory.add("sound")
        yield memory


def good(dim: int = 16) -> np.ndarray:
    return np.ones(dim, np.float32)


def rows(count: int, **changes: Any) -> np.ndarray:
    matrix = np.ones((count, 16), np.float32)
    for where, value in changes.items():
        matrix[int(where[1:])] = value
    return matrix


VECTORS: dict[str, tuple[Any, type | tuple[type, ...]]] = {
    "nan": (np.full(16, NAN, np.float32), InvalidArgument),
    "infinite": (np.full(16, INF, np.float32), InvalidArgument),
    "minus infinite": (np.full(16, -INF), InvalidArgument),
    "one nan": ([1.0] * 15 + [NAN], InvalidArgument),
    "overflows float32": (np.full(16, 1e300), InvalidArgument),
    "too short": (good(15), DimensionMismatch),
    "too long": (good(17), DimensionMismatch),
    "empty": (np.empty(0, np.float32), InvalidArgument),
    "huge": (np.ones(1_000_000, np.float32), InvalidArgument),
    "0-d": (np.float32(1), InvalidArgument),
    "3-d": (np.ones((1, 1, 16), np.float32), InvalidArgument),
    "complex": (np.ones(16, np.complex64), WrongType),
    "objects": (np.array([object()] * 16), WrongType),
    "text": ("a vector", WrongType),
    "texts": (["a"] * 16, WrongType),
    "bools": (np.ones(16, np.bool_), WrongType),
    "bytes": (b"\0" * 64, WrongType),
    "dates": (np.zeros(16, "datetime64[us]"), WrongType),
    "ragged": ([[1.0] * 16, [1.0] * 15], InvalidArgument),
}


@pytest.mark.parametrize("case", VECTORS)
def test_a_bad_vector_ischeck_refused(shared: Memory, case: str) -> None:
    value, error = VECTORS[case]
    check_refused(shared, lambda memory: memory.add("with a vector", vector=value), error, "vector")
    with pytest.raises(error, match="vector"):
        shared.recall("sound", vector=value)


def test_a_bad_vector_of_many_is_named_by_its_index(shared: Memory) -> None:
    texts = ["a", "b", "c", "d", "e"]
    check_refused(shared, lambda m: m.add_many(texts, vectors=rows(5, r3=NAN)), InvalidArgument, "vectors[3]")
    check_refused(shared, lambda m: m.add_many(texts, vectors=rows(4)), InvalidArgument, "vectors")
    check_refused(
        shared, lambda m: m.add_many(texts, vectors=[good()] * 4 + [good(15)]), InvalidArgument, "vectors[4]"
    )
    check_refused(
        shared,
        lambda m: m.add_many(texts, vectors=[good()] * 4 + [good() * INF]),
        InvalidArgument,
        "vectors[4]",
    )


SAME_VECTOR = {
    "float64": lambda v: v.astype(np.float64),
    "float16": lambda v: v.astype(np.float16).astype(np.float32),
    "big-endian": lambda v: v.astype(">f4"),
    "every other one": lambda v: np.repeat(v, 2)[::2],
    "backwards": lambda v: v[::-1].copy()[::-1],
    "read-only": lambda v: np.frombuffer(v.tobytes(), np.float32),
    "one row": lambda v: v.reshape(1, -1),
    "a column": lambda v: np.asfortranarray(np.stack([v, v]))[0],
    "a list": lambda v: v.tolist(),
    "a tuple": lambda v: tuple(v.tolist()),
}


@pytest.mark.parametrize("form", SAME_VECTOR)
def test_every_form_of_a_vector_is_the_same_vector(form: str) -> None:
    vector = np.float16(np.sin(np.arange(16))).astype(np.float32)
    with recollect.open(embedder=embedder) as memory:
        memory.add("plain", vector=vector)
        memory.add("formed", vector=SAME_VECTOR[form](vector))
        memory.add("other", vector=-vector)
        for asked in (vector, SAME_VECTOR[form](vector)):
            hits = memory.recall(None, vector=asked, signals=("vectors",), k=3)
            scores = {
                hit.text: signal.score for hit in hits for signal in hit.signals if signal.name == "vectors"
            }
            assert scores["plain"] == scores["formed"] == pytest.approx(1.0, abs=1e-3)
            assert scores.get("other", -1) < 0


def test_edge_vectors_are_kept_without_nan(tmp_path: Path) -> None:
    edges = {
        "zero": np.zeros(16),
        "minus zero": -np.zeros(16),
        "subnormal": np.full(16, 1e-45),
        "tiny": np.full(16, 1e-38),
        "huge": np.full(16, 3e38),
        "mixed": np.array([3e38, 1e-45] * 8),
    }
    path = tmp_path / "a.rcl"
    with recollect.open(path, embedder=embedder) as memory:
        for text, vector in edges.items():
            memory.add(text, vector=vector.astype(np.float32))
    with recollect.open(path, embedder=embedder) as memory:
        assert memory.verify().ok
        for vector in edges.values():
            for hit in memory.recall("zero", vector=vector.astype(np.float32), k=10):
                assert math.isfinite(hit.score)
                assert all(math.isfinite(signal.score) for signal in hit.signals)


@pytest.mark.parametrize(
    ("call", "error", "named"),
    [
        (lambda m: m.add(None), WrongType, "text"),
        (lambda m: m.add(b"bytes"), WrongType, "text"),
        (lambda m: m.add(1), WrongType, "text"),
        (lambda m: m.add(["a"]), WrongType, "text"),
        (lambda m: m.add_many("abc"), WrongType, "texts"),
        (lambda m: m.add_many(["a", None]), WrongType, "texts[1]"),
        (lambda m: m.add_many(["a", b"b"]), WrongType, "texts[1]"),
        (lambda m: m.add_many(["a", "b"], metadata=[{}, {"x": {1, 2}}]), WrongType, "metadata"),
        (lambda m: m.add_many(["a", "b"], keys=["one"]), InvalidArgument, "keys"),
        (lambda m: m.add_many(["a", "b"], importance=[0.5]), InvalidArgument, "importance"),
        (lambda m: m.add_many(["a", "b"], at=["2026-01-01"]), InvalidArgument, "at"),
        (lambda m: m.add("a", kind="dream"), InvalidArgument, "kind"),
        (lambda m: m.add("a", kind=1), WrongType, "kind"),
        (lambda m: m.add("a", importance=1.5), InvalidArgument, "importance"),
        (lambda m: m.add("a", importance=-0.1), InvalidArgument, "importance"),
        (lambda m: m.add("a", importance=NAN), InvalidArgument, "importance"),
        (lambda m: m.add("a", importance="high"), WrongType, "importance"),
        (lambda m: m.add("a", importance=True), WrongType, "importance"),
        (lambda m: m.add("a", confidence=INF), InvalidArgument, "confidence"),
        (lambda m: m.add("a", trust=2), InvalidArgument, "trust"),
        (lambda m: m.add("a", turn=True), WrongType, "turn"),
        (lambda m: m.add("a", turn=1.5), WrongType, "turn"),
        (lambda m: m.add("a", turn=1 << 63), LimitExceeded, "turn"),
        (lambda m: m.add("a", ttl=0), InvalidArgument, "ttl"),
        (lambda m: m.add("a", ttl=-1), InvalidArgument, "ttl"),
        (lambda m: m.add("a", ttl=NAN), InvalidArgument, "ttl"),
        (lambda m: m.add("a", ttl=INF), InvalidArgument, "ttl"),
        (lambda m: m.add("a", ttl=timedelta.max), InvalidArgument, "ttl"),
        (lambda m: m.add("a", ttl="a day"), WrongType, "ttl"),
        (lambda m: m.add("a", metadata=[1]), WrongType, "metadata"),
        (lambda m: m.add("a", metadata={"x": NAN}), InvalidArgument, "metadata.x"),
        (lambda m: m.add("a", metadata={"x": [1, {"y": INF}]}), InvalidArgument, "metadata.x[1].y"),
        (lambda m: m.add("a", metadata={1: "x"}), WrongType, "metadata"),
        (lambda m: m.add("a", metadata={"x": object()}), WrongType, "metadata.x"),
        (lambda m: m.add("a", metadata={"x": b"y"}), WrongType, "metadata.x"),
        (lambda m: m.add("a", metadata={"x": 1 << 70}), LimitExceeded, "metadata.x"),
        (lambda m: m.add("a", metadata=deep(5000)), LimitExceeded, "metadata"),
        (lambda m: m.add("a", metadata=cycle()), LimitExceeded, "metadata"),
        (lambda m: m.add("a", tags="one"), WrongType, "tags"),
        (lambda m: m.add("a", tags=[1]), WrongType, "tags[0]"),
        (lambda m: m.add("a", parents=["no such uid"]), RecollectError, "parents"),
        (lambda m: m.add("a", duplicates="maybe"), InvalidArgument, "duplicates"),
        (lambda m: m.update("z" * 32, text="b"), (UnknownMemory, InvalidArgument), ""),
        (lambda m: m.update("0" * 32, text="b"), UnknownMemory, "0" * 32),
        (lambda m: m.update(5, text="b"), WrongType, "uid"),
        (lambda m: m.delete("0" * 32), UnknownMemory, "0" * 32),
        (lambda m: m.delete([m.list()[0].uid, "0" * 32]), UnknownMemory, "0" * 32),
        (lambda m: m.forget("0" * 32, erase=True), UnknownMemory, "0" * 32),
        (lambda m: m.get("0" * 32), UnknownMemory, "0" * 32),
        (lambda m: m.get(m.list()[0].uid, version=99), UnknownMemory, ""),
        (lambda m: m.get(m.list()[0].uid, version=0), RecollectError, ""),
        (lambda m: m.get(m.list()[0].uid, version=True), WrongType, "version"),
        (lambda m: m.recall("a", k=0), InvalidArgument, "k"),
        (lambda m: m.recall("a", k=-1), InvalidArgument, "k"),
        (lambda m: m.recall("a", k=1 << 63), LimitExceeded, "k"),
        (lambda m: m.recall("a", k=True), WrongType, "k"),
        (lambda m: m.recall("a", k=2.0), WrongType, "k"),
        (lambda m: m.recall("a", k="5"), WrongType, "k"),
        (lambda m: m.recall(5), WrongType, "query"),
        (lambda m: m.recall(None), RecollectError, "query"),
        (lambda m: m.recall("a", fusion="magic"), InvalidArgument, "fusion"),
        (lambda m: m.recall("a", fusion="convex", weight=2), InvalidArgument, "weight"),
        (lambda m: m.recall("a", signals=("smell",)), InvalidArgument, "signals"),
        (lambda m: m.recall("a", signals=()), InvalidArgument, "signals"),
        (lambda m: m.recall("a", kinds=["dream"]), InvalidArgument, "kinds"),
        (lambda m: m.recall("a", between=("2026-01-02", "2026-01-01")), InvalidArgument, "between"),
        (lambda m: m.recall("a", between="2026"), RecollectError, "between"),
        (lambda m: m.recall("a", budget=-1), InvalidArgument, "budget"),
        (lambda m: m.list({"$nor": []}), InvalidArgument, "$nor"),
        (lambda m: m.list({"importance": {"$near": 1}}), InvalidArgument, "$near"),
        (lambda m: m.list(filter_of(500)), RecollectError, "filter"),
        (lambda m: m.list([("a", 1)]), WrongType, "filter"),
        (lambda m: m.list({"x": NAN}), InvalidArgument, "filter"),
        (lambda m: m.list({"x": object()}), WrongType, "filter"),
        (lambda m: m.list(order="random"), InvalidArgument, "order"),
        (lambda m: m.list(limit=-1), InvalidArgument, "limit"),
        (lambda m: m.list(limit=True), WrongType, "limit"),
        (lambda m: m.list(offset=-1), InvalidArgument, "offset"),
        (lambda m: m.namespace(""), InvalidArgument, "namespace"),
        (lambda m: m.namespace(1), WrongType, "namespace"),
        (lambda m: m.namespace(*["x"] * 1000).add("a"), RecollectError, "namespace"),
        (lambda m: m.namespace("x" * 100_000).add("a"), RecollectError, "namespace"),
    ],
)
def test_a_value_out_of_its_domain_ischeck_refused(
    shared: Memory, call: Callable[[Memory], object], error: type | tuple[type, ...], named: str
) -> None:
    check_refused(shared, call, error, named)


def cycle() -> dict[str, Any]:
    """A dict that holds itself."""
    own: dict[str, Any] = {}
    own["self"] = own
    return own


def filter_of(levels: int) -> dict[str, Any]:
    """A filter nested so deep."""
    inside: dict[str, Any] = {"kind": "episodic"}
    for _ in range(levels):
        inside = {"$not": inside}
    return inside


@pytest.mark.parametrize("argument", ["at", "until", "now"])
@pytest.mark.parametrize(
    ("value", "error"),
    [
        ("yesterday", InvalidArgument),
        ("2026-13-01", InvalidArgument),
        ("0000-01-01", InvalidArgument),
        (1 << 63, InvalidArgument),
        (-(1 << 63) - 1, InvalidArgument),
        (1 << 62, InvalidArgument),
        (NAN, WrongType),
        (1.5, WrongType),
        (True, WrongType),
        (b"2026-01-01", WrongType),
        (timedelta(1), WrongType),
        (np.datetime64("NaT"), InvalidArgument),
    ],
)
def test_a_bad_time_ischeck_refused(shared: Memory, argument: str, value: object, error: type) -> None:
    extra = {} if argument != "until" else {"at": "2026-01-01"}
    check_refused(shared, lambda memory: memory.add("timed", **{argument: value}, **extra), error, argument)


@pytest.mark.parametrize(
    ("value", "instant"),
    [
        ("2026-03-01T09:30:00Z", datetime(2026, 3, 1, 9, 30, tzinfo=UTC)),
        ("2026-03-01T09:30:00+05:30", datetime(2026, 3, 1, 4, 0, tzinfo=UTC)),
        ("2026-03-01", datetime(2026, 3, 1, tzinfo=UTC)),
        (datetime(2026, 3, 1, 9, 30), datetime(2026, 3, 1, 9, 30, tzinfo=UTC)),
        (
            datetime(2026, 3, 1, 9, 30, tzinfo=timezone(timedelta(hours=-8))),
            datetime(2026, 3, 1, 17, 30, tzinfo=UTC),
        ),
        (datetime(2026, 3, 1, 9, 30, 0, 123_456, UTC), datetime(2026, 3, 1, 9, 30, 0, 123_456, UTC)),
        (date(2026, 3, 1), datetime(2026, 3, 1, tzinfo=UTC)),
        (0, datetime(1970, 1, 1, tzinfo=UTC)),
        (-1, datetime(1969, 12, 31, 23, 59, 59, 999_999, UTC)),
        (datetime.min.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC)),
        (
            datetime.max.replace(tzinfo=UTC) - timedelta(days=1),
            datetime.max.replace(tzinfo=UTC) - timedelta(days=1),
        ),
        (np.datetime64("2026-03-01T09:30"), datetime(2026, 3, 1, 9, 30, tzinfo=UTC)),
    ],
)
def test_a_time_comes_back_as_the_same_instant(shared: Memory, value: object, instant: datetime) -> None:
    outcome = shared.add(f"at {value!r}", at=value)
    record = shared.get(outcome.uid)
    assert record.at == instant
    assert record.at.utcoffset() == timedelta(0)


def test_an_end_before_its_start_ischeck_refused(shared: Memory) -> None:
    check_refused(shared, lambda m: m.add("a", at="2026-01-02", until="2026-01-01"), InvalidArgument, "until")
    check_refused(shared, lambda m: m.add("a", until="2026-01-01"), InvalidArgument, "until")


def test_an_empty_batch_writes_nothing(shared: Memory) -> None:
    before = shared.list()
    assert shared.add_many([]) == []
    assert shared.add_many([], vectors=np.empty((0, 16), np.float32)) == []
    assert shared.delete([]) == []
    assert shared.list() == before


def test_a_key_given_twice_is_one_memory(tmp_path: Path) -> None:
    with recollect.open(tmp_path / "a.rcl") as memory:
        first = memory.add("one", key="k")
        again = memory.add("one", key="k")
        assert (again.uid, memory.count()) == (first.uid, 1)
        two, three = memory.add_many(["two", "three"], keys=["same", "same"])
        assert (two.op, three.op, three.uid) == ("added", "noop", two.uid)
        assert memory.count() == 2


def test_too_much_is_refused_and_names_the_limit(shared: Memory) -> None:
    check_refused(shared, lambda m: m.add("x" * (2 << 20)), LimitExceeded, "text")
    check_refused(shared, lambda m: m.add_many(["a", "x" * (2 << 20)]), LimitExceeded, "texts[1]")
    check_refused(shared, lambda m: m.add("a", metadata={"x": "y" * (1 << 20)}), LimitExceeded, "metadata")
    check_refused(shared, lambda m: m.add("a", key="k" * 100_000), LimitExceeded, "key")


def test_a_message_never_holds_the_text(shared: Memory) -> None:
    secret = "zqxsecret"
    for call in (
        lambda: shared.add(f"{secret} \ud800"),
        lambda: shared.add(secret * 500_000),
        lambda: shared.add(secret, importance=2),
        lambda: shared.add("a", metadata={"x": {secret}}),
        lambda: shared.add_many([secret, None]),
    ):
        with pytest.raises(RecollectError) as raised:
            call()
        assert secret not in str(raised.value)
