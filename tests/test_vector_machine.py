"""The vector index against a plain dict, over sequences of calls that Hypothesis invents."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from recollect import VectorIndex
from recollect.errors import InvalidArgument, UnknownMemory

DIM = 3
IDS = st.integers(-3, 12)
# Few different values, so that equal scores are common.
VECTORS = st.lists(st.integers(-2, 2).map(float), min_size=DIM, max_size=DIM)


class Machine(RuleBasedStateMachine):
    """One index and its model."""

    @initialize(
        metric=st.sampled_from(["cosine", "dot", "euclidean"]), keep=st.sampled_from(["f32", "f16", "int8"])
    )
    def start(self, metric: str, keep: str) -> None:
        self.index, self.model, self.next = VectorIndex(DIM, metric, keep), {}, 0

    def prepared(self, vector: list[float]) -> np.ndarray:
        row = np.array(vector)
        norm = np.linalg.norm(row)
        return row / norm if self.index.metric == "cosine" and norm else row

    @rule(items=st.dictionaries(IDS, VECTORS, min_size=1, max_size=5))
    def add(self, items: dict[int, list[float]]) -> None:
        if taken := [id for id in items if id in self.model]:
            with pytest.raises(InvalidArgument, match=f"{taken[0]} is in the index already"):
                self.index.add(list(items.values()), list(items))
            return
        assert self.index.add(list(items.values()), list(items)).tolist() == list(items)
        self.model |= items
        self.next = max([self.next, *(id + 1 for id in items)])

    @rule(vectors=st.lists(VECTORS, min_size=1, max_size=4))
    def add_without_ids(self, vectors: list[list[float]]) -> None:
        ids = list(range(self.next, self.next + len(vectors)))
        assert self.index.add(vectors).tolist() == ids
        self.model |= dict(zip(ids, vectors, strict=True))
        self.next += len(vectors)

    @rule(items=st.dictionaries(IDS, VECTORS, min_size=1, max_size=3), known=st.booleans())
    def update(self, items: dict[int, list[float]], known: bool) -> None:
        if known:
            items = {id: vector for id, vector in items.items() if id in self.model}
        if not items:
            return
        if set(items) <= set(self.model):
            self.index.update(list(items), list(items.values()))
            self.model |= items
        else:
            with pytest.raises(UnknownMemory):
                self.index.update(list(items), list(items.values()))

    @rule(ids=st.lists(IDS, min_size=1, max_size=4, unique=True), known=st.booleans())
    def remove(self, ids: list[int], known: bool) -> None:
        if known:
            ids = [id for id in ids if id in self.model]
        if set(ids) <= set(self.model):
            assert self.index.remove(ids) == len(ids)
            for id in ids:
                del self.model[id]
        else:
            with pytest.raises(UnknownMemory):
                self.index.remove(ids)

    @rule()
    def reload(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "index"
            self.index.save(path)
            self.index = VectorIndex.load(path)

    @rule(
        query=VECTORS,
        k=st.integers(1, 20),
        wanted=st.sampled_from([None, 0.5, 1.0]),
        allow=st.none() | st.lists(IDS, max_size=8),
    )
    def search(self, query: list[float], k: int, wanted: float | None, allow: list[int] | None) -> None:
        ids = [id for id in self.model if allow is None or id in allow]
        asked = self.prepared(query)

        def score(id: int) -> float:
            row = self.prepared(self.model[id])
            return (
                -float(((row - asked) ** 2).sum()) if self.index.metric == "euclidean" else float(row @ asked)
            )

        found, scores = self.index.search(query, k, wanted, allow)
        assert set(found.tolist()) <= set(ids)
        assert len(set(found.tolist())) == len(found) == min(k, len(ids))
        # What is kept in fewer bits scores a little differently.
        close = {"f32": 1e-5, "f16": 2e-2, "int8": 0.1}[self.index.keep]
        assert scores.tolist() == pytest.approx([score(id) for id in found.tolist()], abs=close)
        assert scores.tolist() == pytest.approx(sorted(map(score, ids), reverse=True)[:k], abs=close)

    @invariant()
    def they_hold_the_same(self) -> None:
        if not hasattr(self, "index"):
            return
        assert len(self.index) == len(self.model)
        assert self.index.ids().tolist() == sorted(self.model)
        assert all((id in self.index) == (id in self.model) for id in range(-4, 14))


Machine.TestCase.settings = settings(max_examples=50, stateful_step_count=25, deadline=None)
TestVectorIndex = Machine.TestCase
