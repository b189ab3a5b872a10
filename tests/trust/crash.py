"""Kills writers at random moments, and counts what a store loses: ``python -m tests.trust.crash --kills N``.

Each round forks a writer from a process that has opened no store, lets it run for a random time after its
first acknowledgement (some are killed while they still open), kills it, and has another child open the store
and compare it with the log.
"""

import argparse
import contextlib
import json
import os
import random
import secrets
import select
import shutil
import signal
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.trust.children import fork, in_child
from tests.trust.expected import Expected, Findings, Step
from tests.trust.workload import Writer, open_store, read_log

__all__ = ["Report", "kill_loop"]

ROUNDS_PER_STORE = 20
"""After so many kills a new store is begun, so that comparing stays quick."""


@dataclass
class Report:
    """What a kill loop found."""

    seed: int
    kills: int = 0
    acknowledged: int = 0
    lost: int = 0
    torn: int = 0
    bad_hash: int = 0

    def clean(self) -> bool:
        """Whether nothing was lost."""
        return not (self.lost or self.torn or self.bad_hash)


def kill_loop(kills: int, seed: int, folder: Path) -> Report:
    """Kill `kills` writers one after another."""
    dice = random.Random(seed)
    report = Report(seed)
    for round_ in range(kills):
        if round_ % ROUNDS_PER_STORE == 0:
            expected, store = Expected(), _empty(folder) / "killed.rcl"
        log = _kill_one(store, expected, dice)
        acknowledged, pending = read_log(log, expected)
        found = in_child(_compare, store, expected, pending)
        if found.took_place is not None and pending is not None:
            expected.play(pending, found.took_place)
        report.kills += 1
        report.acknowledged += acknowledged
        report.lost += len(found.lost)
        report.torn += len(found.torn)
        report.bad_hash += len(found.damage)
        if not found.clean():
            print(f"kill {round_} of seed {seed}: {found}; while: {pending}", file=sys.stderr)
            kept = folder.parent / f"killed-{seed}-{round_}"
            shutil.copytree(folder, kept, dirs_exist_ok=True)
            print(f"the store is kept in {kept}", file=sys.stderr)
            expected, store = Expected(), _empty(folder) / "killed.rcl"
    return report


def _empty(folder: Path) -> Path:
    for file in folder.iterdir():
        file.unlink()
    return folder


def _kill_one(store: Path, expected: Expected, dice: random.Random) -> list[bytes]:
    """Run one writer, kill it, and return the lines of its log."""
    reading, writing = os.pipe()
    seed = dice.getrandbits(32)
    opening = dice.random() < 0.1
    patience = dice.uniform(0, 0.005) if opening else dice.uniform(0.002, 0.050)

    def write() -> None:
        os.close(reading)
        Writer(store, seed, expected, lambda line: os.write(writing, line)).run()

    child = fork(write)
    os.close(writing)
    log = bytearray()
    if not opening:
        while b"\n<" not in log:
            part = os.read(reading, 1 << 16)
            if not part:
                raise AssertionError(f"the writer of seed {seed} ended by itself")
            log += part
    deadline = time.monotonic() + patience
    while (left := deadline - time.monotonic()) > 0 and select.select([reading], [], [], left)[0]:
        part = os.read(reading, 1 << 16)
        if not part:
            break
        log += part
    os.kill(child, signal.SIGKILL)
    while part := os.read(reading, 1 << 16):
        log += part
    os.close(reading)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), f"the writer of seed {seed} ended by itself with {status}"
    return bytes(log).splitlines(keepends=True)


def _compare(store: Path, expected: Expected, pending: Step | None) -> Findings:
    memory = open_store(store)
    found = expected.compare(memory, pending)
    memory.close()
    return found


def main() -> int:
    """Read the command line, kill, and write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--seed", type=int, default=secrets.randbits(32))
    options = parser.parse_args()
    print(f"seed {options.seed}", file=sys.stderr)
    shared = Path("/dev/shm")
    parent = Path(os.environ.get("TMPDIR") or (shared if shared.is_dir() else tempfile.gettempdir()))
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(dir=parent, prefix="recollect-crash-"))
        report = kill_loop(options.kills, options.seed, Path(folder))
    text = json.dumps(asdict(report))
    if options.out:
        options.out.write_text(text + "\n")
    print(text)
    return 0 if report.clean() else 1


if __name__ == "__main__":
    sys.exit(main())
