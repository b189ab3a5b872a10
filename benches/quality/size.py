"""Tokens for the same coverage: ``python -m benches.quality.size --data DIR``.

How many tokens a context needs to hold as large a share of the gold memories as the ten best turns do: turns
taken from the top, against contexts packed under a budget, whole or with `extract`. A gold memory counts as
held where it is in the context at all, so the words of the answer are counted too: the share of those that
stand in the gold memories, and not in the question, that the context still has.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt

import recollect
from benches.machine import machine, made
from benches.quality.rankings import baselines
from benches.quality.recollected import _fill, _handle
from benches.quality.retrieval_set import RetrievalSet, load
from benches.quality.word_index import terms
from benches.readme import table, write_between
from recollect.packing import estimate_tokens, packed
from recollect.recalling import CANDIDATES
from recollect.records import Hit

SETS = ("locomo", "realmem", "longmemeval53")
TURNS = 10
DEPTHS = (1, 2, 3, 5, 7, 10, 15, 20, 30, 40)
BUDGETS = 12
Curve = npt.NDArray[np.float64]
"""Rows of tokens, coverage and answer words, one for each depth or budget."""


def measure(data: RetrievalSet, embedder: str) -> dict[str, Curve]:
    """Return the curve of each way to make a context."""
    given = embedder == "minilm"
    curves: dict[str, Curve] = {}
    with recollect.open(embedder=None if given else "local") as memory:
        position: dict[str, int] = {}
        for group, scope in data.scopes.items():
            _fill(_handle(memory, group), data, scope, given, position)

        def recall(at: int, extract: bool) -> list[Hit]:
            query = data.queries[at]
            before = query.get("before_order")
            found = _handle(memory, query.get("group")).recall(
                query["text"],
                k=CANDIDATES,
                vector=data.query_vectors[at] if given else None,
                filter=None if before is None else {"order": {"$lt": before}},
                explain=False,
                extract=extract,
            )
            return list(found)

        def told(hits: list[Hit]) -> list[tuple[int, str]]:
            return [(position[hit.uid], hit.excerpt) for hit in hits]

        every = range(len(data.queries))
        whole, parts = ([recall(at, extract) for at in every] for extract in (False, True))
        curves["turns from the top"] = _curve(
            [[_held(data, at, told(whole[at][:depth])) for at in every] for depth in DEPTHS]
        )
        least, most = curves["turns from the top"][[1, -2], 0]
        budgets = np.geomspace(least / 2, most, BUDGETS).astype(int).tolist()
        # What recall(budget=) does where not all in scope fits, without finding the same hits anew.
        for name, hits in (("packed", whole), ("packed, extracted", parts)):
            curves[name] = _curve(
                [
                    [_held(data, at, told(packed(hits[at], estimate_tokens, budget)[0])) for at in every]
                    for budget in budgets
                ]
            )
    method = f"rrf({embedder})"
    ranked = baselines(data)[method]
    texts = [[(one, data.memories[one]["text"]) for one in ranking[:TURNS]] for ranking in ranked]
    curves[f"{method}, ten turns"] = _curve([[_held(data, at, texts[at]) for at in every]])
    return curves


def _held(data: RetrievalSet, at: int, context: list[tuple[int, str]]) -> tuple[float, float, float]:
    gold = data.gold[at]
    tokens = sum(estimate_tokens(text) for _, text in context)
    coverage = len(gold.intersection(one for one, _ in context)) / len(gold)
    there = {term for one in gold for term in terms(data.memories[one]["text"])}
    answer = (set(terms(str(data.queries[at].get("answer") or ""))) & there) - set(
        terms(data.queries[at]["text"])
    )
    kept = {term for one, text in context if one in gold for term in terms(text)} & answer
    return tokens, coverage, len(kept) / len(answer) if answer else np.nan


def _curve(rows: list[list[tuple[float, float, float]]]) -> Curve:
    return np.array([np.nanmean(np.array(row), axis=0) if row else [] for row in rows])


def needed(curve: Curve, coverage: float) -> tuple[float, float] | None:
    """Return the tokens for a coverage and the answer words there; None where the curve stays below."""
    reached = np.maximum.accumulate(curve[:, 1])
    if reached[-1] < coverage:
        return None
    tokens = float(np.interp(coverage, reached, curve[:, 0]))
    return tokens, float(np.interp(tokens, curve[:, 0], curve[:, 2]))


def rows_of(name: str, embedder: str, curves: dict[str, Curve]) -> list[list[str]]:
    """Return the rows of one set: all ways at the coverage of ten turns from the top, and at that of RRF."""
    rows = []
    turns = curves["turns from the top"]
    rival = next(way for way in curves if way.startswith("rrf"))
    for reference, start in (
        ("ten turns from the top", turns[DEPTHS.index(TURNS)]),
        (rival, curves[rival][0]),
    ):
        for way in ("turns from the top", "packed", "packed, extracted"):
            found = needed(curves[way], start[1])
            cells = (
                ["", "", ""]
                if found is None
                else [
                    f"{found[0]:,.0f}",
                    f"{100 * (found[0] / start[0] - 1):+.0f} %",
                    "" if np.isnan(found[1]) else f"{100 * found[1]:.1f}",
                ]
            )
            words = "" if np.isnan(start[2]) else f"{100 * start[2]:.1f}"
            rows.append(
                [name, embedder, reference, f"{100 * start[1]:.1f}", f"{start[0]:,.0f}", words, way, *cells]
            )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benches.quality.size", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with one folder for each set")
    parser.add_argument("--sets", type=lambda text: text.split(","), default=SETS)
    parser.add_argument("--out", type=Path, help="JSON of the curves")
    parser.add_argument("--write-readme", action="store_true", help="put the table into benches/README.md")
    options = parser.parse_args()
    rows, written = [], {}
    for name in options.sets:
        data = load(options.data, name)
        for embedder in ("minilm", "static"):
            curves = measure(data, embedder)
            written[f"{name} {embedder}"] = {way: curve.tolist() for way, curve in curves.items()}
            rows += rows_of(name, embedder, curves)
            print("\n".join(" | ".join(row) for row in rows[-6:]), file=sys.stderr, flush=True)
    if options.out:
        options.out.write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")
    head = ["set", "embedder", "reference", "coverage", "its tokens", "its answer words"]
    text = table([*head, "context", "tokens", "difference", "answer words"], rows)
    print(text)
    if options.write_readme:
        write_between("size", f"{machine()}; {made()}.\n\n{text}")


if __name__ == "__main__":
    main()
