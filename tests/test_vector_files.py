"""A vector index as a file: the same answers, and every damage an error."""

from pathlib import Path

import numpy as np
import pytest

import recollect
from recollect import VectorIndex
from recollect.errors import CorruptStore, FormatTooNew, NotAStore, StoreMissing
from tests.clusters import clustered


@pytest.mark.parametrize("keep", ["f32", "f16", "int8"])
@pytest.mark.parametrize("metric", ["cosine", "dot", "euclidean"])
def test_a_file_gives_the_same_answers(tmp_path: Path, metric: str, keep: str) -> None:
    path, queries = tmp_path / "vectors.idx", clustered(50, 24, 2)
    index = VectorIndex(24, metric, keep)
    index.save(path)
    assert VectorIndex.load(path).ids().shape == (0,)
    index.add(clustered(3_000, 24, 1))
    index.add(clustered(2, 24, 3), [-1, 10**17])
    for removed in ([], [5, 2_999, 10**17]):
        index.remove(removed)
        index.save(str(path))
        again = VectorIndex.load(path)
        assert (again.dim, again.metric, again.keep) == (24, metric, keep)
        assert (again.ids() == index.ids()).all()
        assert again.vectors(again.ids()).tobytes() == index.vectors(index.ids()).tobytes()
        for target in (0.9, 1.0):
            for one, other in zip(
                index.search_many(queries, 10, target), again.search_many(queries, 10, target), strict=True
            ):
                assert one.tobytes() == other.tobytes()
    assert again.stats()["cells"] == index.stats()["cells"]
    assert again.add(np.ones(24)).tolist() == index.add(np.ones(24)).tolist() == [10**17 + 1]
    assert [file.name for file in tmp_path.iterdir()] == ["vectors.idx"]


def test_damage_is_an_error(tmp_path: Path) -> None:
    index = VectorIndex(8, keep="f16")
    index.add(clustered(1_200, 8, 1))
    path, other = tmp_path / "whole", tmp_path / "damaged"
    index.save(path)
    whole = path.read_bytes()
    offsets = [*range(80), *range(80, len(whole), len(whole) // 200), *range(len(whole) - 20, len(whole))]
    for at in offsets:
        damaged = bytearray(whole)
        damaged[at] ^= 1 << at % 8
        other.write_bytes(damaged)
        with pytest.raises((CorruptStore, NotAStore, FormatTooNew), match="damaged"):
            VectorIndex.load(other)
        other.write_bytes(whole[:at])
        with pytest.raises((CorruptStore, NotAStore), match="damaged"):
            VectorIndex.load(other)
    for longer in (whole + b"\0", whole + whole):
        other.write_bytes(longer)
        with pytest.raises(CorruptStore, match="bytes after the end"):
            VectorIndex.load(other)


def test_other_files_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "index"
    with pytest.raises(StoreMissing) as raised:
        VectorIndex.load(path)
    assert isinstance(raised.value, FileNotFoundError)
    index = VectorIndex(3)
    index.save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[:8] + b"\x02\0\0\0" + whole[12:])
    with pytest.raises(FormatTooNew, match="format 2"):
        VectorIndex.load(path)
    recollect.open(tmp_path / "store.rcl").close()
    path.write_bytes(b"a text that is no index")
    (tmp_path / "empty").touch()
    for name in ("index", "empty", "store.rcl"):
        with pytest.raises(NotAStore, match="not a saved index"):
            VectorIndex.load(tmp_path / name)
    with pytest.raises(OSError, match=str(tmp_path)):
        VectorIndex.load(tmp_path)
    with pytest.raises(OSError, match="nowhere"):
        index.save(tmp_path / "nowhere" / "index")
    with pytest.raises(OSError, match=str(tmp_path)):
        index.save(tmp_path)
    assert not list(tmp_path.glob("*.tmp"))
    assert not list(tmp_path.glob(".*"))
