"""The budget of a recall: never exceeded, spent where the answer is likely, read in order."""

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import recollect
from recollect._native import pack
from recollect.errors import InvalidArgument
from recollect.packing import estimate_tokens, worths

LONG = (
    "Good morning! We adopted a grey cat from the shelter in Oslo last Friday. It slept all day. "
    "How are you? The weather is dull. I baked bread with walnuts and honey for the neighbours."
)
SCORES = st.lists(st.floats(-3, 20, width=32), min_size=1, max_size=11).map(lambda x: sorted(x, reverse=True))


@pytest.fixture
def diary(memory: recollect.Memory) -> recollect.Memory:
    """Return a memory of a diary in no order of time."""
    days = [17, 3, 25, 9, 12, 1, 28, 6]
    memory.add_many(
        [f"{LONG} Day {day} of the diary." for day in days], at=[f"2026-03-{day:02}" for day in days]
    )
    memory.add("The cat is called Biscuit.", kind="semantic", at="2026-04-01")
    return memory


@given(SCORES, st.data(), st.integers(0, 60))
def test_the_packed_hits_are_the_best_that_fit(scores: list[float], data: st.DataObject, budget: int) -> None:
    costs = data.draw(st.lists(st.integers(0, 20), min_size=len(scores), max_size=len(scores)))
    values = worths(scores, costs)
    assert all(value > 0 for value in values)
    kept = pack(values, costs, budget)
    assert sum(costs[at] for at in kept) <= budget
    sets = itertools.chain.from_iterable(
        itertools.combinations(range(len(scores)), n) for n in range(len(scores) + 1)
    )
    best = max(sum(values[at] for at in some) for some in sets if sum(costs[at] for at in some) <= budget)
    assert sum(values[at] for at in kept) == pytest.approx(best, rel=1e-4, abs=1e-6)


def test_the_best_is_not_traded_for_short_ones() -> None:
    scores, costs = [10.0, 4.0, 3.9, 3.8, 3.7, 3.0], [40, 10, 10, 10, 10, 10]
    assert 0 in pack(worths(scores, costs), costs, 45)
    assert 0 not in pack(scores, costs, 45)


@pytest.mark.parametrize("options", [{}, {"extract": True}, {"ordered": True}, {"fusion": "rrf"}])
@pytest.mark.parametrize("budget", [30, 80, 200])
def test_a_budget_is_kept(diary: recollect.Memory, budget: int, options: Any) -> None:
    found = diary.recall("Where does the cat come from?", budget=budget, **options)
    assert found.trace["exhaustive"] is False
    used = sum(estimate_tokens(hit.excerpt) for hit in found)
    assert used == found.trace["budget"]["tokens"] <= budget


def test_a_small_scope_comes_back_whole(memory: recollect.Memory) -> None:
    for number in range(25):
        memory.add_many(
            [f"Talk {number} about bread.", "It was short."], session=f"talk {number}", duplicates="keep"
        )
    found = memory.recall("bread", budget=1000)
    assert found.trace["exhaustive"] is True
    assert len(found) == 50


def test_excerpts_are_word_for_word(diary: recollect.Memory) -> None:
    found = diary.recall("grey cat from the shelter in Oslo", k=4, extract=True)
    hit = next(hit for hit in found if hit.text.startswith("Good morning"))
    sentences = [hit.text[start:end] for start, end in hit.spans]
    assert "We adopted a grey cat from the shelter in Oslo last Friday." in sentences
    assert "How are you?" not in sentences
    assert hit.excerpt == " ".join(sentences)
    assert len(hit.excerpt) < len(hit.text)
    plain = diary.recall("grey cat from the shelter in Oslo", k=4)
    assert [one.uid for one in plain] == [one.uid for one in found]
    assert all(one.excerpt == one.text for one in plain)


def test_excerpts_of_letters_of_several_bytes(memory: recollect.Memory) -> None:
    text = "Ça va très bien. Der Bär schläft in der Höhle am Fluß. Schöne Grüße! Noch ein Satz über Käse."
    memory.add(text)
    (hit,) = memory.recall("Bär Höhle", extract=True)
    assert "Der Bär schläft in der Höhle am Fluß." in [text[start:end] for start, end in hit.spans]


def test_a_budget_holds_more_of_what_is_extracted(diary: recollect.Memory) -> None:
    plain = diary.recall("grey cat from Oslo", budget=120)
    short = diary.recall("grey cat from Oslo", budget=120, extract=True)
    assert len(short) > len(plain)


def test_hits_in_the_order_of_reading(diary: recollect.Memory) -> None:
    found = diary.recall("the cat from the shelter", k=6, ordered=True)
    kinds = [hit.record.kind for hit in found]
    assert kinds == sorted(kinds, key=("semantic", "episodic").index)
    times = [hit.record.at for hit in found if hit.record.kind == "episodic"]
    assert times == sorted(times)  # type: ignore[type-var]
    assert sorted(hit.rank for hit in found) == list(range(1, 7))
    by_score = diary.recall("the cat from the shelter", k=6)
    assert {hit.uid for hit in found} == {hit.uid for hit in by_score}


def test_an_extract_needs_words(diary: recollect.Memory) -> None:
    with pytest.raises(InvalidArgument, match=r"^extract: "):
        diary.recall(None, vector=[1.0] + [0.0] * 63, extract=True)


def test_each_kind_has_its_number(diary: recollect.Memory) -> None:
    diary.add_many([f"Note {at}: the cat likes fish." for at in range(5)], kind="semantic")
    found = diary.recall("the cat from the shelter", budgets={"semantic": 2, "episodic": 3})
    assert [hit.record.kind for hit in found] == ["semantic"] * 2 + ["episodic"] * 3
    assert [hit.rank for hit in found] == [1, 2, 3, 4, 5]
    own = diary.recall("the cat from the shelter", 3, kinds="episodic")
    assert [hit.uid for hit in found[2:]] == [hit.uid for hit in own]
    assert found.trace["budgets"] == {"semantic": {"kept": 2, "of": 2}, "episodic": {"kept": 3, "of": 3}}
    few = diary.recall("the cat", budgets={"core": 3, "semantic": 1})
    assert len(few) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"budgets": {}}, "^budgets: expected at least"),
        ({"budgets": {"dream": 3}}, "^budgets: expected one of"),
        ({"budgets": {"core": 0}}, r"^budgets\['core'\]"),
        ({"budgets": {"core": 1}, "kinds": "core"}, "^kinds: "),
        ({"budgets": {"core": 1}, "budget": 9}, "^budget: "),
    ],
)
def test_numbers_of_kinds_are_checked(diary: recollect.Memory, options: Any, message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        diary.recall("cat", **options)
