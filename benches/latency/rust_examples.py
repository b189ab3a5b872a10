"""The figures of the Rust examples, which measure without Python in between."""

import json
import shutil
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from benches.latency.corpus import DIM
from benches.latency.row import Row

SCAN = "vector scan in Rust"
WORDS = "words in Rust"
READ, F32, INT8 = "read of as many bytes", "recollect f32 scan", "recollect int8 scan, f32 rerank"

_ROOT = Path(__file__).parents[2]
_SCANS = {"read": READ, "search_f32": F32, "search": INT8}


def scans(rounds: int) -> list[Row]:
    """Return the rows of the vector scans, medians over runs of the example.

    The example refuses to print figures when the two scans differ in their answers, so recall is 1.
    """
    runs = [_lines("scan_bandwidth") for _ in range(rounds)]
    times: dict[tuple[str, int], list[float]] = {}
    for line in (line for run in runs for line in run):
        if line["what"] in _SCANS:
            times.setdefault((_SCANS[line["what"]], line["rows"]), []).append(line["microseconds"])
    return [
        Row(SCAN, engine, count, DIM, None if engine == READ else 1.0, statistics.median(values))
        for (engine, count), values in times.items()
        if count >= 10_000
    ]


def words(count: int) -> list[Row]:
    """Return the rows of the word index: ten best of `count` short texts."""
    lines = _lines("bm25_speed", str(count))
    builds = {line["build"]: line for line in lines if "build" in line}
    rows = []
    for line in lines:
        if line.get("allow") == "all" and line.get("k") == 10:
            built = builds["plain"]
            rows.append(
                Row(
                    WORDS,
                    f"recollect, {line['queries']} queries",
                    count,
                    p50_us=line["p50_us"],
                    p95_us=line["p95_us"],
                    build_s=built["seconds"],
                    bytes_per_item=built["bytes_per_text"],
                )
            )
    return rows


def _lines(example: str, *arguments: str) -> list[dict[str, Any]]:
    if shutil.which("cargo") is None:
        print(f"{example}: left out, as there is no cargo", file=sys.stderr)
        return []
    print(f"example {example}", file=sys.stderr, flush=True)
    command = ["cargo", "run", "--quiet", "--release", "--package", "recollect-core"]
    command += ["--example", example, "--", *arguments]
    done = subprocess.run(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
