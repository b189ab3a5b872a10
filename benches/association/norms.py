"""Free association norms as a network of words, with questions whose links were taken out of it."""

import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benches.quality.retrieval_set import Array, load

Ids = npt.NDArray[np.int64]
Scores = npt.NDArray[np.float64]
"""``[n]``: one number for each word, larger is better."""

SET = "usf"

KINDS = {
    "held-out-associate": "usf",
    "missing-link-EAT": "usf/other people",
    "rat-bowden": "usf/remote associates",
    "rat-smith": "usf/remote associates",
}
"""Categories of questions, and the part of the results that they count in."""

SHARED = "usf/remote associates"
"""The part in which what a cue is linked to is an answer; elsewhere only what is new is."""


@dataclass(frozen=True, slots=True)
class Question:
    """Cues, and what they call to mind.

    Parameters
    ----------
    part
        The part of the results that it counts in.
    text
        The cues as a text.
    cues, gold
        Positions of words.
    """

    part: str
    text: str
    cues: tuple[int, ...]
    gold: frozenset[int]


@dataclass(frozen=True, slots=True)
class WordPair:
    """Two words, and how alike or related people found them, on the scale of their data set."""

    dataset: str
    ends: tuple[int, int]
    rating: float


@dataclass(frozen=True, slots=True)
class Norms:
    """Words and how many of the people who got one answered with another.

    Parameters
    ----------
    words
        Texts; what follows counts them from 0.
    src, dst, strength
        ``[m]``: links from a cue to an associate, and the share of people who gave it.
    questions, pairs
        What is asked.
    word_vectors, question_vectors
        MiniLM, unit rows float32 ``[n, d]`` and ``[questions, d]``.
    """

    words: list[str]
    src: Ids
    dst: Ids
    strength: Scores
    questions: list[Question]
    pairs: list[WordPair]
    word_vectors: Array
    question_vectors: Array

    def asked(self) -> list[int]:
        """Return the words that are a cue of some question or part of a pair, sorted."""
        cues = {cue for question in self.questions for cue in question.cues}
        return sorted(cues | {end for pair in self.pairs for end in pair.ends})

    def open_to(self, question: Question) -> Ids:
        """Return the words that may be answers: no cues, and no associates that the network already has."""
        candidates = np.ones(len(self.words), dtype=bool)
        cues = np.array(question.cues, dtype=np.int64)
        candidates[cues] = False
        if question.part != SHARED:
            candidates[self.dst[np.isin(self.src, cues)]] = False
        return np.flatnonzero(candidates)


def read(folder: Path) -> Norms:
    """Read the set out of a folder of sets; pairs with a word that the network lacks are left out."""
    data = load(folder, SET)
    number = {str(memory["text"]): at for at, memory in enumerate(data.memories)}
    links = [
        (at, number[other], share)
        for at, memory in enumerate(data.memories)
        for other, share in memory["links"]
    ]
    questions = [
        Question(
            KINDS[query["category"]],
            query["text"],
            tuple(number[cue] for cue in query["cues"] if cue in number),
            gold,
        )
        for query, gold in zip(data.queries, data.gold, strict=True)
    ]
    return Norms(
        list(number),
        np.array([link[0] for link in links], dtype=np.int64),
        np.array([link[1] for link in links], dtype=np.int64),
        np.array([link[2] for link in links], dtype=np.float64),
        questions,
        list(_pairs(folder / SET / "wordpairs.jsonl.gz", number)),
        data.memory_vectors,
        data.query_vectors,
    )


def _pairs(path: Path, number: Mapping[str, int]) -> Iterator[WordPair]:
    if not path.is_file():
        return
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            row: dict[str, Any] = json.loads(line)
            if row["a"] in number and row["b"] in number:
                yield WordPair(row["dataset"], (number[row["a"]], number[row["b"]]), float(row["rating"]))
