"""Memories to measure with: made up from a seed, or texts and MiniLM vectors of sets in the common form."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benches.quality.retrieval_set import Array, load, names_in
from benches.quality.word_index import STOP_WORDS

DIM = 384
QUERIES = 200
_WORDS = 60_000
_TOPIC_WORDS = 400
_A_CLUSTER = 50
_START = datetime(2024, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Corpus:
    """Texts with unit vectors, and queries with theirs; speakers, sessions and times as a chat has them."""

    texts: list[str]
    vectors: Array
    queries: list[str]
    query_vectors: Array

    @property
    def speakers(self) -> list[str]:
        """Two who take turns."""
        return ["Ilse" if at % 2 else "Tomas" for at in range(len(self.texts))]

    @property
    def sessions(self) -> list[str]:
        """A session has twenty memories."""
        return [f"s{at // 20}" for at in range(len(self.texts))]

    @property
    def times(self) -> list[datetime]:
        """A session a day, a memory a minute."""
        return [_START + timedelta(days=at // 20, minutes=at % 20) for at in range(len(self.texts))]


def made_up(count: int, seed: int = 42) -> Corpus:
    """Return memories in clusters: some twenty words by Zipf's law, a third of them of a cluster's own."""
    random = np.random.default_rng(seed)
    clusters = max(count // _A_CLUSTER, 1)
    centres = random.standard_normal((clusters, DIM)).astype(np.float32)
    words = _language(random)
    topics = random.integers(300, _WORDS, (clusters, _TOPIC_WORDS))

    def vectors(of: npt.NDArray[np.int64]) -> Array:
        rows: Array = centres[of] + 0.8 * random.standard_normal((len(of), DIM)).astype(np.float32)
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        return rows

    def text(cluster: int, length: int) -> str:
        ranks = (_WORDS ** random.random(length)).astype(int) - 1
        local = topics[cluster, (_TOPIC_WORDS ** random.random(length)).astype(int) - 1]
        chosen = np.where(random.random(length) < 1 / 3, local, ranks)
        return " ".join(words[rank] for rank in chosen)

    members, asked = random.integers(0, clusters, count), random.integers(0, clusters, QUERIES)
    return Corpus(
        [text(cluster, int(random.integers(8, 33))) for cluster in members],
        vectors(members),
        [text(cluster, int(random.integers(4, 10))) for cluster in asked],
        vectors(asked),
    )


def of_sets(folder: Path, count: int) -> Corpus | None:
    """Return as many memories of the sets, in a fixed random order, or None if they hold fewer."""
    sets = [load(folder, name) for name in names_in(folder)]
    texts = [memory["text"] or "-" for one in sets for memory in one.memories]
    if len(texts) < count:
        return None
    random = np.random.default_rng(42)
    kept = random.permutation(len(texts))[:count]
    asked = [query["text"] for one in sets for query in one.queries]
    chosen = random.permutation(len(asked))[:QUERIES]
    return Corpus(
        [texts[at] for at in kept],
        np.concatenate([one.memory_vectors for one in sets])[kept],
        [asked[at] for at in chosen],
        np.concatenate([one.query_vectors for one in sets])[chosen],
    )


def _language(random: np.random.Generator) -> list[str]:
    """Return words by rank: first the stop words, then syllables."""
    syllables = [first + second for first in "bcdfghklmnprstvz" for second in "aeiou"]
    drawn = random.integers(0, len(syllables), (_WORDS, 4))
    lengths = random.integers(2, 5, _WORDS)
    made = ["".join(syllables[at] for at in row[:size]) for row, size in zip(drawn, lengths, strict=True)]
    return (sorted(STOP_WORDS) + made)[:_WORDS]
