"""Vectors out of hashed words: deterministic, no model and no understanding; for tests only."""

import re
from hashlib import blake2b

import numpy as np

from recollect.embedding.protocol import Vectors
from recollect.errors import InvalidArgument

__all__ = ["HashingEmbedder"]

_WORD = re.compile(r"\w+")


class HashingEmbedder:
    """Adds a pseudo-random direction for each word; texts that share words are similar, synonyms are not.

    Parameters
    ----------
    dim
        Components of a vector.
    """

    def __init__(self, dim: int = 64) -> None:
        if dim < 1:
            raise InvalidArgument(f"dim: expected an int above 0, found {dim}")
        self.name = "hashing"
        self.dim = dim
        self.metric = "cosine"

    def embed(self, texts: list[str]) -> Vectors:
        """Return unit rows, float32 ``[len(texts), dim]``; a row of zeros where a text has no word."""
        vectors = np.zeros((len(texts), self.dim), dtype=np.float32)
        for row, text in zip(vectors, texts, strict=True):
            for word in _WORD.findall(text.lower()):
                seed = int.from_bytes(blake2b(word.encode(), digest_size=8).digest(), "little")
                row += np.random.default_rng(seed).standard_normal(self.dim, dtype=np.float32)
            length = float(np.linalg.norm(row))
            if length > 0:
                row /= length
        return vectors
