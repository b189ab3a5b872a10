"""Two models to move between, and what a store shows of its vectors."""

import random
import time
from pathlib import Path

import recollect
from recollect import Embedder, Memory
from recollect.embedding.hashing import HashingEmbedder
from recollect.embedding.protocol import Vectors
from recollect.options import Keep
from tests.conftest import NOON

__all__ = ["Renamed", "best", "filled", "holds", "new_model", "old_model", "texts"]

TOPICS = (
    "harbour",
    "river",
    "lantern",
    "orchard",
    "violet",
    "engine",
    "letter",
    "kitchen",
    "winter",
    "garden",
)


class Renamed(HashingEmbedder):
    """Another model: other name, other dimensions; fails or waits where it is told to."""

    def __init__(self, name: str, dim: int) -> None:
        super().__init__(dim)
        self.name = name
        self.texts: list[str] = []
        self.failing = False
        self.wait = 0.0

    def embed(self, texts: list[str]) -> Vectors:
        """Embed, after it was counted."""
        time.sleep(self.wait)
        if self.failing:
            raise OSError("no route to the model")
        self.texts += texts
        return super().embed([f"{self.name} {text}" for text in texts])


def old_model() -> Renamed:
    """The embedder that stores are written with."""
    return Renamed("old", 48)


def new_model() -> Renamed:
    """The embedder that they move to."""
    return Renamed("new", 32)


def texts(count: int) -> list[str]:
    """Return texts that share words and are all different."""
    dice = random.Random(5)
    return [f"{' '.join(dice.choices(TOPICS, k=4))} number{at}" for at in range(count)]


def filled(path: Path | None, embedder: Embedder | None, count: int = 30, keep: Keep = "f32") -> Memory:
    """Return an open store with memories."""
    memory = recollect.open(path, embedder=embedder, keep=keep, clock=lambda: NOON)
    memory.add_many(texts(count))
    return memory


def best(
    memory: Memory, query: str = "harbour lantern number3", **options: object
) -> list[tuple[str, float]]:
    """Return text and score of the hits by vectors alone."""
    recall = memory.recall(query, k=100, signals=["vectors"], **options)
    return [(hit.text, hit.score) for hit in recall]


def holds(folder: Path, needle: bytes) -> bool:
    """Whether a file holds sixteen bytes in a row of a vector."""
    contents = [file.read_bytes() for file in folder.iterdir() if file.is_file()]
    windows = {needle[at : at + 16] for at in range(0, len(needle) - 15, 4)}
    return any(window in content for content in contents for window in windows)
