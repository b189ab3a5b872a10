"""A migration under erasure and under kills: what is erased is in no space, what was told is kept."""

import os
import random
import signal
import time
from pathlib import Path

import pytest

import recollect
from recollect import Embedder
from tests.moving import best, filled, holds, new_model, old_model, texts
from tests.trust.children import fork, in_child


@pytest.mark.parametrize("moment", ["before", "at the start", "during", "after"])
def test_erasure_reaches_the_vectors_of_every_space(path: Path, moment: str) -> None:
    old, new = old_model(), new_model()
    secret = "zinnia quagga vexillum"
    needles = [model.embed([secret])[0].tobytes() for model in (old, new)]
    with filled(path, old, 12) as memory:
        uid = memory.add(secret).uid
        memory.add_many([f"{text} more" for text in texts(30)])
        if moment != "before":
            memory.start_migration(new)
        if moment == "during":
            memory.recall("harbour")
            memory.recall("harbour")
            memory.update(uid, metadata={"again": 1})
        if moment == "after":
            memory.migrate()
            memory.update(uid, metadata={"again": 1})
        memory.checkpoint()
        assert holds(path.parent, needles[0])
        assert holds(path.parent, needles[1]) == (moment in ("during", "after"))
        assert memory.forget(uid, erase=True).state == "done"
        assert not any(holds(path.parent, needle) for needle in needles), "while the store is open"
        memory.migrate(new)
        memory.checkpoint()
        assert memory.verify().ok
    assert not any(holds(path.parent, needle) for needle in needles), "after closing"


def _kill_in_a_migration(path: Path, patience: float) -> int:
    """Kill a child some time after it began to migrate; return how many memories it told it had embedded."""
    reading, writing = os.pipe()

    def move() -> None:
        new = new_model()
        new.wait = 0.001
        memory = recollect.open(path, embedder=new)
        memory.count()
        os.write(writing, b"<")
        memory.migrate(batch=2, progress=lambda done, total: os.write(writing, b"++"))
        signal.pause()

    child = fork(move)
    os.close(writing)
    os.read(reading, 1)
    time.sleep(patience)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with os.fdopen(reading, "rb") as told:
        return len(told.read())


def _look(path: Path) -> tuple[int, str, bool, list[tuple[str, float]]]:
    """Return how many are embedded, which space answers, whether the file is sound, and what it answers."""
    with recollect.open(path, embedder=new_model(), migrating_from=old_model(), read_only=True) as memory:
        space = memory.recall("harbour").trace["space"]["name"]
        far = memory.stats()["migration"] or {"done": 60 if space == "new" else 0}
        return far["done"], space, memory.verify().ok, sorted(best(memory))


def _finish(path: Path) -> list[tuple[str, float]]:
    with recollect.open(path, embedder=new_model()) as memory:
        memory.migrate()
        return sorted(best(memory))


def _expected(embedder: Embedder) -> list[tuple[str, float]]:
    with filled(None, embedder, 60) as memory:
        return sorted(best(memory))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_killed_migration_keeps_what_it_told_and_goes_on(tmp_path: Path) -> None:
    dice = random.Random(9)
    old, new = in_child(_expected, old_model()), in_child(_expected, new_model())
    seen = set()
    for kill in range(8):
        path = tmp_path / f"{kill}.rcl"
        in_child(lambda at: filled(at, old_model(), 60).close(), path)
        told = _kill_in_a_migration(path, dice.uniform(0.005, 0.06))
        done, space, sound, found = in_child(_look, path)
        assert sound
        assert done >= told
        assert (space == "new") == (done == 60)
        assert found == (new if done == 60 else old)
        assert in_child(_finish, path) == new
        seen.add(done)
    assert len(seen) > 2, "the kills must come at different places"
