"""Measures latency against peers: ``python -m benches.latency``."""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benches.latency import rust_examples
from benches.latency.batch_add import batch_add
from benches.latency.corpus import Corpus, made_up, of_sets
from benches.latency.durable_add import durable_add
from benches.latency.hybrid_recall import hybrid_recall
from benches.latency.opening import opening
from benches.latency.row import Row
from benches.latency.tables import markdown
from benches.latency.targets import target_table
from benches.latency.vector_search import vector_search
from benches.machine import machine, made
from benches.readme import write_between

_WORKS = ("scans", "vectors", "hybrid", "durable", "batch", "opening", "words")


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory(dir=options.folder, prefix="bench-") as folder:
        rows = _measure(options, Path(folder))
    if options.out:
        options.out.write_text(json.dumps([row.as_dict() for row in rows], indent=1) + "\n", encoding="utf-8")
    tables = markdown(rows)
    print(tables)
    wanted = target_table(rows)
    if options.targets:
        print(f"\n{wanted}")
    if options.write_readme:
        write_between("latency", f"{machine()}; {made()}.\n\n{wanted}\n\n{tables}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benches.latency", description=__doc__)
    parser.add_argument("--out", type=Path, help="JSON: a list of rows")
    parser.add_argument("--rounds", type=int, default=7, help="rounds of which the median counts (7)")
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that it runs")
    parser.add_argument(
        "--only",
        type=lambda text: text.split(","),
        default=list(_WORKS),
        help=f"works, separated by commas: {', '.join(_WORKS)}",
    )
    parser.add_argument("--data", type=Path, help="folder of sets: their texts and MiniLM vectors, if enough")
    parser.add_argument("--folder", type=Path, help="where the files are put (the system's folder for them)")
    parser.add_argument("--targets", action="store_true", help="print targets beside the measured ratios")
    parser.add_argument("--write-readme", action="store_true", help="put the tables into benches/README.md")
    options = parser.parse_args()
    if unknown := sorted(set(options.only) - set(_WORKS)):
        parser.error(f"--only: unknown {', '.join(unknown)}; known are {', '.join(_WORKS)}")
    if options.rounds < 1:
        parser.error("--rounds: expected at least 1")
    return options


def _measure(options: argparse.Namespace, folder: Path) -> list[Row]:
    rounds = min(options.rounds, 2) if options.quick else options.rounds
    small, large = (1_000, 5_000) if options.quick else (10_000, 100_000)
    sizes = (small, large) if options.quick else (1_000, small, large)
    made: dict[int, Corpus] = {}

    def corpus(count: int) -> Corpus:
        if count not in made:
            made[count] = (options.data and of_sets(options.data, count)) or made_up(count)
        return made[count]

    works: dict[str, Callable[[], list[Row]]] = {
        "scans": lambda: rust_examples.scans(min(rounds, 3)),
        "vectors": lambda: [row for n in (small, large) for row in vector_search(corpus(n), rounds)],
        "hybrid": lambda: [row for n in sizes for row in hybrid_recall(corpus(n), rounds, folder)],
        "durable": lambda: durable_add(corpus(small), rounds, folder),
        "batch": lambda: batch_add(corpus(large), min(rounds, 3), folder),
        "opening": lambda: opening(corpus(large), rounds, folder),
        "words": lambda: rust_examples.words(100_000 if options.quick else 1_000_000),
    }
    rows: list[Row] = []
    for name, work in works.items():
        if name in options.only:
            rows += work()
            print(f"{name} done", file=sys.stderr, flush=True)
    return rows


if __name__ == "__main__":
    main()
