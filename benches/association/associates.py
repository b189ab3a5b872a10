"""Associates of cues through ``recollect.Graph``: activation, similarity and base level, added as logarithms.

======================================================  =======  =======  ====================================
term                                                    restart  weight   why
======================================================  =======  =======  ====================================
ln of activation along links both ways, summed by cue   0.5      1        what cues share has some of each
ln of activation along links from a cue, summed by cue  0.75     0.5      the way that people answered counts
cosine with the cues as one text                                 6        similar words come to mind together
ln of the weight of all links into the word                      0.25     base level: what is said often
======================================================  =======  =======  ====================================

Adding logarithms multiplies: channels and cues have to agree, where in a sum one of them can win alone. A
link weighs the square root of its strength, so that a cue's first answer does not drown the others.
"""

import numpy as np
import numpy.typing as npt

from benches.association.norms import Norms, Question, Scores, WordPair
from recollect import Graph

CHANNELS = (("both", 0.5, 1.0), ("out", 0.75, 0.5))
"""Direction, restart and weight of each spreading."""

COSINE = 6.0
BASE_LEVEL = 0.25
UNSEEN = 1e-5
"""Activation that every word has at least; also the `epsilon` of the search."""

_REACH = 1000
_ONE_PERSON = 0.1
"""Weight of an answer of one in a hundred: nobody gave a word, but somebody might."""


class Associates:
    """A memory graph of the norms, asked through its public interface.

    Parameters
    ----------
    norms
        The network, and the words that will be asked for.
    """

    def __init__(self, norms: Norms) -> None:
        self._size = len(norms.words)
        self._graph = Graph()
        self._graph.add_nodes(np.arange(self._size))
        self._graph.link_many(norms.src, norms.dst, "evokes", weight=np.sqrt(norms.strength))
        into = [sum(edge.weight for edge in self._graph.edges(word, "in")) for word in range(self._size)]
        self._base_level = np.log(_ONE_PERSON + np.array(into))
        asked = norms.asked()
        self._evidence = np.zeros((len(asked), self._size), dtype=np.float32)
        self._row = {word: row for row, word in enumerate(asked)}
        for direction, restart, weight in CHANNELS:
            self._add(asked, direction, restart, weight)

    def scores(self, question: Question, cosines: Scores | None) -> Scores:
        """Return how strongly the cues together call each word to mind.

        Parameters
        ----------
        question
            What is asked.
        cosines
            ``[n]``: how similar each word is to the cues, or None to do without.
        """
        total = BASE_LEVEL * self._base_level
        total += self._evidence[[self._row[cue] for cue in question.cues]].sum(axis=0)
        return total if cosines is None else total + COSINE * cosines

    def relatedness(self, pair: WordPair, cosine: float | None) -> float:
        """Return how related two words are: the mean of both directions, without the base level."""
        there, back = pair.ends
        evidence = (self._evidence[self._row[there], back] + self._evidence[self._row[back], there]) / 2
        return float(evidence if cosine is None else evidence + COSINE * cosine)

    def _add(self, asked: list[int], direction: str, restart: float, weight: float) -> None:
        found = self._graph.activate_many(
            [[word] for word in asked], _REACH, restart=restart, epsilon=UNSEEN, direction=direction
        )
        for row, activation in zip(self._evidence, found, strict=True):
            activated: npt.NDArray[np.float32] = np.full(self._size, UNSEEN, dtype=np.float32)
            activated[np.array(activation.nodes, dtype=np.int64)] += activation.scores
            row += weight * np.log(activated)
