"""Many short records in one call: how many a second."""

import statistics
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path

import recollect
from benches.latency.building import size_of
from benches.latency.chroma_engine import ChromaEngine
from benches.latency.corpus import DIM, Corpus
from benches.latency.interleaved import took
from benches.latency.row import Row
from benches.latency.sqlite_engine import SqliteEngine

WORDS = "batch add of short records"
BOTH = "batch add of records with vectors"
_RECORD = 48
_CHROMA = 5_000

Build = Callable[[Path | None], None]


def batch_add(corpus: Corpus, rounds: int, folder: Path) -> list[Row]:
    """Return the rows: records without vectors, then with them; Chroma has 5,000, as it is slow."""
    records = [f"{at} {text[:_RECORD]}" for at, text in enumerate(corpus.texts)]
    few = min(_CHROMA, len(records))
    every = len(records)
    rows = _measure(
        WORDS,
        {
            "recollect": (every, lambda path: _recollect(path, records, None)),
            "FTS5": (every, lambda path: _sqlite(path, records, None)),
        },
        rounds,
        folder,
        None,
    )
    return rows + _measure(
        BOTH,
        {
            "recollect": (every, lambda path: _recollect(path, records, corpus)),
            "sqlite-vec + FTS5": (every, lambda path: _sqlite(path, records, corpus)),
            "chroma, vectors alone": (
                few,
                lambda path: ChromaEngine(path).add(records[:few], corpus.vectors[:few]),
            ),
        },
        rounds,
        folder,
        DIM,
    )


def _measure(
    work: str, engines: dict[str, tuple[int, Build]], rounds: int, folder: Path, dim: int | None
) -> list[Row]:
    print(work, file=sys.stderr, flush=True)
    names = count()
    times: dict[tuple[str, str], list[float]] = {}
    sizes: dict[tuple[str, str], float] = {}
    for _ in range(rounds):
        for engine, (size, build) in engines.items():
            for place in ("memory", "file"):
                path = folder / f"{len(work)}-{next(names)}" if place == "file" else None
                times.setdefault((engine, place), []).append(took(build, path) / 1e6)
                if path is not None:
                    sizes[engine, place] = size_of(path) / size
    rows = []
    for (engine, place), seconds in times.items():
        took_s, size = statistics.median(seconds), engines[engine][0]
        rows.append(
            Row(
                work,
                f"{engine}, {place}",
                size,
                dim,
                build_s=took_s,
                bytes_per_item=sizes.get((engine, place)),
                ops_per_s=size / took_s,
            )
        )
    return rows


def _recollect(path: Path | None, records: list[str], corpus: Corpus | None) -> None:
    memory = recollect.open(path)
    memory.add_many(records, vectors=None if corpus is None else corpus.vectors)
    memory.close()


def _sqlite(path: Path | None, records: list[str], corpus: Corpus | None) -> None:
    engine = SqliteEngine(path, vectors=corpus is not None)
    engine.add(records, None if corpus is None else corpus.vectors)
    engine.close()
