"""MiniLM vectors as they come with the sets, alone or with those of the texts that follow."""

from pathlib import Path

import numpy as np

from benches.quality.retrieval_set import Array
from benches.vectors.data.vector_set import distinct, unit

DIM = 384
_KEPT = 0.98


def minilm(folder: Path) -> tuple[Array, Array]:
    """Return the vectors of all memories, facts, turns and entities, each once, and of all queries."""
    paths = _paths(folder)
    return tuple(
        _shuffled([_read(path) for path in paths if ("queries" in path.name) == asked])
        for asked in (False, True)
    )


def joined(folder: Path, lines: int) -> tuple[Array, Array]:
    """Return vectors of neighbouring lines put together, and of the last lines of each file as queries.

    Parameters
    ----------
    folder
        Folder of sets.
    lines
        How many make one vector; none is in both parts.
    """
    base, asked = [], []
    for path in _paths(folder):
        if "queries" not in path.name:
            rows = _read(path)
            cut = int(_KEPT * len(rows))
            base.append(_joined(rows[:cut], lines))
            asked.append(_joined(rows[cut:], lines))
    return _shuffled(base), _shuffled(asked)


def _joined(rows: Array, lines: int) -> Array:
    count = max(len(rows) - lines + 1, 0)
    return unit(np.concatenate([rows[step : step + count] for step in range(lines)], axis=1))


def _paths(folder: Path) -> list[Path]:
    return sorted([*folder.glob("*/minilm_*.npy"), *folder.glob("*/minilm_*.i8.npz")])


def _read(path: Path) -> Array:
    if path.suffix == ".npy":
        return unit(np.load(path))
    with np.load(path) as packed:
        return unit(packed["q"].astype(np.float32) * packed["scale"].astype(np.float32).reshape(-1, 1))


def _shuffled(parts: list[Array]) -> Array:
    rows = np.concatenate(parts) if parts else np.empty((0, DIM), dtype=np.float32)
    kept = distinct(rows)
    return rows[np.random.default_rng(42).permutation(kept)]
