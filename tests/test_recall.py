"""Recall: its order, its reasons, its trace and its budget."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import recollect
from recollect._native import pack
from recollect.embedding.hashing import HashingEmbedder
from recollect.errors import EmbedderMissing, InvalidArgument, WrongType
from recollect.packing import estimate_tokens

NOTES = [
    "The half marathon in Antwerp is on the 26th of April.",
    "Biscuit gets her medicine twice a day.",
    "The medicine for the cat is a gel now.",
    "Pottery class moved to Mondays.",
    "The train leaves Brussels at 6:25.",
]


@pytest.fixture
def filled(memory: recollect.Memory) -> recollect.Memory:
    """Return a memory of five notes."""
    memory.add_many(NOTES, at=[f"2026-01-0{n}" for n in range(1, 6)])
    return memory


def test_the_best_first_with_reasons(filled: recollect.Memory) -> None:
    found = filled.recall("medicine for the cat", k=3)
    assert found[0].text == NOTES[2]
    assert found.query == "medicine for the cat"
    assert [hit.score for hit in found] == sorted((hit.score for hit in found), reverse=True)
    names = {signal.name for hit in found for signal in hit.signals}
    assert names == {"words", "vectors"}
    for signal in found[0].signals:
        assert signal.rank >= 1
        assert np.isfinite([signal.score, signal.share]).all()
    assert found[0].score == pytest.approx(sum(signal.share for signal in found[0].signals), rel=1e-4)


def test_without_explanations(filled: recollect.Memory) -> None:
    plain = filled.recall("medicine", explain=False)
    assert all(hit.signals == () for hit in plain)
    assert [hit.uid for hit in plain] == [hit.uid for hit in filled.recall("medicine")]


def test_without_an_embedder_it_goes_by_words_and_says_so(lexical: recollect.Memory) -> None:
    lexical.add_many(NOTES)
    found = lexical.recall("medicine")
    assert {hit.text for hit in found} == {NOTES[1], NOTES[2]}
    assert found.trace["lexical_only"] == "the store was opened without an embedder"
    assert {signal.name for hit in found for signal in hit.signals} == {"words"}
    with pytest.raises(EmbedderMissing, match="vectors alone"):
        lexical.recall("medicine", signals=("vectors",))


def test_with_an_embedder_it_says_nothing_of_the_kind(filled: recollect.Memory) -> None:
    assert filled.recall("medicine").trace["lexical_only"] is None
    assert filled.recall("medicine", signals=("words",)).trace["lexical_only"] == "signals leaves vectors out"


def test_signals_can_be_chosen(filled: recollect.Memory) -> None:
    for name in ("words", "vectors"):
        found = filled.recall("cat medicine", signals=(name,))
        assert {signal.name for hit in found for signal in hit.signals} == {name}
    vectors = filled.recall("cat medicine", signals=("vectors",))
    assert len(vectors) == len(NOTES)


@pytest.mark.parametrize("fusion", ["adaptive", "rrf", "convex"])
def test_fusions(filled: recollect.Memory, fusion: Any) -> None:
    found = filled.recall("medicine for the cat", fusion=fusion)
    assert found[0].text == NOTES[2]
    assert found.trace["fusion"] == fusion


def test_the_weight_of_the_vectors(filled: recollect.Memory) -> None:
    def order(**options: Any) -> list[str]:
        return [hit.uid for hit in filled.recall("the medicine", **options)]

    words = filled.recall("the medicine", signals=("words",))
    assert order(fusion="convex", weight=1.0) == order(signals=("vectors",))
    assert order(fusion="convex", weight=0.0)[: len(words)] == [hit.uid for hit in words]


def test_a_vector_replaces_the_embedder(filled: recollect.Memory) -> None:
    assert isinstance(filled.embedder, HashingEmbedder)
    vector = filled.embedder.embed([NOTES[3]])[0]
    assert filled.recall(None, k=1, vector=vector)[0].text == NOTES[3]
    assert filled.recall("train", k=1, vector=vector, fusion="convex", weight=1.0)[0].text == NOTES[3]


def test_time_and_kind_narrow_the_search(filled: recollect.Memory) -> None:
    found = filled.recall("medicine", between=("2026-01-03", None))
    assert NOTES[2] in [hit.text for hit in found]
    assert NOTES[1] not in [hit.text for hit in found]
    filled.add("medicine is kept in the drawer", kind="semantic")
    assert [hit.text for hit in filled.recall("medicine", kinds="semantic")] == [
        "medicine is kept in the drawer"
    ]


def test_the_same_question_has_the_same_answer(filled: recollect.Memory) -> None:
    first = filled.recall("the cat in Antwerp")
    for _ in range(3):
        assert filled.recall("the cat in Antwerp") == first


def test_languages(lexical: recollect.Memory) -> None:
    with recollect.open(language=None) as exact:
        for memory in (lexical, exact):
            memory.add("They were running late")
        assert len(lexical.recall("run")) == 1
        assert len(exact.recall("run")) == 0
        assert len(exact.recall("running")) == 1


class TestBudget:
    def test_everything_comes_back_where_it_fits(self, filled: recollect.Memory) -> None:
        found = filled.recall("cat", k=1, budget=1000)
        assert found.trace["exhaustive"] is True
        assert {hit.text for hit in found} == set(NOTES)
        assert [hit.rank for hit in found] == [1, 2, 3, 4, 5]
        assert found.trace["budget"]["tokens"] == sum(map(estimate_tokens, NOTES))

    def test_what_no_signal_found_comes_last(self, lexical: recollect.Memory) -> None:
        lexical.add_many(NOTES, at=[f"2026-01-0{n}" for n in range(1, 6)])
        found = lexical.recall("pottery", budget=1000)
        assert [hit.text for hit in found] == [NOTES[3], NOTES[0], NOTES[1], NOTES[2], NOTES[4]]
        assert (found[1].score, found[1].signals) == (0.0, ())

    def test_else_the_best_that_fit_together(self, filled: recollect.Memory) -> None:
        found = filled.recall("medicine for the cat", budget=25)
        assert found.trace["exhaustive"] is False
        assert sum(estimate_tokens(hit.text) for hit in found) <= 25
        assert found[0].text == NOTES[2]
        assert found.trace["budget"]["kept"] == len(found) > 1

    def test_everything_may_be_more_than_the_store_returns_at_once(self, lexical: recollect.Memory) -> None:
        lexical.add_many([f"note {n}" for n in range(10_050)])
        found = lexical.recall("note", budget=100_000)
        assert len(found) == len({hit.uid for hit in found}) == 10_050
        assert found.trace["exhaustive"] is True

    def test_a_budget_for_nothing(self, filled: recollect.Memory) -> None:
        assert filled.recall("medicine", budget=1).hits == ()

    def test_the_scope_decides_what_everything_is(self, filled: recollect.Memory) -> None:
        filled.namespace("a").add("medicine elsewhere")
        assert len(filled.recall("medicine", budget=1000)) == 5
        assert len(filled.recall("medicine", budget=1000, scope="below")) == 6
        assert len(filled.recall("medicine", budget=1000, scope=[["a"]])) == 1
        assert len(filled.recall("medicine", budget=1000, between=("2026-01-04", None))) == 2

    def test_the_caller_may_count(self, filled: recollect.Memory) -> None:
        found = filled.recall("medicine for the cat", budget=2, count_tokens=lambda text: 1)
        assert len(found) == 2
        for bad in (lambda text: -1, lambda text: 1.5, lambda text: "many"):
            with pytest.raises((InvalidArgument, WrongType), match=r"^count_tokens: must return"):
                filled.recall("cat", budget=5, count_tokens=bad)  # type: ignore[arg-type,return-value]

    @given(
        st.lists(st.tuples(st.floats(0, 1, width=32), st.integers(0, 12)), max_size=10),
        st.integers(0, 40),
    )
    def test_packing_equals_brute_force(self, items: list[tuple[float, int]], budget: int) -> None:
        scores, tokens = [score for score, _ in items], [cost for _, cost in items]
        kept = pack(scores, tokens, budget)
        assert kept == sorted(set(kept))
        assert sum(tokens[at] for at in kept) <= budget
        best = max(
            sum(scores[at] for at in range(len(items)) if mask >> at & 1)
            for mask in range(1 << len(items))
            if sum(tokens[at] for at in range(len(items)) if mask >> at & 1) <= budget
        )
        assert sum(scores[at] for at in kept) == pytest.approx(best, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"query": 3}, WrongType, "^query: "),
        ({"query": "\ud800"}, InvalidArgument, "^query: "),
        ({"query": None}, InvalidArgument, "^query: expected a text"),
        ({"query": ""}, InvalidArgument, "^query: expected a text"),
        ({"query": "x", "k": 0}, InvalidArgument, "^k: "),
        ({"query": "x", "k": 1.0}, WrongType, "^k: "),
        ({"query": "x", "k": True}, WrongType, "^k: "),
        ({"query": "x", "fusion": "magic"}, InvalidArgument, "^fusion: "),
        ({"query": "x", "weight": 0.5}, InvalidArgument, "^weight: only the fusion"),
        ({"query": "x", "fusion": "convex", "weight": 2}, InvalidArgument, "^weight: "),
        ({"query": "x", "signals": ()}, InvalidArgument, "^signals: "),
        ({"query": "x", "signals": "words"}, WrongType, "^signals: "),
        ({"query": "x", "signals": ["smell"]}, InvalidArgument, r"^signals\[0\]: "),
        ({"query": "x", "budget": 0}, InvalidArgument, "^budget: "),
        ({"query": "x", "budget": 5, "count_tokens": 3}, WrongType, "^count_tokens: "),
        ({"query": "x", "kinds": ["dream"]}, InvalidArgument, "^kinds: "),
        ({"query": "x", "vector": [1.0]}, recollect.errors.DimensionMismatch, "^vector: expected 64"),
        ({"query": "x", "vector": np.ones((2, 64))}, InvalidArgument, "^vector: expected the shape"),
        ({"query": "x", "vector": np.ones(64), "signals": ("words",)}, InvalidArgument, "^vector: "),
        ({"query": "x", "scope": "above"}, InvalidArgument, "^scope: "),
        ({"query": "x", "filter": {"a": {"$like": 1}}}, InvalidArgument, "^filter.a"),
    ],
)
def test_bad_arguments(
    filled: recollect.Memory, arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        filled.recall(**arguments)
