"""A namespace moves from one embedder to another while it stays in use."""

import sqlite3
from pathlib import Path

import numpy as np
import pytest

import recollect
from recollect import InvalidArgument
from recollect.embedding.protocol import Vectors
from recollect.errors import EmbedderFailure, EmbedderMissing, SpaceMismatch
from recollect.options import Keep
from tests.conftest import NOON
from tests.moving import Renamed, best, filled, holds, new_model, old_model, texts


@pytest.mark.parametrize("keep", ["f32", "f16", "int8"])
def test_after_it_a_namespace_is_as_one_that_was_written_with_the_new_embedder(
    path: Path, keep: Keep
) -> None:
    new = new_model()
    told: list[tuple[int, int]] = []
    with filled(path, old_model(), keep=keep) as memory, filled(None, new, keep=keep) as twin:
        assert memory.migrate(new, batch=7, progress=lambda done, total: told.append((done, total))) == 30
        assert told == [(7, 30), (14, 30), (21, 30), (28, 30), (30, 30)]
        assert best(memory) == best(twin)
        assert memory.stats()["migration"] is None
        trace = memory.recall("harbour").trace
        assert trace["space"] == {
            "name": "new",
            "dim": 32,
            "metric": "cosine",
            "embedded": 30,
            "memories": 30,
        }
        uid = memory.list(limit=1)[0].uid
        assert memory.vectors(uid).shape == (1, 32)
        memory.update(uid, metadata={"kept": True})
        assert memory.vectors(uid).shape == (1, 32)
        assert [change.op for change in memory.history(uid)] == ["added", "embedded", "updated"]
        assert memory.migrate(new) == 0
        assert memory.verify().ok
    for reopened in (new, None):
        with recollect.open(path, embedder=reopened, clock=lambda: NOON) as memory:
            assert memory.stats()["vectors"] == 30
            assert [hit.text for hit in memory.recall("number12", k=1)] == [texts(30)[12]]
    with (
        recollect.open(path, embedder=old_model()) as memory,
        pytest.raises(SpaceMismatch, match="migration"),
    ):
        memory.recall("harbour")


def test_both_spaces_answer_while_it_moves(path: Path) -> None:
    old, new = old_model(), new_model()
    with filled(path, old) as memory:
        before = best(memory)
        far = memory.start_migration(new)
        assert far == {
            "from": {"name": "old", "dim": 48, "metric": "cosine"},
            "to": {"name": "new", "dim": 32, "metric": "cosine"},
            "done": 0,
            "total": 30,
        }
        recall = memory.recall("harbour lantern number3", k=100, signals=["vectors"])
        assert [(hit.text, hit.score) for hit in recall] == before, "the old space is complete"
        assert recall.trace["space"]["name"] == "old"
        assert recall.trace["migration"] == {**far, "done": 8}
    with recollect.open(path, read_only=True, embedder=new, clock=lambda: NOON) as reader:
        recall = reader.recall("number3 number20", k=100)
        assert recall.trace["space"] == {
            "name": "new", "dim": 32, "metric": "cosine", "embedded": 8, "memories": 30
        }  # fmt: skip
        assert recall.trace["signals"]["vectors"] == 8
        assert texts(30)[20] in [hit.text for hit in recall], "found by its words"
    with recollect.open(path, read_only=True, embedder=new, migrating_from=old, clock=lambda: NOON) as reader:
        assert best(reader) == before
        vector = new.embed(["harbour"])[0]
        assert reader.recall(None, k=100, vector=vector).trace["space"]["name"] == "new"


def test_calls_fill_the_next_space_on_the_side_and_the_last_one_moves_the_namespace(path: Path) -> None:
    old, new = old_model(), new_model()
    filled(path, old, 40).close()
    with recollect.open(path, embedder=new, migrating_from=old, clock=lambda: NOON) as memory:
        memory.start_migration()
        done = []
        for call in range(2):
            memory.recall("harbour")
            done.append(memory.stats()["migration"]["done"])
            memory.add(f"written meanwhile {call}")
            done.append(memory.stats()["migration"]["done"])
        # Eight each time, and what was added itself.
        assert done == [8, 17, 25, 34]
        memory.recall("harbour")
        assert memory.stats()["migration"] is None
        written = texts(40) + [f"written meanwhile {call}" for call in range(2)]
        with recollect.open(embedder=new, clock=lambda: NOON) as twin:
            twin.add_many(written)
            assert best(memory) == best(twin)
    assert new.texts.count(texts(40)[7]) == 2, "here once, and in the twin"


