"""Graphs to measure on: made up with degrees of a power law, or read from a folder of sets."""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class EdgeSet:
    """Directed edges of weight 1 between nodes that count from 0, each both ways and once.

    Parameters
    ----------
    name
        What it is called in the tables.
    nodes
        How many nodes there are.
    src, dst
        int64 ``[m]``.
    """

    name: str
    nodes: int
    src: Ids
    dst: Ids


def both_ways(name: str, nodes: int, src: Ids, dst: Ids) -> EdgeSet:
    """Return edges with those back, without loops and repetitions, sorted."""
    apart = src != dst
    src, dst = src[apart], dst[apart]
    keys = np.unique(np.concatenate([src * nodes + dst, dst * nodes + src]))
    return EdgeSet(name, nodes, keys // nodes, keys % nodes)


def power_law(nodes: int, edges: int, seed: int = 1) -> EdgeSet:
    """Return about so many edges between nodes drawn with chances of ``rank ** -0.5``, in a random order."""
    random = np.random.default_rng(seed)
    order = random.permutation(nodes)
    ends = order[(random.random((2, edges // 2)) ** 2 * nodes).astype(np.int64)]
    return both_ways(f"power law, {_short(nodes)} nodes", nodes, ends[0], ends[1])


def read(folder: Path) -> Iterator[EdgeSet]:
    """Yield the graphs of a folder: WordNet 3.0 and FB15k-237."""
    words = folder / "graphs" / "wordnet30"
    if words.is_dir():
        with gzip.open(words / "nodes.jsonl.gz", "rt", encoding="utf-8") as lines:
            numbers = {json.loads(line)["id"]: number for number, line in enumerate(lines)}
        with gzip.open(words / "edges.tsv.gz", "rt", encoding="utf-8") as lines:
            rows = [line.rstrip("\n").split("\t") for line in lines]
        yield both_ways(
            "WordNet 3.0",
            len(numbers),
            np.array([numbers[row[0]] for row in rows]),
            np.array([numbers[row[2]] for row in rows]),
        )
    facts = folder / "graphs" / "fb15k237" / "train.tsv.gz"
    if facts.is_file():
        table = np.loadtxt(facts, dtype=np.int64)
        yield both_ways("FB15k-237", int(table[:, [0, 2]].max()) + 1, table[:, 0], table[:, 2])


def _short(count: int) -> str:
    return f"{count // 1_000_000}M" if count % 1_000_000 == 0 else f"{count // 1_000}k"
