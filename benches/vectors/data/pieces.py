"""Sentences of texts, and windows of two and more sentences where there are too few."""

import gzip
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

_END = re.compile(r"(?<=[.!?])\s+|\n+")
_LEAST = 8
_LONGEST = 5
_HELD_BACK = 100


@dataclass(frozen=True, slots=True)
class Pieces:
    """Distinct pieces of texts, and for each the sentence that follows it."""

    texts: list[str]
    next_texts: list[str]


def pieces(folder: Path, count: int) -> tuple[Pieces, Pieces]:
    """Return as many pieces in random order, and the sentences of other texts, held back as queries.

    Whole sentences come before windows; there are fewer pieces if the texts hold fewer.
    """
    texts = [cut for text in _texts(folder) if (cut := _sentences(text))]
    base = [cut for at, cut in enumerate(texts) if at % _HELD_BACK]
    return _pieces(base, count, _LONGEST), _pieces(texts[::_HELD_BACK], count, 1)


def _pieces(texts: Sequence[Sequence[str]], count: int, longest: int) -> Pieces:
    sentences = [sentence for cut in texts for sentence in cut]
    ends = np.repeat(np.cumsum([len(cut) for cut in texts]), [len(cut) for cut in texts]).tolist()
    random = np.random.default_rng(42)
    seen: set[str] = set()
    found, after = [], []
    for length in range(1, longest + 1):
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


def _sentences(text: str) -> list[str]:
    return [part for raw in _END.split(text) if len(part := raw.strip()) >= _LEAST]


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
