"""Export and import."""

import base64
import errno
import json
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import recollect
from recollect import lines
from recollect.embedding.hashing import HashingEmbedder
from recollect.errors import (
    CorruptStore,
    DiskFull,
    InvalidArgument,
    LimitExceeded,
    StorageFailure,
    StoreMissing,
    WrongType,
)


def write(path: Path, *rows: Any) -> Path:
    """Write rows as JSON Lines; texts go in as they are."""
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return path


def fields(memory: recollect.Memory) -> list[dict[str, Any]]:
    """Return what an import must keep of each memory."""
    lost = {"uid", "ingested", "expires", "version", "mentions", "parents", "namespace"}
    return [
        {name: value for name, value in vars(record).items() if name not in lost}
        for record in memory.list(order="ingested")
    ]


def fill(memory: recollect.Memory) -> None:
    """Add memories that use every field."""
    first = memory.add(
        "The cat is eleven. 🐈", speaker="Ilse", session="s1", at="2026-01-01T10:00:00.123456Z"
    )
    memory.add("ok", speaker="Bram", duplicates="keep")
    memory.add("ok", speaker="Odile", duplicates="keep")
    memory.add(
        'Line one\nline two "quoted"',
        kind="semantic",
        at="2026-01-01",
        until="2026-02-01",
        metadata={"a": {"b": [1]}},
        tags=["x", "y"],
        turn=40,
        importance=0.7,
        confidence=0.3,
        source="conversation",
        principal="agent",
        trust=0.2,
        parents=[first.uid],
        ttl=timedelta(days=3),
        sliding=True,
    )
    gone = memory.add("deleted")
    memory.delete(gone.uid)
    changed = memory.add("before")
    memory.update(changed.uid, text="after")


def test_everything_that_is_recalled_survives(memory: recollect.Memory, tmp_path: Path) -> None:
    fill(memory)
    seen: list[tuple[int, int]] = []
    file = tmp_path / "out.jsonl"
    assert memory.export(file, progress=lambda done, total: seen.append((done, total))) == 5
    assert seen[-1] == (5, 5)
    with recollect.open(embedder=HashingEmbedder()) as copy:
        assert copy.import_file(file) == 5
        assert fields(copy) == fields(memory)
        child = next(record for record in copy.list() if record.parents)
        assert copy.get(child.parents[0]).text.startswith("The cat")
        assert copy.recall("cat eleven")[0].text.startswith("The cat")
        assert copy.export(tmp_path / "again.jsonl") == 5


def test_importing_twice_adds_nothing(memory: recollect.Memory, tmp_path: Path) -> None:
    fill(memory)
    memory.export(tmp_path / "out.jsonl")
    with recollect.open() as copy:
        for _ in range(2):
            assert copy.import_file(tmp_path / "out.jsonl") == 5
            assert copy.count() == 5


def test_namespaces_below_come_along(memory: recollect.Memory, tmp_path: Path) -> None:
    user = memory.namespace("user/1")
    user.add("own")
    user.namespace("chat").add("below")
    memory.add("above")
    assert user.export(tmp_path / "out.jsonl") == 2
    with recollect.open() as copy:
        copy.namespace("new").import_file(tmp_path / "out.jsonl")
        assert copy.namespaces() == [("new",), ("new", "chat")]
        assert copy.namespace("new", "chat").list()[0].text == "below"


def test_an_export_appears_whole_or_not_at_all(memory: recollect.Memory, tmp_path: Path) -> None:
    memory.add("x")
    target = tmp_path / "out.jsonl"
    target.write_text("what was there")

    def stop(done: int, total: int) -> None:
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        memory.export(target, progress=stop)
    assert target.read_text() == "what was there"
    assert [file.name for file in tmp_path.iterdir()] == ["out.jsonl"]
    with pytest.raises(StorageFailure):
        memory.export(tmp_path / "absent" / "out.jsonl")


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_told_and_leaves_no_file(
    lexical: recollect.Memory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(code, os.strerror(code))

    lexical.add("x")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DiskFull, match=r"no space left for .*out\.jsonl"):
        lexical.export(tmp_path / "out.jsonl")
    assert not list(tmp_path.iterdir())


def test_damage_met_on_the_way_stays_what_it_is(lexical: recollect.Memory, tmp_path: Path) -> None:
    lexical.add("x")

    def damaged(done: int, total: int) -> None:
        raise CorruptStore("a row is damaged")

    with pytest.raises(CorruptStore):
        lexical.export(tmp_path / "out.jsonl", progress=damaged)
    with pytest.raises(CorruptStore):
        lexical.import_file(write(tmp_path / "in.jsonl", {"text": "y"}), progress=damaged)


