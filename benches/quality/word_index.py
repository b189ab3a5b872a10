"""BM25 with an English stemmer and stop words: the plain baseline, written without recollect."""

import re
from collections import Counter

import numpy as np
import numpy.typing as npt
import snowballstemmer

K1, B = 1.2, 0.75

_LUCENE = """
a an and are as at be but by for if in into is it no not of on or such that the their then there these they
this to was will with
"""

STOP_WORDS = frozenset(_LUCENE.split())
"""The list of Lucene."""

_TOKEN = re.compile(r"\b\w\w+\b")
_stemmer = snowballstemmer.stemmer("english")
_stems: dict[str, str] = {}


def terms(text: str) -> list[str]:
    """Return the stems of a text, stop words and single letters left out."""
    found = []
    for word in _TOKEN.findall(text.lower()):
        if word in STOP_WORDS:
            continue
        stem = _stems.get(word)
        if stem is None:
            stem = _stems[word] = _stemmer.stemWord(word)
        found.append(stem)
    return found


class WordIndex:
    """Scores every text of a scope; a term counts as often as the query has it.

    Parameters
    ----------
    texts
        The scope.
    """

    def __init__(self, texts: list[str]) -> None:
        counts = [Counter(terms(text)) for text in texts]
        lengths = np.array([sum(count.values()) for count in counts], dtype=np.float64)
        norm = K1 * (1 - B + B * lengths / max(lengths.mean(), 1e-9))
        listed: dict[str, list[tuple[int, int]]] = {}
        for at, count in enumerate(counts):
            for term, times in count.items():
                listed.setdefault(term, []).append((at, times))
        self._size = len(texts)
        self._postings: dict[str, tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]] = {}
        for term, rows in listed.items():
            where, times = np.array(rows, dtype=np.int64).T
            idf = np.log(1 + (len(texts) - len(rows) + 0.5) / (len(rows) + 0.5))
            self._postings[term] = where, idf * times * (K1 + 1) / (times + norm[where])

    def scores(self, query: str) -> npt.NDArray[np.float64]:
        """Return the score of every text for a query, 0 where no word is shared."""
        total = np.zeros(self._size)
        for term in terms(query):
            if found := self._postings.get(term):
                total[found[0]] += found[1]
        return total
