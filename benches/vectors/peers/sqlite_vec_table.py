"""sqlite-vec: a virtual table that is scanned."""

# ruff: noqa: D102 - `Engine` says what each method does.

from typing import Any

import numpy as np
import sqlite_vec

from benches.latency.sqlite_engine import driver
from benches.quality.retrieval_set import Array
from benches.vectors.engine import Engine, Ids, Place

_INSERT = "INSERT INTO vec(rowid, e) VALUES (?, ?)"


class SqliteVecTable(Engine):
    """One table `vec0` with cosine distance, in memory; every write is its own transaction."""

    exact_points = ({},)

    def __init__(self, place: Place) -> None:
        self._db: Any = driver().connect(":memory:", isolation_level=None)
        self._db.enable_load_extension(True)
        sqlite_vec.load(self._db)
        self._db.execute(f"CREATE VIRTUAL TABLE vec USING vec0(e float[{place.dim}] distance_metric=cosine)")

    def build(self, vectors: Array, threads: int) -> None:
        self._db.execute("BEGIN")
        self._db.executemany(_INSERT, ((at, row.tobytes()) for at, row in enumerate(vectors)))
        self._db.execute("COMMIT")

    def search(self, query: Array, k: int) -> Ids:
        found = self._db.execute("SELECT rowid FROM vec WHERE e MATCH ? AND k = ?", (query.tobytes(), k))
        return np.array([row[0] for row in found], dtype=np.int64)

    def insert(self, key: int, vector: Array) -> None:
        self._db.execute(_INSERT, (key, vector.tobytes()))

    def delete(self, key: int) -> None:
        self._db.execute("DELETE FROM vec WHERE rowid = ?", (key,))

    def close(self) -> None:
        self._db.close()
