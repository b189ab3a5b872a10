"""Measures the GPU half, once its answers are right: ``python -m benches.gpu``."""

import argparse
import json
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

from benches.gpu.row import KV, GpuRow
from benches.gpu.tables import markdown
from benches.machine import machine, made
from benches.readme import write_between

WORKS = ("copy", "similarity", "large", "selection", "activation", "kv-scores", "kv-codes")


def main() -> None:
    options = _options()
    if options.table_of:
        kept = json.loads(options.table_of.read_text(encoding="utf-8"))
        _written(kept["made"], [GpuRow(**row) for row in kept["rows"]], options)
        return
    from recollect.gpu import why_not

    if (reason := why_not()) is not None:
        sys.exit(f"no GPU to measure: {reason}")
    from benches.gpu.checks import same_bits

    start = time.monotonic()
    if wrong := same_bits():
        sys.exit("answers differ from those of the CPU: " + "; ".join(wrong))
    print(f"answers are right, {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)
    rows: list[GpuRow] = []
    failed: list[str] = []
    for work, measure in _works(options).items():
        if work in options.only:
            try:
                rows += measure()
            except Exception as error:  # what was measured before is kept, and the run fails in the end
                traceback.print_exc()
                failed.append(f"{work}: {error}")
            print(f"{work}: {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)
    import cupy
    import torch

    device = cupy.cuda.runtime.getDeviceProperties(0)["name"].decode()
    about = f"{device}, CuPy {cupy.__version__}, PyTorch {torch.__version__}; {machine()}; {made()}"
    if options.out:
        kept = {"made": about, "rows": [row.as_dict() for row in rows]}
        options.out.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    _written(about, rows, options)
    if failed:
        sys.exit("not measured: " + "; ".join(failed))


def _written(about: str, rows: list[GpuRow], options: argparse.Namespace) -> None:
    of_caches = [row for row in rows if row.work.startswith(KV)]
    copies = [row for row in rows if row.work == "copy"]
    others = [row for row in rows if row not in of_caches and row not in copies]
    # What was not measured in this run stays as it is.
    for marker, some in (("gpu", others), ("gpu-kv", of_caches)):
        if some or not (others or of_caches):
            tables = markdown([*copies, *some])
            print(tables)
            if options.write_readme:
                write_between(marker, f"{about}.\n\n{tables}")


def _works(options: argparse.Namespace) -> dict[str, Callable[[], Iterator[GpuRow]]]:
    from benches.gpu import activation, copying, kv_codes, kv_scores, selection, similarity

    small, rounds = options.quick, options.rounds
    cache = (2, 8, 4096) if small else (8, 8, 32_768)
    n, dim, queries = (100_000, 384, 256) if small else (1_000_000, 384, 1024)
    return {
        "copy": lambda: copying.rows_of(1 << (28 if small else 31), rounds),
        "similarity": lambda: similarity.rows_of(n, dim, queries, rounds),
        "large": lambda: similarity.large(2 * n if small else 10 * n, dim, queries, max(3, rounds // 3)),
        "selection": lambda: selection.rows_of(n, queries, rounds),
        "activation": lambda: activation.rows_of(n, 10 * n, 128, rounds),
        "kv-scores": lambda: kv_scores.rows_of(*cache, rounds),
        "kv-codes": lambda: kv_codes.rows_of(*cache, rounds),
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benches.gpu", description=__doc__)
    parser.add_argument("--out", type=Path, help="JSON: where it was made, and a list of rows")
    parser.add_argument("--rounds", type=int, default=15, help="rounds of which the median counts (15)")
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that it runs")
    parser.add_argument("--only", type=lambda text: text.split(","), default=WORKS, help=", ".join(WORKS))
    parser.add_argument("--table-of", type=Path, help="make the table of what was written before")
    parser.add_argument("--write-readme", action="store_true", help="put the tables into benches/README.md")
    options = parser.parse_args()
    if unknown := sorted(set(options.only) - set(WORKS)):
        parser.error(f"--only: unknown {', '.join(unknown)}; known are {', '.join(WORKS)}")
    if options.rounds < 1:
        parser.error("--rounds: expected at least 1")
    return options


if __name__ == "__main__":
    main()
