"""Measures the quality of retrieval: ``python -m benches.quality --data DIR``."""

import argparse
import json
import sys
import time
from pathlib import Path

from benches.machine import machine, made
from benches.quality.expected import check
from benches.quality.measures import measured
from benches.quality.outcome import EMBEDDERS, SetOutcome, markdown
from benches.quality.rankings import baselines
from benches.quality.recollected import recollected
from benches.quality.retrieval_set import load, names_in
from benches.readme import write_between


def main() -> None:
    options = _options()
    outcomes = []
    for name in options.sets or names_in(options.data):
        outcomes.append(_measure(options.data, name))
    if options.out:
        _write(options.out, {one.name: one.means() for one in outcomes})
    if options.details:
        _write(
            options.details,
            {
                one.name: {
                    "categories": one.by_category(),
                    "comparisons": [found.as_dict() for found in one.comparisons()],
                    "ablations": [found.as_dict() for found in one.ablations()],
                }
                for one in outcomes
            },
        )
    tables = markdown(outcomes)
    print(tables)
    if options.write_readme:
        write_between("quality", f"{machine()}; {made()}.\n\n{tables}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benches.quality", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with one folder for each set")
    parser.add_argument(
        "--sets",
        type=lambda text: [name for name in text.split(",") if name],
        help="sets, separated by commas; by default all but usf and graphs, which rank associations",
    )
    parser.add_argument("--out", type=Path, help="JSON of the means: set, method, measure")
    parser.add_argument("--details", type=Path, help="JSON of the categories and the bootstrap")
    parser.add_argument("--write-readme", action="store_true", help="put the tables into benches/README.md")
    options = parser.parse_args()
    if not options.data.is_dir():
        parser.error(f"--data: {options.data} is no folder")
    return options


def _measure(folder: Path, name: str) -> SetOutcome:
    start = time.perf_counter()
    data = load(folder, name)
    _say(f"{name}: {len(data.memories)} memories, {len(data.queries)} queries with gold")
    values = {method: measured(found, data.gold) for method, found in baselines(data).items()}
    for embedder in EMBEDDERS:

        def progress(done: int, of: int, embedder: str = embedder) -> None:
            if sys.stderr.isatty() and (done % 50 == 0 or done == of):
                print(f"\r{name}: recollect({embedder}) {done}/{of}", end="", file=sys.stderr, flush=True)

        rankings, unreadable = recollected(data, embedder, progress)
        for way, found in rankings.items():
            values[f"recollect({embedder}){way}"] = measured(found, data.gold)
        if sys.stderr.isatty():
            print(file=sys.stderr)
        if unreadable:
            _say(f"{name}: {unreadable} memories have a time that cannot be read; they were added without")
    outcome = SetOutcome(name, values, [str(query.get("category")) for query in data.queries])
    for line in check(name, outcome.means()):
        _say(line)
    scores = ", ".join(f"{method} {found['nDCG@10']:.1f}" for method, found in outcome.means().items())
    _say(f"{name}: nDCG@10 {scores}; {time.perf_counter() - start:.0f} s")
    return outcome


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _write(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
