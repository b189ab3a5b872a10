"""A set in the common form: memories, queries with gold, and the vectors that come with them."""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]

ROLES = frozenset({"", "user", "assistant", "system", "human", "ai", "tool", "bot"})
"""Speakers that are roles and no names."""

LEFT_OUT = frozenset({"usf", "graphs"})
"""Sets about associations and graphs, in which ranking texts means little; named explicitly they are read."""


@dataclass(frozen=True, slots=True)
class RetrievalSet:
    """Memories, and queries with their gold among them."""

    name: str
    memories: list[dict[str, Any]]
    queries: list[dict[str, Any]]
    gold: list[frozenset[int]]
    scopes: dict[str | None, list[int]]
    memory_vectors: Array
    query_vectors: Array

    def allowed(self, query: int) -> list[int]:
        """Return the memories that a query may be answered from."""
        asked = self.queries[query]
        scope, before = self.scopes[asked.get("group")], asked.get("before_order")
        return scope if before is None else [at for at in scope if self.memories[at]["order"] < before]


def spoken(memory: dict[str, Any]) -> str:
    """Return the text of a memory with the name of its speaker in front, if it is a name."""
    speaker = memory.get("speaker") or ""
    return memory["text"] if speaker.lower() in ROLES else f"{speaker}: {memory['text']}"


def names_in(folder: Path) -> list[str]:
    """Return the sets of a folder, without those left out by default."""
    found = sorted(path.parent.name for path in folder.glob("*/queries.jsonl.gz"))
    return [name for name in found if name not in LEFT_OUT]


def load(folder: Path, name: str) -> RetrievalSet:
    """Read one set; queries without a gold memory in the set are dropped, as nobody can answer them."""
    whole = load_all(folder, name)
    kept = [at for at, found in enumerate(whole.gold) if found]
    return replace(
        whole,
        queries=[whole.queries[at] for at in kept],
        gold=[whole.gold[at] for at in kept],
        query_vectors=whole.query_vectors[kept],
    )


def load_all(folder: Path, name: str) -> RetrievalSet:
    """Read one set with all its queries."""
    memories = list(_lines(folder / name / "memories.jsonl.gz"))
    asked = list(_lines(folder / name / "queries.jsonl.gz"))
    position = {memory["id"]: at for at, memory in enumerate(memories)}
    gold = [frozenset(position[uid] for uid in query["gold"] if uid in position) for query in asked]
    scopes: dict[str | None, list[int]] = {}
    for at, memory in enumerate(memories):
        scopes.setdefault(memory.get("group"), []).append(at)
    return RetrievalSet(
        name,
        memories,
        asked,
        gold,
        scopes,
        vectors_of(folder / name / "minilm_memories", len(memories)),
        vectors_of(folder / name / "minilm_queries", len(asked)),
    )


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def vectors_of(stem: Path, count: int) -> Array:
    """Read the vectors of as many lines, each of length one."""
    plain = stem.with_name(stem.name + ".npy")
    if plain.exists():
        rows = np.load(plain).astype(np.float32)
    else:
        with np.load(stem.with_name(stem.name + ".i8.npz")) as packed:
            rows = packed["q"].astype(np.float32) * packed["scale"].astype(np.float32).reshape(-1, 1)
    if len(rows) != count:
        raise ValueError(f"{stem}: expected {count} rows, found {len(rows)}")
    unit: Array = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
    return unit
