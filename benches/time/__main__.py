"""Measures time, facts and segments against peers: ``python -m benches.time``."""

import argparse
import gc
import json
from pathlib import Path

from benches.machine import machine, made
from benches.readme import write_between
from benches.time.dialogues import measured, read
from benches.time.memories import memories
from benches.time.tables import markdown
from benches.time.trial import events, facts

_EVENTS = (1_000_000, 10_000_000)
_FACTS = 1_000_000


def main() -> None:
    options = _options()
    if options.memories:
        rows = [row for size in options.memories for row in memories(size, options.queries, options.rounds)]
        print(markdown(rows, []))
        if options.out:
            text = json.dumps([row.as_dict() for row in rows], indent=1) + "\n"
            options.out.write_text(text, encoding="utf-8")
        return
    sizes = (20_000,) if options.quick else tuple(size for size in _EVENTS if size <= options.most)
    rows = []
    for size in sizes:
        rows += events(size, options.queries, options.rounds)
        gc.collect()
    rows += facts(sizes[0] if options.quick else min(_FACTS, options.most), options.queries, options.rounds)
    segments = measured(list(read(options.data))) if options.data else []
    if options.out:
        both = [row.as_dict() for row in (*rows, *segments)]
        options.out.write_text(json.dumps(both, indent=1) + "\n", encoding="utf-8")
    tables = markdown(rows, segments)
    print(tables)
    if options.write_readme:
        write_between("time", f"{machine()}; {made()}.\n\n{tables}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benches.time", description=__doc__)
    parser.add_argument("--out", type=Path, help="JSON: a list of rows")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of which the median counts (3)")
    parser.add_argument("--queries", type=int, default=200, help="questions (200)")
    parser.add_argument("--quick", action="store_true", help="few events, to see that it runs")
    parser.add_argument("--most", type=int, default=10_000_000, help="events at most")
    parser.add_argument("--data", type=Path, help="folder of sets: LoCoMo, for segmentation")
    parser.add_argument("--write-readme", action="store_true", help="put the tables into benches/README.md")
    parser.add_argument("--memories", type=int, nargs="+", help="only the timeline of so many memories")
    options = parser.parse_args()
    if options.rounds < 1 or options.queries < 1 or options.most < 1_000:
        parser.error("--rounds, --queries: expected at least 1; --most: at least 1000")
    return options


if __name__ == "__main__":
    main()
