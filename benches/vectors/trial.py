"""Tries an engine on a few vectors in a process of its own, so that one that crashes stops nobody else."""

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from benches.vectors.catalogue import ENTRIES, Entry
from benches.vectors.engine import Engine, Place, Unsupported

_SECONDS = 120
_COUNT, _DIM, _K = 2_000, 64, 10


def why_not(entry: Entry) -> str | None:
    """Return why an engine does not work on this machine, or None if it does."""
    command = [sys.executable, "-m", "benches.vectors.trial", entry.name]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return f"gave no answer within {_SECONDS} s"
    if done.returncode == 0:
        return None
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    return lines[-1].strip() if done.returncode > 0 and lines else f"ended with signal {-done.returncode}"


def _try(entry: Entry) -> None:
    random = np.random.default_rng(0)
    rows = random.standard_normal((_COUNT + 1, _DIM), dtype=np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    with tempfile.TemporaryDirectory() as folder:
        engine = entry.make(Place(_DIM, _COUNT + 1, Path(folder)))
        engine.build(rows[:_COUNT], 1)
        for point in (*engine.points, *engine.exact_points)[-1:]:
            engine.use(point)
        _expect(engine, rows, 7)
        try:
            engine.insert(_COUNT, rows[_COUNT])
            _expect(engine, rows, _COUNT)
            for key in (_COUNT, 7):
                engine.delete(key)
                if key in engine.search(rows[key], _K):
                    raise RuntimeError("returns a vector that was deleted")
        except Unsupported:
            pass
        engine.close()


def _expect(engine: Engine, rows: np.ndarray, key: int) -> None:
    if engine.search(rows[key], _K)[0] != key:
        raise RuntimeError("does not find a vector that it holds")


if __name__ == "__main__":
    (_found,) = (entry for entry in ENTRIES if entry.name == sys.argv[1])
    _try(_found)
