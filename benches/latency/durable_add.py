"""A single add that is on the device when it returns, beside what the device alone takes."""

import os
import statistics
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

import recollect
from benches.latency.chroma_engine import ChromaEngine
from benches.latency.corpus import DIM, Corpus
from benches.latency.interleaved import took
from benches.latency.row import Row
from benches.latency.sqlite_engine import driver
from benches.quality.retrieval_set import Array

WORK = "durable add of one"
_A_ROUND = 40

Add = Callable[[str, Array], object]


def durable_add(corpus: Corpus, rounds: int, folder: Path) -> list[Row]:
    """Return the rows; the engines take turns after every add."""
    print(WORK, file=sys.stderr, flush=True)
    memory = recollect.open(folder / "one.rcl")
    words = recollect.open(folder / "words.rcl")
    written = _written(memory, corpus)
    engines: dict[str, Add] = {
        "pwrite + fdatasync of text and vector": _device(folder / "payload", None),
        "pwrite + fdatasync of as many bytes as recollect writes": _device(folder / "written", written),
        "recollect": lambda text, vector: memory.add(text, vector=vector),
        "recollect, words alone": lambda text, _: words.add(text),
        "sqlite, log, synchronous = full": _sqlite(folder / "one.db"),
        "chroma, vectors alone": _chroma(folder / "one-chroma"),
    }
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in engines}
    for turn in range(rounds + 1):
        times: dict[str, list[float]] = {name: [] for name in engines}
        for at in range(_A_ROUND):
            row = (turn * _A_ROUND + at) % len(corpus.texts)
            text = f"{corpus.texts[row]} {turn}"
            for name, add in engines.items():
                times[name].append(took(add, text, corpus.vectors[row]))
        if turn:  # the first round warms up
            for name, values in times.items():
                p50, p95 = np.percentile(values, [50, 95])
                found[name].append((float(p50), float(p95)))
    memory.close()
    words.close()
    rows = []
    for name, pairs in found.items():
        p50, p95 = (float(value) for value in np.median(pairs, axis=0))
        taken = float(written) if name == "recollect" else None
        rows.append(Row(WORK, name, 1, DIM, p50_us=p50, p95_us=p95, bytes_per_item=taken))
    return rows


def _written(memory: recollect.Memory, corpus: Corpus) -> int:
    """Return the bytes that an add hands to the system, at the median of fifty."""

    def handed() -> int:
        return int(Path("/proc/self/io").read_text().split()[3])

    sizes = []
    for at in range(50):
        before = handed()
        memory.add(f"{corpus.texts[at]} first", vector=corpus.vectors[at])
        sizes.append(handed() - before)
    return int(statistics.median(sizes))


def _device(path: Path, size: int | None) -> Add:
    """Return an add that puts bytes at the end of a file and waits for the device."""
    file = os.open(path, os.O_CREAT | os.O_WRONLY)
    end = 0

    def add(text: str, vector: Array) -> None:
        nonlocal end
        payload = bytes(size) if size is not None else text.encode() + vector.tobytes()
        os.pwrite(file, payload, end)
        os.fdatasync(file)
        end += len(payload)

    return add


def _sqlite(path: Path) -> Add:
    db = driver().connect(str(path), isolation_level=None)
    db.execute("PRAGMA journal_mode = wal")
    db.execute("PRAGMA synchronous = full")
    db.execute("CREATE TABLE item(id INTEGER PRIMARY KEY, text TEXT, vector BLOB)")
    insert = "INSERT INTO item(text, vector) VALUES (?, ?)"
    return lambda text, vector: db.execute(insert, (text, vector.tobytes()))


def _chroma(path: Path) -> Add:
    engine = ChromaEngine(path)
    return lambda text, vector: engine.add([text], vector[None])
