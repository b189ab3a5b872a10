"""MiniLM vectors as they come with the sets, alone or with those of the texts that follow."""

from pathlib import Path

import numpy as np

from benches.quality.retrieval_set import Array
from benches.vectors.data.vector_set import distinct, unit

DIM = 384


def minilm(folder: Path, texts: int) -> tuple[Array, Array]:
    """Return the vectors of all memories, facts, turns and entities without duplicates, and of all queries.

    Parameters
    ----------
    folder
        Folder of sets.
    texts
        How many vectors of neighbouring lines are put together to one.
    """
    found: dict[bool, list[Array]] = {False: [], True: []}
    for path in sorted([*folder.glob("*/minilm_*.npy"), *folder.glob("*/minilm_*.i8.npz")]):
        rows = _read(path)
        joined = [np.roll(rows, -step, axis=0) for step in range(texts)]
        found["queries" in path.name].append(unit(np.concatenate(joined, axis=1)))
    return _shuffled(found[False]), _shuffled(found[True])


def _read(path: Path) -> Array:
    if path.suffix == ".npy":
        return unit(np.load(path))
    with np.load(path) as packed:
        return unit(packed["q"].astype(np.float32) * packed["scale"].astype(np.float32).reshape(-1, 1))


def _shuffled(parts: list[Array]) -> Array:
    rows = np.concatenate(parts) if parts else np.empty((0, DIM), dtype=np.float32)
    kept = distinct(rows)
    return rows[np.random.default_rng(42).permutation(kept)]
