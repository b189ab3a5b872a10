"""Multi-hop retrieval over given triples: ``python -m benches.quality.triples --data DIR``.

The reference is the retrieval of HippoRAG 2 without its filter: personalised PageRank over a graph of
passages and the entities of their triples, from the entities of the five facts nearest to the query (MiniLM)
and, with a weight of 0.05, from all passages by similarity. recollect gets the same triples as
``metadata["facts"]``. Sets with ``facts.jsonl.gz`` and its vectors beside the usual files can be measured.
"""

import argparse
import gzip
import json
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from benches.machine import machine, made
from benches.quality.bootstrap import interval
from benches.quality.measures import NAMES, measured
from benches.quality.rankings import DEPTH, Ranking, baselines
from benches.quality.recollected import recollected
from benches.quality.retrieval_set import Array, RetrievalSet, load, vectors_of
from benches.readme import table, write_between

FACTS = 5
PASSAGE_WEIGHT = 0.05
RESTART = 0.5
STEPS = 40
RIVALS = ("ppr(triples)", "rrf(minilm)", "dense(minilm)", "bm25")


def main() -> None:
    options = _options()
    data = load(options.data, options.set)
    facts, vectors = _facts(options.data / options.set)
    rankings = {name: found for name, found in baselines(data).items() if name in RIVALS}
    rankings["ppr(triples)"] = _reference(data, facts, vectors)
    for embedder in ("minilm", "static"):
        found, _ = recollected(data, embedder, lambda done, of: None)
        rankings[f"recollect({embedder})"] = found[""]
        rankings[f"recollect({embedder}), no links"] = found["-links"]
    values = {name: measured(found, data.gold) for name, found in rankings.items()}
    if options.out:
        means = {
            name: dict(zip(NAMES, found.mean(axis=0).tolist(), strict=True)) for name, found in values.items()
        }
        options.out.write_text(json.dumps({options.set: means}, indent=1) + "\n", encoding="utf-8")
    text = f"{options.set}, {len(data.queries)} queries, {len(facts)} triples\n\n{_tables(values)}"
    print(text)
    if options.write_readme:
        write_between("triples", f"{machine()}; {made()}.\n\n{text}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benches.quality.triples", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with one folder for each set")
    parser.add_argument("--set", default="musique_train100")
    parser.add_argument("--out", type=Path, help="JSON of the means: set, method, measure")
    parser.add_argument("--write-readme", action="store_true", help="put the tables into benches/README.md")
    return parser.parse_args()


def _facts(folder: Path) -> tuple[list[dict[str, Any]], Array]:
    with gzip.open(folder / "facts.jsonl.gz", "rt", encoding="utf-8") as file:
        facts = [json.loads(line) for line in file]
    return facts, vectors_of(folder / "minilm_facts", len(facts))


def _reference(data: RetrievalSet, facts: list[dict[str, Any]], vectors: Array) -> list[Ranking]:
    """Return the ranking of every query by personalised PageRank over passages and entities."""
    passages = len(data.memories)
    position = {memory["id"]: at for at, memory in enumerate(data.memories)}
    number: dict[str, int] = {}
    holders: dict[int, set[int]] = defaultdict(set)
    ends = []
    rows, columns = [], []
    for fact in facts:
        pair = [number.setdefault(_entity(fact[end]), passages + len(number)) for end in ("s", "o")]
        ends.append(pair)
        for entity in pair:
            holders[entity].add(position[fact["passage"]])
        if pair[0] != pair[1]:
            rows += pair
            columns += pair[::-1]
    for entity, where in holders.items():
        for passage in where:
            rows += [entity, passage]
            columns += [passage, entity]
    size = passages + len(number)
    graph = csr_matrix((np.ones(len(rows)), (rows, columns)), (size, size))
    degree = np.maximum(np.asarray(graph.sum(axis=1)).ravel(), 1)
    step = graph.multiply(1 / degree[:, None]).T.tocsr()
    rankings = []
    for query in data.query_vectors:
        seeds = np.zeros(size)
        near = vectors @ query
        gained: dict[int, list[float]] = defaultdict(list)
        for at in np.argsort(-near, kind="stable")[:FACTS]:
            for entity in ends[at]:
                gained[entity].append(near[at] / len(holders[entity]))
        for entity, scores in gained.items():
            seeds[entity] = np.mean(scores)
        similar = data.memory_vectors @ query
        seeds[:passages] = PASSAGE_WEIGHT * (similar - similar.min()) / (similar.max() - similar.min())
        seeds /= seeds.sum()
        rank: npt.NDArray[np.float64] = seeds
        for _ in range(STEPS):
            rank = RESTART * seeds + (1 - RESTART) * (step @ rank)
        rankings.append([int(at) for at in np.argsort(-rank[:passages], kind="stable")[:DEPTH]])
    return rankings


def _entity(name: str) -> str:
    """Return a name by which mentions of the same entity are one."""
    return " ".join(re.findall(r"\w+", name.lower()))


def _tables(values: dict[str, npt.NDArray[np.float64]]) -> str:
    columns = [NAMES.index(name) for name in ("R@2", "R@5", "R@10", "nDCG@10")]
    rows = [[name, *(f"{found[:, at].mean():.1f}" for at in columns)] for name, found in values.items()]
    means = table(["method", *(NAMES[at] for at in columns)], rows)
    gaps = []
    for embedder in ("minilm", "static"):
        for rival in RIVALS:
            cells = []
            for name in ("R@5", "nDCG@10"):
                at = NAMES.index(name)
                gap, low, high = interval(values[f"recollect({embedder})"][:, at] - values[rival][:, at])
                cells.append(f"{gap:+.1f} ({low:+.1f} to {high:+.1f})")
            gaps.append([f"recollect({embedder})", rival, *cells])
    return f"{means}\n\n{table(['method', 'against', 'R@5', 'nDCG@10'], gaps)}"


if __name__ == "__main__":
    main()