def test_what_is_changed_meanwhile_is_right_in_both_spaces(path: Path) -> None:
    old, new = old_model(), new_model()
    with filled(path, old, 60) as memory:
        uids = [record.uid for record in memory.list(order="ingested")]
        memory.start_migration(new)
        memory.recall("harbour")
        kept = texts(60)
        for at in (2, 25):
            memory.update(uids[at], text=f"another text {at}")
            kept[at] = f"another text {at}"
        memory.update(uids[3], metadata={"topic": "sea"})
        memory.delete([uids[4], uids[26]])
        memory.forget(uids[5], erase=True)
        kept = [text for at, text in enumerate(kept) if at not in (4, 5, 26)]
        with recollect.open(embedder=old, clock=lambda: NOON) as twin:
            twin.add_many(kept)
            assert sorted(best(memory)) == sorted(best(twin))
        memory.migrate(new)
        with recollect.open(embedder=new, clock=lambda: NOON) as twin:
            twin.add_many(kept)
            assert sorted(best(memory)) == sorted(best(twin))
        assert memory.verify().ok


def test_ctrl_c_between_batches_keeps_what_is_done(path: Path) -> None:
    new = new_model()

    def stop(done: int, total: int) -> None:
        if done >= 20:
            raise KeyboardInterrupt

    with filled(path, old_model()) as memory:
        with pytest.raises(KeyboardInterrupt):
            memory.migrate(new, batch=10, progress=stop)
        assert memory.stats()["migration"]["done"] == 20
    with recollect.open(path, embedder=new) as memory:
        assert memory.migrate() == 10
        assert memory.stats()["migration"] is None


def test_an_embedder_that_fails_stops_the_migration_and_nothing_else(path: Path) -> None:
    old, new = old_model(), new_model()
    with filled(path, old) as memory:
        memory.start_migration(new)
        new.failing = True
        with pytest.raises(EmbedderFailure, match="no route"):
            memory.migrate(new)
        recall = memory.recall("harbour", k=3)
        assert len(recall) == 3
        assert recall.trace["migration"]["failed"].startswith("EmbedderFailure: embedder new: OSError")
        with pytest.raises(EmbedderFailure):
            memory.add("not written")
        assert memory.count() == 30
        new.failing = False
        assert memory.migrate() == 30


def test_abandoning_drops_the_new_vectors(path: Path) -> None:
    old, new = old_model(), new_model()
    with filled(path, old) as memory:
        before = best(memory)
        assert not memory.abandon_migration()
        memory.start_migration(new)
        memory.recall("harbour")
        added = memory.add("written meanwhile")
        needle = new.embed(["written meanwhile"])[0].tobytes()
        memory.checkpoint()
        assert holds(path.parent, needle)
        assert memory.abandon_migration()
        assert memory.stats()["migration"] is None
        memory.forget(added.uid, erase=True)
        assert best(memory) == before
    assert not holds(path.parent, needle)
    with recollect.open(path, embedder=new) as memory, pytest.raises(SpaceMismatch):
        memory.recall("harbour")


def test_one_migration_at_a_time(path: Path) -> None:
    with filled(path, old_model()) as memory:
        memory.start_migration(new_model())
        with pytest.raises(SpaceMismatch, match="abandon"):
            memory.start_migration(Renamed("third", 16))
        with pytest.raises(SpaceMismatch):
            memory.migrate(old_model())
        with pytest.raises(InvalidArgument, match=r"^batch"):
            memory.migrate(batch=0)
    with recollect.open(path) as memory, pytest.raises(EmbedderMissing):
        memory.migrate()
    with pytest.raises(InvalidArgument, match="migrating_from"):
        recollect.open(migrating_from=old_model())


