"""The ten best words for each question, by every method."""

from collections.abc import Callable, Iterator

import numpy as np

from benches.association.associates import Associates
from benches.association.norms import Ids, Norms, Question, Scores
from benches.association.spreading import Links
from benches.quality.measures import DEPTH
from benches.quality.retrieval_set import Array
from benches.quality.word_index import WordIndex

RRF_K = 60

BASELINES = (
    "direct links",
    "two steps",
    "ppr",
    "bm25",
    "dense(minilm)",
    "dense(static)",
    "rrf(ppr, minilm)",
    "rrf(ppr, static)",
)

RECOLLECT = ("recollect(graph)", "recollect(static)", "recollect(minilm)")

METHODS = BASELINES + RECOLLECT


def rankings(
    norms: Norms, associates: Associates, vectors: dict[str, tuple[Array, Array]]
) -> Iterator[dict[str, list[int]]]:
    """Yield the rankings of a question by the name of the method, for each question.

    Parameters
    ----------
    norms
        What is asked.
    associates
        The graph of these norms.
    vectors
        Unit rows of the words and of the questions, by the name of the embedder.
    """
    texts, links = WordIndex(norms.words), Links(norms)
    for at, question in enumerate(norms.questions):
        found = {
            "direct links": _summed(norms, question, links.direct),
            "two steps": _summed(norms, question, links.two_steps),
            "ppr": _summed(norms, question, links.page_rank),
            "bm25": texts.scores(question.text),
            "recollect(graph)": associates.scores(question, None),
        }
        for name, (of_words, of_questions) in vectors.items():
            cosines = (of_words @ of_questions[at]).astype(np.float64)
            found[f"dense({name})"] = cosines
            found[f"recollect({name})"] = associates.scores(question, cosines)
        candidates = norms.open_to(question)
        scores = {name: values[candidates] for name, values in found.items()}
        for name in vectors:
            scores[f"rrf(ppr, {name})"] = _by_rank(scores["ppr"]) + _by_rank(scores[f"dense({name})"])
        yield {name: best(candidates, scores[name]) for name in METHODS}


def best(candidates: Ids, scores: Scores) -> list[int]:
    """Return the ten best candidates, best first; ties in the order of the file."""
    return [int(word) for word in candidates[np.argsort(-scores, kind="stable")[:DEPTH]]]


def _summed(norms: Norms, question: Question, of_cue: Callable[[int], Scores]) -> Scores:
    total = np.zeros(len(norms.words))
    for cue in question.cues:
        total += of_cue(cue)
    return total


def _by_rank(scores: Scores) -> Scores:
    ranks = np.empty(len(scores))
    ranks[np.argsort(-scores, kind="stable")] = np.arange(1, len(scores) + 1)
    return 1 / (RRF_K + ranks)
