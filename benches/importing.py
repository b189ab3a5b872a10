"""Importing in a fresh interpreter, beside peers: ``python -m benches.importing [--rounds n]``.

What each costs beyond NumPy, whose threads are kept to one, as idle ones would count. The interpreters take
turns; a first round, in which compiled files are written and the disk is read, does not count.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from benches.machine import machine, made
from benches.readme import table, write_between

AIM_MS = 50

NAMES = ("recollect", "sqlite_vec", "hnswlib", "usearch.index", "faiss", "lancedb", "chromadb")

PROGRAM = """
import json, sys, time
import numpy
before = len(sys.modules)
cpu, wall = time.process_time(), time.perf_counter()
import {name}
wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
print(json.dumps([cpu * 1000, wall * 1000, len(sys.modules) - before]))
"""


def once(name: str) -> list[float]:
    """Return milliseconds of the processor and of the clock, and modules, of one import."""
    command = [sys.executable, "-c", PROGRAM.format(name=name)]
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=300)
    found: list[float] = json.loads(done.stdout)
    return found


def measured(rounds: int) -> dict[str, list[float]]:
    """Return the medians of each name."""
    found: dict[str, list[list[float]]] = {name: [] for name in NAMES}
    for turn in range(rounds + 1):
        for at in range(len(NAMES)):
            name = NAMES[(at + turn) % len(NAMES)]
            row = once(name)
            if turn:
                found[name].append(row)
        print(f"round {turn} of {rounds}", file=sys.stderr, flush=True)
    return {name: [float(value) for value in np.median(rows, axis=0)] for name, rows in found.items()}


def markdown(medians: dict[str, list[float]]) -> str:
    """Return the table, the quickest first, and whether the aim is reached."""
    own = medians["recollect"][0]
    rows = [
        [name, f"{cpu:.1f}", f"{wall:.1f}", f"{cpu / own:.2f}", f"{modules:.0f}"]
        for name, (cpu, wall, modules) in sorted(medians.items(), key=lambda item: item[1][0])
    ]
    verdict = "reached" if own <= AIM_MS else "missed"
    return (
        table(["import", "processor ms", "clock ms", "times recollect", "modules"], rows)
        + f"\n\nAim: at most {AIM_MS} ms of the processor beyond NumPy; {verdict} with {own:.1f}."
    )


def main() -> None:
    """Measure, print, and keep what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benches.importing", description=__doc__)
    parser.add_argument("--rounds", type=int, default=15, help="rounds of which the median counts (15)")
    parser.add_argument("--out", type=Path, help="JSON: the medians of each name")
    parser.add_argument("--write-readme", action="store_true", help="put the table into benches/README.md")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error("--rounds: expected at least 1")
    medians = measured(options.rounds)
    shown = markdown(medians)
    print(shown)
    if options.out:
        names = ("cpu_ms", "wall_ms", "modules")
        rows = [{"name": name} | dict(zip(names, values, strict=True)) for name, values in medians.items()]
        options.out.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    if options.write_readme:
        write_between("importing", f"{machine()}; {made()}.\n\n{shown}")


if __name__ == "__main__":
    main()
