"""Ctrl-C stops a long call soon, and leaves the store as before the call or as after it."""

import json
import os
import random
import select
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.trust.children import in_child

SOON, LATEST = 0.2, 2.0
"""Seconds in which most and all interruptions are heard, on a busy machine too."""

SIZE = 40_000
ROUNDS = 6

PROGRAM = """if True:
    import json, os, signal, sys, time, recollect
    import numpy as np
    # Loaded at its first use otherwise; what an interrupt of loading a module comes out as is up to Python.
    from recollect import exchange
    # A run that was started in the background hands down an ignored SIGINT.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    path, operation, size = sys.argv[1], sys.argv[2], int(sys.argv[3])
    memory = recollect.open(path, durability="normal")
    rows = np.random.default_rng(1).standard_normal((size, 32), dtype=np.float32)
    texts = [f"new {number} river lantern" for number in range(size)]
    query = " ".join(f"w{number}" for number in range(200))

    def call():
        if operation == "add_many": memory.add_many(texts)
        if operation == "add_many with vectors": memory.namespace("vectors").add_many(texts, vectors=rows)
        if operation == "recall":
            while True: memory.recall(query, k=100)
        if operation == "list":
            while True: memory.list({"metadata.number": {"$gte": 0}}, limit=10)
        if operation == "verify":
            while True: memory.verify()
        if operation == "import":
            memory.import_file(path + ".jsonl")
        if operation == "backup":
            while True: memory.backup(f"{path}-copy-{time.monotonic_ns()}")

    before = memory.count()
    after_before = [before, before + size]
    ended = "finished"
    try:
        print("ready", flush=True)
        call()
    except KeyboardInterrupt:
        ended = "interrupted"
        print("interrupted", flush=True)
    if ended == "finished":
        print("finished", flush=True)
        try: time.sleep(2)
        except KeyboardInterrupt: pass
    count = memory.count() + memory.namespace("vectors").count()
    memory.add("written after the interruption")
    found = memory.recall("interruption", k=1)[0].text
    print(json.dumps([ended, before, count, found, memory.verify().ok]), flush=True)
    memory.close()
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("interrupt") / "big.rcl"

    def fill() -> None:
        import recollect

        dice = random.Random(3)
        with recollect.open(path, durability="normal") as memory:
            texts = [" ".join(f"w{dice.randrange(300)}" for _ in range(12)) + f" {n}" for n in range(SIZE)]
            memory.add_many(texts, metadata=[{"number": number} for number in range(SIZE)])
        lines = (json.dumps({"text": f"imported {number} copper"}) for number in range(SIZE))
        Path(f"{path}.jsonl").write_text("\n".join(lines) + "\n")

    in_child(fill)
    return path


def _interrupt(path: Path, operation: str, patience: float) -> tuple[str, float, list[object]]:
    """Run one call and interrupt it; return how it ended, how long that took, and what was left."""
    command = [sys.executable, "-c", PROGRAM, str(path), operation, str(SIZE)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, bufsize=1) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        early = bool(select.select([child.stdout], [], [], patience)[0])
        began = time.monotonic()
        os.kill(child.pid, signal.SIGINT)
        ended = child.stdout.readline().strip()
        took = time.monotonic() - began
        left = json.loads(child.stdout.readline() or "null")
        child.wait(30)
        assert child.returncode == 0
    return ended if not early else "finished", took, left


OPERATIONS = ("add_many", "add_many with vectors", "recall", "list", "verify", "import", "backup")


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_interruption_is_heard_and_leaves_all_or_nothing(
    store: Path, tmp_path: Path, operation: str
) -> None:
    dice = random.Random(operation)
    waits: list[float] = []
    for round_ in range(ROUNDS):
        path = tmp_path / f"{round_}.rcl"
        path.write_bytes(store.read_bytes())
        Path(f"{path}.jsonl").symlink_to(f"{store}.jsonl")
        patience = dice.uniform(0.005, 0.15)
        ended, took, left = _interrupt(path, operation, patience)
        assert left is not None, f"the child said {ended!r} and nothing after it"
        how, before, count, found, sound = left
        assert found == "written after the interruption"
        assert sound
        whole = {"recall": 0, "list": 0, "verify": 0, "backup": 0}.get(operation, SIZE)
        if ended == "finished":
            assert count == before + whole
            continue
        waits.append(took)
        assert took <= LATEST, f"{how} after {took * 1000:.0f} ms, interrupted after {patience * 1000:.0f} ms"
        if operation == "import":
            assert before <= count <= before + whole, "an import goes in batches, each of them whole"
        else:
            assert count in (before, before + whole)
        path.unlink()
    assert waits, "no call lasted long enough to be interrupted"
    assert statistics.median_low(waits) <= SOON, waits
