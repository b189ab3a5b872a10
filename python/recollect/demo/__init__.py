"""A conversation of five months between invented people, and questions about it.

`conversation.jsonl` has one turn a line (``turn, session, at, speaker, text``). `questions.jsonl` has one
question a line: ``question``, ``category``, ``answer``, and ``gold``: the pieces of evidence, each a list of
the turns that state it. Recall@k of a question is the share of its pieces of which some turn is among the
first k hits.
"""

import json
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from recollect.records import Hit

__all__ = ["Question", "conversation", "questions", "recall_at"]


@dataclass(frozen=True, slots=True)
class Question:
    """One question about the conversation."""

    question: str
    category: str
    """``fact``, ``temporal``, ``preference``, ``multi-session`` or ``changed-fact``."""
    answer: str
    gold: tuple[frozenset[int], ...]
    """For each piece of evidence, the turns that state it."""


def _lines(name: str) -> list[dict[str, Any]]:
    text = files(__name__).joinpath(name).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def conversation() -> list[dict[str, Any]]:
    """Return the turns, each with ``turn``, ``session``, ``at``, ``speaker`` and ``text``."""
    return _lines("conversation.jsonl")


def questions() -> list[Question]:
    """Return the questions."""
    return [
        Question(line["question"], line["category"], line["answer"], tuple(map(frozenset, line["gold"])))
        for line in _lines("questions.jsonl")
    ]


def recall_at(k: int, question: Question, hits: "tuple[Hit, ...]") -> float:
    """Return the share of the evidence that is among the first `k` hits."""
    found = {hit.record.turn for hit in hits[:k]}
    return sum(not piece.isdisjoint(found) for piece in question.gold) / len(question.gold)