def test_plain_text(lexical: recollect.Memory, tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_bytes("\ufefffirst note\r\n\r\n  second note  \nfirst note\nlast".encode())
    assert lexical.import_file(file) == 4
    assert [record.text for record in lexical.list(order="ingested")] == ["first note", "second note", "last"]


def test_the_format_may_be_given(lexical: recollect.Memory, tmp_path: Path) -> None:
    file = write(tmp_path / "notes.dat", {"text": "a note"})
    assert lexical.import_file(file, format="jsonl") == 1
    assert lexical.list()[0].text == "a note"
    with pytest.raises(InvalidArgument, match=r"^format: "):
        lexical.import_file(file, format="xml")


def test_vectors_come_as_base64(lexical: recollect.Memory, tmp_path: Path) -> None:
    def encoded(*values: float) -> str:
        return base64.b64encode(np.array(values, dtype="<f4").tobytes()).decode()

    rows = (
        {"text": "east", "vectors": [encoded(1, 0)]},
        {"text": "no vector"},
        {"text": "two", "vectors": [encoded(0, 1), encoded(-1, 0)]},
    )
    lexical.import_file(write(tmp_path / "v.jsonl", *rows))
    assert lexical.stats()["vectors"] == 3
    assert lexical.recall(None, 1, vector=[-1, 0])[0].text == "two"


@pytest.mark.parametrize(
    ("row", "error", "message"),
    [
        ("not json", InvalidArgument, "^line 3: not JSON"),
        ("[1]", WrongType, "^line 3: expected a JSON object, found list"),
        ("{}", InvalidArgument, "^line 3: has no text"),
        ({"text": 3}, WrongType, "^line 3: text: expected str"),
        ({"text": "x", "speeker": "Ilse"}, InvalidArgument, "^line 3: unknown field 'speeker'"),
        ({"text": "x", "at": "soon"}, InvalidArgument, "^line 3: at: "),
        ({"text": "x", "until": "2026-01-01"}, InvalidArgument, "^line 3: until: needs"),
        ({"text": "x", "kind": "dream"}, InvalidArgument, "^line 3: kind: "),
        ({"text": "x", "importance": 7}, InvalidArgument, "^line 3: importance: "),
        ({"text": "x", "tags": "a"}, WrongType, "^line 3: tags: "),
        ({"text": "x", "metadata": 3}, WrongType, "^line 3: metadata: "),
        ({"text": "x", "ttl": -1}, InvalidArgument, "^line 3: ttl: "),
        ({"text": "x", "sliding": "yes"}, WrongType, "^line 3: sliding: "),
        ({"text": "x", "vectors": ["?"]}, InvalidArgument, r"^line 3: vectors\[0\]: not base64"),
        ({"text": "x", "vectors": ["AAA="]}, InvalidArgument, r"^line 3: vectors\[0\]: 2 bytes"),
        (
            {"text": "x", "vectors": ["AACAPw==", "AACAPwAAgD8="]},
            InvalidArgument,
            r"^line 3: vectors\[1\]: expected 1",
        ),
        ({"text": "x", "parents": ["zz"]}, InvalidArgument, "^line 3: parents"),
        ('{"text": "x", "importance": NaN}', InvalidArgument, "^line 3: not JSON: NaN"),
        ('{"text": "\\ud800"}', InvalidArgument, "^line 3: text: character 0"),
        (
            '{"text": "x", "metadata": ' + '{"a":' * 90_000 + "1" + "}" * 90_001,
            LimitExceeded,
            "^line 3: .*deep",
        ),
        ('{"text": "x", "turn": ' + "9" * 5000 + "}", InvalidArgument, "^line 3: "),
    ],
    ids=[str(n) for n in range(21)],
)
def test_errors_name_the_line_and_write_nothing(
    lexical: recollect.Memory, tmp_path: Path, row: Any, error: type[Exception], message: str
) -> None:
    file = write(tmp_path / "bad.jsonl", {"text": "good"}, "", row)
    with pytest.raises(error, match=message):
        lexical.import_file(file)
    assert lexical.count() == 0


def test_bytes_that_are_no_text(lexical: recollect.Memory, tmp_path: Path) -> None:
    file = tmp_path / "bad.txt"
    file.write_bytes(b"good\n\xff\xfe\n")
    with pytest.raises(InvalidArgument, match=r"^line 2: not UTF-8"):
        lexical.import_file(file)


def test_lines_without_end(
    lexical: recollect.Memory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "LONGEST_LINE", 100)
    file = tmp_path / "long.txt"
    file.write_text("x" * 100_000)
    with pytest.raises(LimitExceeded, match=r"^line 1: longer than the limit of 100 bytes"):
        lexical.import_file(file)


def test_a_bad_line_keeps_the_batches_before_it(lexical: recollect.Memory, tmp_path: Path) -> None:
    rows = [{"text": f"note {n}"} for n in range(600)]
    with pytest.raises(InvalidArgument, match=r"^line 601: "):
        lexical.import_file(write(tmp_path / "long.jsonl", *rows, "oops"))
    assert lexical.count() == 512


def test_files_that_are_none(lexical: recollect.Memory, tmp_path: Path) -> None:
    with pytest.raises(StoreMissing, match="there is no file"):
        lexical.import_file(tmp_path / "absent.jsonl")
    with pytest.raises(StorageFailure):
        lexical.import_file(tmp_path)
    with pytest.raises(StorageFailure):
        lexical.import_file(tmp_path / ("long" * 100), "jsonl")
    (tmp_path / "empty.jsonl").touch()
    assert lexical.import_file(tmp_path / "empty.jsonl") == 0


def test_given_vectors_survive_a_round_trip(tmp_path: Path) -> None:
    keys = [np.eye(3, dtype=np.float32)[:2], np.array([[0, 0, 1]], dtype=np.float32), None]
    with recollect.open() as source:
        uids = [one.uid for one in source.add_many(["two keys", "one key", "no key"], vectors=keys)]
        np.testing.assert_array_equal(source.vectors(uids[0]), keys[0])
        assert source.vectors(uids[2]).shape[0] == 0
        assert source.export(tmp_path / "all.jsonl") == 3
    with recollect.open() as target:
        assert target.import_file(tmp_path / "all.jsonl") == 3
        assert target.stats()["vectors"] == 3
        assert target.recall(None, k=1, vector=[0, 0, 1])[0].text == "one key"


def test_vectors_of_another_space_are_left(tmp_path: Path) -> None:
    with recollect.open() as source:
        source.add("east", vector=[1, 0])
        source.export(tmp_path / "all.jsonl")
    with recollect.open(embedder=HashingEmbedder(dim=8)) as target:
        target.import_file(tmp_path / "all.jsonl")
        assert target.vectors(target.list()[0].uid).shape == (1, 8)


def test_links_and_pins_come_along(tmp_path: Path) -> None:
    with recollect.open() as memory:
        a, b = (memory.add(text, metadata={"title": text}).uid for text in ("Anna Berg", "Lake Road"))
        note = memory.add("Anna Berg lives in Lake Road.").uid
        deep = memory.namespace("deep")
        c, d = deep.add("three").uid, deep.add("four").uid
        memory.link(a, b, "lives in", weight=2.5, at="2026-03-01")
        memory.link([b, a], [a, note], ["home of", "doubts"], trust=0.2)
        deep.link(d, c, "follows")
        memory.pin(b)
        memory.export(tmp_path / "all.jsonl")

    def told(memory: recollect.Memory) -> set[tuple[object, ...]]:
        return {
            (record.text, memory.get(x.uid).text, x.out, x.relation, x.weight, x.trusted)
            for record in memory.list()
            for x in memory.neighbours(record.uid)
        }

    with recollect.open() as again:
        assert again.import_file(tmp_path / "all.jsonl") == 5
        first = told(again)
        assert len(first) == 2 * 5
        assert ("Anna Berg", "Lake Road", True, "lives in", 2.5, True) in first
        assert ("Lake Road", "Anna Berg", True, "home of", 1.0, False) in first
        assert told(again.namespace("deep")) == {
            ("four", "three", True, "follows", 1.0, True),
            ("three", "four", False, "follows", 1.0, True),
        }
        assert [record.text for record in again.list({"pinned": True})] == ["Lake Road"]
        again.import_file(tmp_path / "all.jsonl")
        assert told(again) == first


@pytest.mark.parametrize(
    "links", ["none", [["x"]], [["x", "r", True, "2026-01-01", 1, 2]], [[1, "r", 1, "2026", 1]]]
)
def test_links_that_cannot_be_read(tmp_path: Path, links: object) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"text": "one", "uid": "1", "links": links}))
    with recollect.open() as memory:
        with pytest.raises(recollect.RecollectError, match="line 1: links"):
            memory.import_file(path)
        assert memory.count() == 0
