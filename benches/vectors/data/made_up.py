"""Vectors from a seed, like embeddings: topics within subjects, and few directions that matter."""

import numpy as np

from benches.quality.retrieval_set import Array
from benches.vectors.data.vector_set import unit

_QUERIES = 3_000
_HIDDEN = 128
_SUBJECTS = 40
_A_TOPIC = 60


def made_up(count: int, dim: int, seed: int = 42) -> tuple[Array, Array]:
    """Return unit vectors and queries: points near topics, in 128 directions of falling weight."""
    random = np.random.default_rng(seed)

    def normal(*shape: int) -> Array:
        return random.standard_normal(shape, dtype=np.float32)

    weights = (np.arange(1, _HIDDEN + 1) ** -0.2).astype(np.float32)
    subjects = normal(_SUBJECTS, _HIDDEN) * weights
    topics = max(count // _A_TOPIC, 20)
    centres = 0.6 * subjects[random.integers(0, _SUBJECTS, topics)] + normal(topics, _HIDDEN) * weights
    shown = normal(_HIDDEN, dim) / np.float32(_HIDDEN**0.5)

    def points(size: int) -> Array:
        hidden = centres[random.integers(0, topics, size)] + 1.8 * normal(size, _HIDDEN) * weights
        rows = hidden @ shown
        for start in range(0, size, 65_536):
            block = rows[start : start + 65_536]
            block += np.float32(0.05) * normal(*block.shape)
        return unit(rows)

    return points(count), points(_QUERIES)
