"""Vectors around centres, as embeddings lie."""

import numpy as np
import numpy.typing as npt

__all__ = ["Array", "clustered"]

Array = npt.NDArray[np.float32]


def clustered(count: int, dim: int, seed: int, of: int = 40) -> Array:
    """Return vectors around centres that are the same for every seed."""
    centres = np.random.default_rng(1234).standard_normal((of, dim))
    random = np.random.default_rng(seed)
    rows = centres[random.integers(0, of, count)] + 0.5 * random.standard_normal((count, dim))
    return rows.astype(np.float32)
