"""A store that loses power holds everything that was acknowledged."""

import random
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.trust.children import start
from tests.trust.power_loss import LOG, STORE, Disk, crash_point, examine, first_acknowledgement
from tests.trust.recording import Change, compile_recorder, record, why_not

pytestmark = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))

POINTS = 500
STEPS = 60
SEED = 20_261_121


@pytest.fixture(scope="module")
def recorder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_recorder(tmp_path_factory.mktemp("recorder"))


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("watched")


@pytest.fixture(scope="module")
def changes(recorder: Path, watched: Path) -> list[Change]:
    return _record(recorder, watched, "full")


def _record(recorder: Path, watched: Path, durability: str) -> list[Change]:
    store, log = watched / STORE, watched / LOG
    notes = watched.parent / f"notes-{durability}-{watched.name}"
    arguments = ["tests.trust.workload", str(store), str(log), str(SEED), str(STEPS), durability]
    return record(recorder, watched, notes, arguments)


def _failures(
    changes: Sequence[Change], points: int, folder: Path, *, ignore_syncs: bool = False
) -> list[str]:
    """What is wrong at each of many random points, examined by two children."""
    earliest = first_acknowledgement(changes)

    def examine_some(worker: int) -> list[str]:
        own = folder / str(worker)
        own.mkdir()
        failures = []
        for point in range(worker, points, 2):
            dice = random.Random(SEED + point)
            cut = dice.randint(earliest, len(changes))
            files, log = crash_point(changes, cut, dice, ignore_syncs=ignore_syncs)
            if wrong := examine(own, files, log):
                failures.append(f"point {point} (after change {cut} of {len(changes)}): {wrong}")
        return failures

    children = [start(examine_some, worker) for worker in range(2)]
    return [failure for child in children for failure in child.result(300)]


def test_the_recording_is_complete(changes: list[Change], watched: Path) -> None:
    disk = Disk()
    for change in changes:
        disk.play(change)
    there = {p.name: p.read_bytes() for p in watched.iterdir() if not p.name.endswith("-shm")}
    assert disk.whole() == there, "a change went past the recorder"
    assert sum(change.op == "S" for change in changes) > STEPS / 2


def test_power_loss_loses_nothing_that_was_acknowledged(changes: list[Change], tmp_path: Path) -> None:
    failures = _failures(changes, POINTS, tmp_path)
    print(f"seed {SEED}, {len(changes)} changes", file=sys.stderr)
    assert not failures, f"{len(failures)} of {POINTS}: " + "\n".join(failures[:5])


def test_without_syncs_the_same_points_fail(changes: list[Change], tmp_path: Path) -> None:
    """Proves that the simulation has teeth: a disk that ignores syncs loses acknowledged writes."""
    failures = _failures(changes, 60, tmp_path, ignore_syncs=True)
    assert len(failures) >= 30, f"only {len(failures)} of 60 points failed"


def test_a_power_loss_while_the_store_is_created_leaves_a_store_that_opens(
    changes: list[Change], tmp_path: Path
) -> None:
    earliest = first_acknowledgement(changes)

    def examine_all() -> list[str]:
        failures = []
        for cut in range(earliest):
            dice = random.Random(cut)
            files, log = crash_point(changes, cut, dice)
            if wrong := examine(tmp_path, files, log):
                failures.append(f"after change {cut} of {earliest}: {wrong}")
        return failures

    failures = start(examine_all).result()
    assert not failures, f"{len(failures)} of {earliest}: " + "\n".join(failures[:5])


def test_durability_normal_loses_writes_only_whole_and_from_the_end(
    recorder: Path, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    """What is left after a power loss is what some earlier moment held, and it is sound."""
    from tests.trust.expected import Expected
    from tests.trust.workload import open_store, read_log

    changes = _record(recorder, tmp_path_factory.mktemp("normal"), "normal")
    earliest = first_acknowledgement(changes)

    def examine_some() -> list[str]:
        failures = []
        for point in range(100):
            dice = random.Random(SEED + point)
            files, log = crash_point(changes, dice.randint(earliest, len(changes)), dice)
            lines = log.splitlines(keepends=True)
            for old in tmp_path.iterdir():
                old.unlink()
            for name, content in files.items():
                (tmp_path / name).write_bytes(content)
            with open_store(tmp_path / STORE) as memory:
                for end in range(len(lines), -1, -1):
                    expected = Expected()
                    _, pending = read_log(lines[:end], expected)
                    found = expected.compare(memory, pending, deep=0)
                    if found.clean() or found.damage:
                        break
            if not found.clean():
                failures.append(f"point {point}: {found}")
        return failures

    failures = start(examine_some).result()
    assert not failures, f"{len(failures)} of 100: " + "\n".join(failures[:5])
