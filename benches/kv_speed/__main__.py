"""Times the KV cache on one thread: ``python -m benches.kv_speed``."""

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from benches.kv_speed.bandwidth import read_bandwidth
from benches.kv_speed.operations import DIM, GROUP, HEADS, Operation, operations, parts_of
from benches.machine import machine, made
from benches.readme import table, write_between


@dataclass(frozen=True)
class Row:
    """Medians of an operation, in milliseconds of CPU time."""

    name: str
    rust_ms: float
    numpy_ms: float
    torch_ms: float | None
    gigabytes: float
    share: float | None


def main() -> None:
    options = _options()
    bandwidth = read_bandwidth()
    rows = []
    for one in operations(options.tokens):
        _check(one)
        row = _timed(one, options.rounds, bandwidth)
        rows.append(row)
        print(f"{row.name:36} {row.rust_ms:9.2f} {row.numpy_ms:9.1f} {row.gigabytes:6.1f} GB/s", flush=True)
    head = (
        f"{machine()}; {made()}.\n\nOne thread, {HEADS} heads of {options.tokens} tokens, d {DIM}, bfloat16, "
        f"{GROUP} query heads a head. CPU time, medians of {options.rounds} interleaved rounds. "
        f"One thread reads {bandwidth / 1e9:.1f} GB/s in this run."
    )
    if options.out:
        whole = {"bandwidth": bandwidth, "rows": [asdict(row) for row in rows]}
        options.out.write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
    text = f"{head}\n\n{_markdown(rows)}"
    print(text)
    if options.write_readme:
        write_between("kv-speed", text)


def _check(one: Operation) -> None:
    """Raise unless both backends give the same answer.

    Raises
    ------
    RuntimeError
        If they do not.
    """
    found, wanted = (parts_of(one.call(backend)) for backend in ("rust", "numpy"))
    for mine, other in zip(found, wanted, strict=True):
        if one.same:
            agree = mine.tobytes() == other.tobytes()
        elif one.name.startswith("lag_relative"):
            # Ranks: few tokens may change places with their neighbours.
            agree = (np.abs(mine[np.isfinite(mine)] - other[np.isfinite(other)]) > 0.02).mean() < 1e-3
        else:
            finite = np.isfinite(other)
            limit = 2e-5 * np.abs(other[finite]).max(initial=0)
            agree = (finite == np.isfinite(mine)).all() and (
                np.abs(mine[finite] - other[finite]) <= limit
            ).all()
        if not agree:
            raise RuntimeError(f"{one.name}: the backends do not agree")


def _timed(one: Operation, rounds: int, bandwidth: float) -> Row:
    calls: dict[str, Callable[[], object]] = {
        name: lambda name=name: one.call(name) for name in ("rust", "numpy")
    }
    if one.peer is not None:
        calls["torch"] = one.peer
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            # Several of what is short: a clock of CPU time has its steps.
            many = 5 if name == "rust" else 1
            start = time.process_time()
            for _ in range(many):
                call()
            times[name].append((time.process_time() - start) / many)
    medians = {name: float(np.median(found)) for name, found in times.items()}
    rate = one.nbytes / medians["rust"]
    return Row(
        one.name,
        medians["rust"] * 1e3,
        medians["numpy"] * 1e3,
        medians["torch"] * 1e3 if "torch" in medians else None,
        rate / 1e9,
        rate / bandwidth if one.streams else None,
    )


def _markdown(rows: list[Row]) -> str:
    head = [
        "one call",
        "rust ms",
        "numpy ms",
        "torch ms",
        "numpy / rust",
        "GB/s",
        "of one thread's bandwidth",
    ]
    lines = [
        [
            row.name,
            f"{row.rust_ms:.2f}",
            f"{row.numpy_ms:.1f}",
            "" if row.torch_ms is None else f"{row.torch_ms:.1f}",
            f"{row.numpy_ms / row.rust_ms:.0f}x"
            if row.numpy_ms > 10 * row.rust_ms
            else f"{row.numpy_ms / row.rust_ms:.1f}x",
            f"{row.gigabytes:.1f}",
            "" if row.share is None else f"{100 * row.share:.0f} %",
        ]
        for row in rows
    ]
    return table(head, lines)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benches.kv_speed", description=__doc__)
    parser.add_argument("--tokens", type=int, default=16384)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--write-readme", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
