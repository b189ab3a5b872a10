"""Measures activation over graphs against peers: ``python -m benches.graph``."""

import argparse
import json
from pathlib import Path

from benches.graph.edge_set import power_law, read
from benches.graph.tables import markdown
from benches.graph.trial import measured
from benches.machine import machine, made
from benches.readme import write_between

_SIZES = ((100_000, 1_000_000), (1_000_000, 10_000_000))


def main() -> None:
    options = _options()
    sizes = ((2_000, 20_000),) if options.quick else _SIZES
    sets = [lambda size=size: power_law(*size) for size in sizes if size[0] <= options.most]
    rows = []
    for make in sets:
        rows += measured(make(), options.queries, options.rounds)
    for edges in read(options.data) if options.data else ():
        rows += measured(edges, options.queries, options.rounds)
    if options.out:
        options.out.write_text(json.dumps([row.as_dict() for row in rows], indent=1) + "\n", encoding="utf-8")
    tables = markdown(rows)
    print(tables)
    if options.write_readme:
        write_between("graph", f"{machine()}; {made()}.\n\n{tables}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benches.graph", description=__doc__)
    parser.add_argument("--out", type=Path, help="JSON: a list of rows")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of which the median counts (3)")
    parser.add_argument("--queries", type=int, default=20, help="sets of ten seeds (20)")
    parser.add_argument("--quick", action="store_true", help="a small graph, to see that it runs")
    parser.add_argument(
        "--most", type=int, default=1_000_000, help="nodes of the largest graph that is made up"
    )
    parser.add_argument("--data", type=Path, help="folder of sets: WordNet 3.0 and FB15k-237 under graphs/")
    parser.add_argument("--write-readme", action="store_true", help="put the tables into benches/README.md")
    options = parser.parse_args()
    if options.rounds < 1 or options.queries < 1:
        parser.error("--rounds, --queries: expected at least 1")
    return options


if __name__ == "__main__":
    main()
