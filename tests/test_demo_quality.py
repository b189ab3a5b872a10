"""The demonstration keeps finding what it is asked for."""

from statistics import mean

import pytest

import recollect
from recollect.demo import conversation, questions, recall_at


def ask(embedder: str | None) -> dict[str, list[float]]:
    """Return Recall@5 of every question by category."""
    turns = conversation()
    with recollect.open(embedder=embedder) as memory:
        memory.add_many(
            [turn["text"] for turn in turns],
            at=[turn["at"] for turn in turns],
            speaker=[turn["speaker"] for turn in turns],
            session=[turn["session"] for turn in turns],
            turn=[turn["turn"] for turn in turns],
            duplicates="keep",
        )
        found: dict[str, list[float]] = {}
        for question in questions():
            hits = memory.recall(question.question, 5).hits
            found.setdefault(question.category, []).append(recall_at(5, question, hits))
    return found


def overall(found: dict[str, list[float]]) -> float:
    """Return the mean over all questions."""
    return mean(value for values in found.values() for value in values)


def test_the_data_is_what_it_says() -> None:
    turns, asked = conversation(), questions()
    assert len(turns) >= 300
    assert [turn["turn"] for turn in turns] == list(range(1, len(turns) + 1))
    assert len({turn["session"] for turn in turns}) == 12
    assert [turn["at"] for turn in turns] == sorted(turn["at"] for turn in turns)
    assert len(asked) >= 25
    assert len({question.category for question in asked}) == 5
    assert len({question.question for question in asked}) == len(asked)
    for question in asked:
        assert question.gold
        assert all(piece and max(piece) <= len(turns) for piece in question.gold)


def test_with_the_local_embedder() -> None:
    pytest.importorskip("wordllama")
    assert overall(ask("local")) >= 0.7


def test_by_words_alone() -> None:
    assert overall(ask(None)) >= 0.65
