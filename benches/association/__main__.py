"""Measures how well held-out associates of cues are found: ``python -m benches.association --data DIR``."""

import argparse
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path

from benches.association.associates import Associates
from benches.association.norms import SET, read
from benches.association.outcome import Outcome
from benches.association.rankings import METHODS, rankings
from benches.association.relatedness import relatedness
from benches.machine import machine, made
from benches.quality.measures import measured
from benches.quality.static_vectors import static_vectors
from benches.readme import write_between


def main() -> None:
    options = _options()
    outcome = _measure(options.data)
    if options.out:
        _write(options.out, outcome.means())
    if options.details:
        _write(options.details, [asdict(found) for found in outcome.comparisons()])
    tables = outcome.markdown()
    print(tables)
    if options.write_readme:
        write_between("association", f"{machine()}; {made()}.\n\n{tables}")


def _measure(folder: Path) -> Outcome:
    start = time.perf_counter()
    norms = read(folder)
    _say(f"{len(norms.words)} words, {len(norms.src)} links, {len(norms.questions)} questions")
    static = static_vectors(norms.words), static_vectors([question.text for question in norms.questions])
    vectors = {"minilm": (norms.word_vectors, norms.question_vectors), "static": static}
    associates = Associates(norms)
    _say(f"activation from every cue: {time.perf_counter() - start:.0f} s")
    found = list(rankings(norms, associates, vectors))
    gold = [question.gold for question in norms.questions]
    values = {method: measured([one[method] for one in found], gold) for method in METHODS}
    _say(f"rankings: {time.perf_counter() - start:.0f} s")
    pairs = relatedness(norms, associates, {name: words for name, (words, _) in vectors.items()})
    _say(f"word pairs: {time.perf_counter() - start:.0f} s")
    return Outcome([question.part for question in norms.questions], values, pairs)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benches.association", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help=f"folder of sets, with {SET} among them")
    parser.add_argument("--out", type=Path, help="JSON of the means: set, method, measure")
    parser.add_argument("--details", type=Path, help="JSON of the bootstrap")
    parser.add_argument("--write-readme", action="store_true", help="put the tables into benches/README.md")
    options = parser.parse_args()
    if not (options.data / SET).is_dir():
        parser.error(f"--data: {options.data} has no folder {SET}")
    return options


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _write(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
