"""SQLite as a store of memories: `sqlite-vec` for vectors, FTS5 for words, reciprocal ranks of both."""

from pathlib import Path
from types import ModuleType
from typing import Any

import sqlite_vec

from benches.latency.corpus import DIM
from benches.quality.rankings import RRF_K
from benches.quality.retrieval_set import Array
from benches.quality.word_index import STOP_WORDS

_CANDIDATES = 50


def driver() -> ModuleType:
    """Return `sqlite3`, or `pysqlite3` where the former was built without loading extensions."""
    import sqlite3

    if hasattr(sqlite3.Connection, "enable_load_extension"):
        return sqlite3
    import pysqlite3

    return pysqlite3


class SqliteEngine:
    """Texts, their words and their vectors in one database.

    Parameters
    ----------
    path
        A new file, written with a log and `synchronous = full`; None for memory.
    words, vectors
        What is indexed.
    """

    def __init__(self, path: Path | None, *, words: bool = True, vectors: bool = True) -> None:
        self._words, self._vectors = words, vectors
        self._db: Any = driver().connect(str(path or ":memory:"), isolation_level=None)
        self._db.enable_load_extension(True)
        sqlite_vec.load(self._db)
        self._db.execute("PRAGMA journal_mode = wal")
        self._db.execute("PRAGMA synchronous = full")
        self._db.execute("CREATE TABLE item(id INTEGER PRIMARY KEY, text TEXT)")
        if words:
            self._db.execute("CREATE VIRTUAL TABLE word USING fts5(text, tokenize='porter', content='')")
        if vectors:
            self._db.execute(f"CREATE VIRTUAL TABLE vec USING vec0(e float[{DIM}] distance_metric=cosine)")

    def add(self, texts: list[str], rows: Array | None) -> None:
        """Add texts in one transaction."""
        first = self._db.execute("SELECT coalesce(max(id), 0) + 1 FROM item").fetchone()[0]
        numbered = list(enumerate(texts, first))
        self._db.execute("BEGIN IMMEDIATE")
        self._db.executemany("INSERT INTO item VALUES (?, ?)", numbered)
        if self._words:
            self._db.executemany("INSERT INTO word(rowid, text) VALUES (?, ?)", numbered)
        if rows is not None:
            self._db.executemany(
                "INSERT INTO vec(rowid, e) VALUES (?, ?)",
                ((at, row.tobytes()) for at, row in enumerate(rows, first)),
            )
        self._db.execute("COMMIT")

    def nearest(self, vector: Array, k: int) -> list[int]:
        """Return the positions of the nearest vectors."""
        query = "SELECT rowid FROM vec WHERE e MATCH ? AND k = ?"
        return [row[0] - 1 for row in self._db.execute(query, (vector.tobytes(), k))]

    def recall(self, text: str, vector: Array, k: int) -> list[str]:
        """Return the texts with the best reciprocal ranks; the query goes without stop words."""
        scores: dict[int, float] = {}
        asked = " OR ".join(f'"{word}"' for word in _plain(text) if word not in STOP_WORDS)
        lists = [self.nearest(vector, _CANDIDATES)]
        if asked:
            query = "SELECT rowid FROM word WHERE word MATCH ? ORDER BY rank LIMIT ?"
            lists.append([row[0] - 1 for row in self._db.execute(query, (asked, _CANDIDATES))])
        for ranked in lists:
            for rank, at in enumerate(ranked, 1):
                scores[at] = scores.get(at, 0) + 1 / (RRF_K + rank)
        best = sorted(scores, key=lambda at: -scores[at])[:k]
        query = "SELECT text FROM item WHERE id = ?"
        return [self._db.execute(query, (at + 1,)).fetchone()[0] for at in best]

    def close(self) -> None:
        """Close the database."""
        self._db.close()


def _plain(text: str) -> list[str]:
    return "".join(letter if letter.isalnum() else " " for letter in text.lower()).split()
