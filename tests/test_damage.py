"""A damaged file gives right answers or an error that names the damage: never wrong data, never a crash."""

import collections
import json
import os
import random
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from recollect import Memory
from tests.trust.children import fork, in_child
from tests.trust.damage import KINDS, STORE, Picture, Sample, Verdict, damage, examine, fill, take_picture
from tests.trust.workload import WORDS, open_store

TRIALS = 1_000
WORKERS = 2
SEED = 20_261_121


def _build(folder: Path, seed: int) -> Sample:
    """Write a store in two halves, keeping its files of both moments and of many between."""
    dice, path = random.Random(seed), folder / STORE
    early_pictures: list[Picture] = []

    def write(memory: Memory, numbers: range) -> Iterator[None]:
        yield from fill(memory, dice, list(WORDS), numbers)

    with open_store(path) as memory:
        collections.deque(write(memory, range(20)), maxlen=0)
        memory.checkpoint()
    with open_store(path) as memory:
        early_pictures.append(take_picture(memory))
        early_pictures += [take_picture(memory) for _ in write(memory, range(20, 26))]
        early, early_log = path.read_bytes(), path.with_name(f"{STORE}-wal").read_bytes()
    with open_store(path) as memory:
        collections.deque(write(memory, range(26, 46)), maxlen=0)
        memory.checkpoint()
        picture = take_picture(memory)
    return Sample(path.read_bytes(), early, early_log, b"", picture, tuple(early_pictures))


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    one, two = tmp_path_factory.mktemp("one"), tmp_path_factory.mktemp("two")
    foreign = in_child(_build, two, 2)
    sample = in_child(_build, one, 1)
    return Sample(
        sample.closed,
        sample.early,
        sample.early_log,
        foreign.early_log,
        sample.picture,
        sample.early_pictures,
    )


def _kind(trial: int) -> str:
    return KINDS[trial // WORKERS % len(KINDS)]


def _run_worker(worker: int, folder: Path, sample: Sample) -> tuple[int, int]:
    """Start a child that goes through the trials of one worker; return it and the pipe of its verdicts."""
    reading, writing = os.pipe()

    def child() -> None:
        os.close(reading)
        folder.mkdir()
        for trial in range(worker, TRIALS, WORKERS):
            files = damage(_kind(trial), random.Random(SEED * 1_000_003 + trial), sample)
            verdict = examine(_kind(trial), folder, files, sample)
            os.write(
                writing, json.dumps([trial, verdict.kind, verdict.ending, verdict.detail]).encode() + b"\n"
            )

    started = fork(child)
    os.close(writing)
    return started, reading


def test_a_damaged_file_never_gives_wrong_data(sample: Sample, tmp_path: Path) -> None:
    verdicts: list[tuple[int, Verdict]] = []
    workers = [_run_worker(worker, tmp_path / str(worker), sample) for worker in range(WORKERS)]
    crashed = []
    for worker, (child, reading) in enumerate(workers):
        with os.fdopen(reading, "rb") as lines:
            own = [json.loads(line) for line in lines]
        verdicts += [(trial, Verdict(*rest)) for trial, *rest in own]
        _, status = os.waitpid(child, 0)
        if status:
            trial = own[-1][0] + WORKERS if own else worker
            crashed.append(f"trial {trial} ({_kind(trial)}) ended its worker with status {status}")
    table = collections.Counter((verdict.kind, verdict.ending) for _, verdict in verdicts)
    shown = "\n".join(f"{kind:20} {ending:9} {count}" for (kind, ending), count in sorted(table.items()))
    print(f"seed {SEED}\n{shown}", file=sys.stderr)
    wrong = [f"trial {trial}: {verdict}" for trial, verdict in verdicts if verdict.ending == "WRONG"]
    assert not crashed, crashed
    assert not wrong, f"{len(wrong)} of {len(verdicts)}:\n" + "\n".join(wrong[:10])
    assert len(verdicts) == TRIALS