def test_again_and_back_again(path: Path) -> None:
    old, new = old_model(), new_model()
    with filled(path, old) as memory:
        before = best(memory)
        for embedder in (new, Renamed("third", 16), old):
            assert memory.migrate(embedder) == 30
        assert best(memory) == before
        assert memory.vectors(memory.list(limit=1)[0].uid).shape == (1, 48)
        memory.forget(filter={"turn": {"$gte": 0}}, erase=True)
        assert memory.verify().ok
    for vector in (*old.embed(texts(30)), *new.embed(texts(30))):
        assert not holds(path.parent, vector.tobytes())


def test_words_alone_get_vectors(path: Path) -> None:
    with filled(path, None) as memory:
        assert memory.migrate(new_model()) == 30
        assert memory.stats()["vectors"] == 30
    with recollect.open() as empty:
        assert empty.migrate(new_model()) == 0
        assert empty.start_migration(new_model()) is None
        assert empty.add("nothing was made").op == "added"


def test_vectors_of_the_caller_are_replaced(path: Path) -> None:
    with recollect.open(path, clock=lambda: NOON) as memory:
        memory.add("harbour", vector=[1, 0, 0])
        memory.start_migration(new_model())
        assert memory.recall(None, vector=[1, 0, 0])[0].text == "harbour"
        # That recall embedded the only memory, and so it was the last in the old space.
        with pytest.raises(SpaceMismatch):
            memory.recall(None, vector=[1, 0, 0])


def test_namespaces_move_one_by_one(path: Path) -> None:
    old, new = old_model(), new_model()
    filled(path, old).close()
    with recollect.open(path, embedder=new, migrating_from=old, clock=lambda: NOON) as memory:
        below = memory.namespace("below")
        below.add("a new namespace is in the new space")
        assert below.recall("namespace").trace["space"]["name"] == "new"
        apart = memory.recall("namespace harbour", k=100, scope="below")
        assert "no embedding space in common" in apart.trace["lexical_only"]
        assert "a new namespace is in the new space" in [hit.text for hit in apart]
        memory.start_migration()
        together = memory.recall("namespace harbour", scope="below")
        assert together.trace["space"]["name"] == "new"
        memory.migrate()
        assert memory.recall("harbour", scope="below").trace["space"]["embedded"] == 31


def test_export_and_import_while_it_moves(path: Path, tmp_path: Path) -> None:
    old, new = old_model(), new_model()
    with filled(path, old) as memory:
        memory.start_migration(new)
        memory.recall("harbour")
        assert memory.export(tmp_path / "all.jsonl") == 30
        with recollect.open(embedder=old, clock=lambda: NOON) as other:
            old.texts.clear()
            other.import_file(tmp_path / "all.jsonl")
            assert old.texts == []
        memory.import_file(tmp_path / "all.jsonl")
        assert memory.count() == 60
        memory.migrate()
        assert memory.stats()["vectors"] == 60


def test_the_file_keeps_its_format_until_it_needs_the_next(path: Path) -> None:
    def version(path: Path = path) -> int:
        with sqlite3.connect(path) as conn:
            return int(conn.execute("PRAGMA user_version").fetchone()[0])

    filled(path, old_model()).close()
    assert version() == 1
    with recollect.open(path, embedder=new_model()) as memory:
        memory.start_migration()
    assert version() == 2
    kept = path.with_name("kept.rcl")
    with recollect.open(kept, embedder=old_model(), keep="int8") as memory:
        memory.add("harbour")
    assert version(kept) == 2


def test_a_batch_of_nothing_counts_as_done(path: Path) -> None:
    new = new_model()
    with filled(path, old_model(), 3) as memory:
        memory.add("...")

        class Mute(Renamed):
            """Finds nothing in a text without words."""

            def embed(self, texts: list[str]) -> Vectors:
                """Embed."""
                vectors = super().embed(texts)
                vectors[[text == "..." for text in texts]] = 0
                return np.asarray(vectors, dtype=np.float32)

        assert memory.migrate(Mute("mute", 8)) == 4
        assert memory.stats()["vectors"] == 3
        assert memory.migrate(new) == 4
