"""Measures the search of vectors against peers: ``python -m benches.vectors``."""

import argparse
import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from benches.machine import machine, made
from benches.readme import write_between
from benches.vectors.aims import aims_table
from benches.vectors.data.source import DIMS, Source
from benches.vectors.plan import WORKS, Plan
from benches.vectors.tables import markdown

_SIZES = (10_000, 100_000, 1_000_000)


def main() -> None:
    options = _options()
    plan = Plan(
        options.only,
        (1_000, 5_000) if options.quick else options.sizes,
        options.dims,
        options.engines,
        min(options.rounds, 2) if options.quick else options.rounds,
        5 if options.quick else options.seconds,
        options.budget * 60,
    )
    source = Source(options.data, options.folder)
    with tempfile.TemporaryDirectory(dir=options.folder, prefix="bench-") as folder:
        rows = plan.measured(source, Path(folder))
    if options.out:
        options.out.write_text(json.dumps([row.as_dict() for row in rows], indent=1) + "\n", encoding="utf-8")
    tables = f"{aims_table(rows)}\n\n{markdown(rows)}"
    print(tables)
    if options.write_readme:
        write_between("vectors", f"{machine()}; {made()}.\n\n{tables}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benches.vectors", description=__doc__)
    parser.add_argument("--out", type=Path, help="JSON: a list of rows")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of which the median counts (5)")
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that it runs")
    parser.add_argument("--only", type=_among(WORKS), default=WORKS, help=f"works: {', '.join(WORKS)}")
    parser.add_argument(
        "--sizes", type=_integers, default=_SIZES, help="of the static search; the pauses take the largest"
    )
    parser.add_argument(
        "--dims", type=_integers, default=DIMS, help=f"of the static search: {', '.join(map(str, DIMS))}"
    )
    parser.add_argument("--engines", type=_names, default=(), help="parts of the names of engines (all)")
    parser.add_argument("--data", type=Path, help="folder of sets: their texts and MiniLM vectors")
    parser.add_argument(
        "--folder", type=Path, help="where files are put and static vectors are kept for the next run"
    )
    parser.add_argument(
        "--seconds",
        type=float,
        default=20,
        help="the most for the inserts of an engine; of the pauses ten times, a block of the mix a tenth",
    )
    parser.add_argument("--budget", type=float, default=40, help="minutes after which no work begins (40)")
    parser.add_argument("--write-readme", action="store_true", help="put the tables into benches/README.md")
    options = parser.parse_args()
    if unknown := sorted(set(options.dims) - set(DIMS)):
        parser.error(f"--dims: unknown {unknown}; known are {', '.join(map(str, DIMS))}")
    if options.rounds < 1 or min(options.sizes) < 500:
        parser.error("--rounds, --sizes: expected at least 1 round and 500 vectors")
    return options


def _names(text: str) -> Sequence[str]:
    return tuple(text.split(","))


def _integers(text: str) -> Sequence[int]:
    return tuple(int(part.replace("_", "")) for part in text.split(","))


def _among(known: Sequence[str]) -> Callable[[str], Sequence[str]]:
    def named(text: str) -> Sequence[str]:
        if unknown := sorted(set(_names(text)) - set(known)):
            raise argparse.ArgumentTypeError(f"unknown {', '.join(unknown)}; known are {', '.join(known)}")
        return _names(text)

    return named


if __name__ == "__main__":
    main()
