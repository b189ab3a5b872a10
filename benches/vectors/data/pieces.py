"""Sentences of texts, and windows of two and more sentences where there are too few."""

import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

_END = re.compile(r"(?<=[.!?])\s+|\n+")
_LEAST = 8
_LONGEST = 5


@dataclass(frozen=True, slots=True)
class Pieces:
    """Distinct pieces of texts, and for each the sentence that follows it."""

    texts: list[str]
    next_texts: list[str]


def pieces(folder: Path, count: int) -> Pieces:
    """Return as many pieces in random order, sentences before windows; fewer if the texts hold fewer."""
    sentences: list[str] = []
    ends: list[int] = []  # for each sentence, where those of its text end
    for text in _texts(folder):
        cut = [part for raw in _END.split(text) if len(part := raw.strip()) >= _LEAST]
        sentences += cut
        ends += [len(sentences)] * len(cut)
    random = np.random.default_rng(42)
    seen: set[str] = set()
    found, after = [], []
    for length in range(1, _LONGEST + 1):
        for start in random.permutation(len(sentences)).tolist():
            stop = start + length
            if len(found) == count:
                return Pieces(found, after)
            if stop <= ends[start]:
                piece = " ".join(sentences[start:stop])
                if piece not in seen:
                    seen.add(piece)
                    found.append(piece)
                    after.append(sentences[stop % len(sentences)])
    return Pieces(found, after)


def questions(folder: Path) -> Pieces:
    """Return the queries of all sets, each with the one that follows it."""
    texts = [text for path in sorted(folder.glob("*/queries.jsonl.gz")) for text in _lines(path)]
    return Pieces(texts, texts[1:] + texts[:1])


def _texts(folder: Path) -> Iterator[str]:
    seen: set[str] = set()
    for path in sorted(folder.glob("*/*.jsonl.gz")):
        if not path.name.startswith("queries"):
            for text in _lines(path):
                if text not in seen:
                    seen.add(text)
                    yield text


def _lines(path: Path) -> Iterator[str]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            if text := json.loads(line).get("text"):
                yield text
