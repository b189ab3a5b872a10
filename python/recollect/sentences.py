"""The sentences that say most of a text: cut where sentences end, central ones chosen, none said twice.

>>> from recollect.sentences import split
>>> split("Dr. Maes called at 9.30 a.m. on Monday. Could we come? We could!")
['Dr. Maes called at 9.30 a.m. on Monday.', 'Could we come?', 'We could!']
"""

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Candidate", "central", "split"]

_END = re.compile(r"[.!?…]+[\"'”’»)\]]*(?=\s|$)|[。！？]+[」』”）]*|\n+")
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_ABBREVIATIONS = _set(
    "dr mr mrs ms prof st sr jr vs etc e.g i.e cf approx no nr fig al dept est inc ltd co corp gen rep sen "
    "col capt lt sgt jan feb mar apr jun jul aug sep sept oct nov dec mon tue tues wed thu thur thurs fri "
    "sat sun a.m p.m u.s u.k ca bv bzw usw z.b d.h"
)
# Those after which a sentence often ends all the same: what follows decides.
_MAY_END = _set("etc a.m p.m inc ltd co corp al u.s u.k usw no mon tue wed thu fri sat sun")
_STOP = _set(
    "a an and are as at be been but by can could did do does for from had has have he her hers him his i if "
    "in into is it its just me my no not of on or our she so some than that the their them then there they "
    "this to too up us was we were what when where which who will with would you your"
)


def split(text: str) -> list[str]:
    """Return the sentences of a text, as they stand in it without the space around them.

    Abbreviations, initials, numbers and a small letter after the full stop do not end a sentence; a line
    does.
    """
    found, start = [], 0
    for match in _END.finditer(text):
        if match.group()[0] == "." and not _ends(text, start, match):
            continue
        found.append(text[start : match.end()].strip())
        start = match.end()
    found.append(text[start:].strip())
    return [sentence for sentence in found if _WORD.search(sentence)]


def _ends(text: str, start: int, match: re.Match[str]) -> bool:
    """Return whether a full stop ends the sentence that began at `start`."""
    rest = text[match.end() :].lstrip(" \t")
    before = text[start : match.start()].rsplit(None, 1)
    word = before[-1].strip("(\"'“‘") if before else ""
    if rest[:1].islower():
        return False
    if word.lower() in _ABBREVIATIONS:
        return word.lower() in _MAY_END and rest[:1].isupper()
    # An initial, or the number of an item of a list.
    initial = len(word) == 1 and word.isalpha() and word.isupper() and word != "I"
    item = word.isdigit() and not text[start : match.start()].strip()[: -len(word)]
    return not (initial or item)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence that may be chosen: the memory it is from, its time, how much that matters, its vector."""

    text: str
    source: str
    at: int
    weight: float = 0.5
    vector: npt.NDArray[np.float32] | None = None


def central(
    candidates: Sequence[Candidate],
    *,
    tokens: int,
    count: Callable[[str], int],
    most: int = 8,
    share: float = 0.5,
    diversity: float = 0.4,
) -> list[Candidate]:
    """Return the sentences nearest to what all of them speak of, in order of time, each unlike the others.

    A sentence is as central as the cosine of its words to those of all, rare words counting more (the
    centroid of MEAD, Radev et al., 2004), and as the cosine of the vector of its memory to the mean of all.
    They are chosen by maximal marginal relevance (Carbonell and Goldstein, 1998).

    Parameters
    ----------
    candidates
        In any order; the same ones give the same answer.
    tokens, count
        The budget, and what counts the tokens of a text. The most central one comes in any case, if it fits.
    most
        Sentences at most.
    share
        Of the vectors beside the words.
    diversity
        What likeness to a chosen sentence takes away.
    """
    order = sorted(candidates, key=lambda one: (one.at, one.source, one.text))
    terms = [Counter(_terms(one.text)) for one in order]
    spread = Counter(term for one in terms for term in one)
    rare = {term: math.log1p(len(order) / times) for term, times in spread.items()}
    words = [
        _unit({term: (1 + math.log(n)) * rare[term] for term, n in sorted(one.items())}) for one in terms
    ]
    topic = _unit(_total(words))
    scores = [_dot(one, topic) for one in words]
    pointed = _centrality(order)
    relevance = [
        ((1 - share) * score + share * near if near is not None else score)
        * (0.5 + one.weight)
        * min(1.0, (1 + len(own)) / 4)
        * (0.8 if one.text.rstrip("\"'”’)").endswith(("?", "？")) else 1.0)
        for one, own, score, near in zip(order, terms, scores, pointed, strict=True)
    ]
    chosen: list[int] = []
    likeness = [0.0] * len(order)
    left = tokens
    rest = set(range(len(order)))
    while rest and len(chosen) < most:
        best = max(rest, key=lambda at: (relevance[at] - diversity * likeness[at], -at))
        rest.remove(best)
        # What says nothing that was not said does not come at all.
        if likeness[best] > 0.8 or count(order[best].text) > left:
            continue
        if chosen and relevance[best] - diversity * likeness[best] <= 0:
            break
        chosen.append(best)
        left -= count(order[best].text)
        for at in rest:
            likeness[at] = max(likeness[at], _dot(words[at], words[best]))
    return [order[at] for at in sorted(chosen)]


def _terms(text: str) -> list[str]:
    found = [word.lower() for word in _WORD.findall(text)]
    return [word for word in found if word not in _STOP] or found


def _unit(weights: dict[str, float]) -> dict[str, float]:
    norm = math.sqrt(sum(x * x for x in weights.values())) or 1.0
    return {term: x / norm for term, x in weights.items()}


def _total(all_weights: Sequence[dict[str, float]]) -> dict[str, float]:
    total: dict[str, float] = {}
    for weights in all_weights:
        for term, x in weights.items():
            total[term] = total.get(term, 0.0) + x
    return total


def _dot(a: dict[str, float], b: dict[str, float]) -> float:
    small, large = (a, b) if len(a) <= len(b) else (b, a)
    return sum(x * large.get(term, 0.0) for term, x in small.items())


def _centrality(order: Sequence[Candidate]) -> list[float | None]:
    rows = [one.vector for one in order if one.vector is not None and one.vector.any()]
    if not rows:
        return [None] * len(order)
    mean = np.mean([row / np.linalg.norm(row) for row in rows], axis=0)
    norm = float(np.linalg.norm(mean))
    if norm == 0.0:
        return [None] * len(order)
    return [
        None
        if one.vector is None or not one.vector.any()
        else float(one.vector @ mean) / (norm * float(np.linalg.norm(one.vector)))
        for one in order
    ]
