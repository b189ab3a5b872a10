"""Records every change a process makes to the files of a folder, and reads the notes back."""

import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Change", "compile_recorder", "record", "why_not"]

_HEADER = struct.Struct("=cIQQ")


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one file."""

    op: str
    """C created, T emptied, W written, F cut, S synced, U unlinked, R renamed, D the folder synced."""
    name: str
    offset: int
    data: bytes


def why_not() -> str | None:
    """Say why nothing can be recorded here; None where it can."""
    if not sys.platform.startswith("linux"):
        return "preloading works on Linux only"
    if shutil.which("cc") is None:
        return "there is no C compiler"
    return None


def compile_recorder(folder: Path) -> Path:
    """Compile the recorder into a folder."""
    library = folder / "recorder.so"
    source = Path(__file__).with_name("recorder.c")
    subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", library, source, "-ldl", "-lpthread"], check=True)
    return library


def record(library: Path, watched: Path, notes: Path, arguments: list[str]) -> list[Change]:
    """Run a module of these tests with the recorder; return the changes it made in `watched`."""
    watched = watched.resolve()
    environment = dict(
        os.environ, LD_PRELOAD=str(library), RECORD_FOLDER=str(watched), RECORD_NOTES=str(notes)
    )
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-m", *arguments], cwd=root, env=environment, check=True, timeout=120)
    return list(_read(notes.read_bytes()))


def _read(notes: bytes) -> Iterator[Change]:
    at = 0
    while at < len(notes):
        op, length, offset, count = _HEADER.unpack_from(notes, at)
        at += _HEADER.size
        path, data = notes[at : at + length], notes[at + length : at + length + count]
        at += length + count
        yield Change(op.decode(), Path(os.fsdecode(path)).name, offset, data)
