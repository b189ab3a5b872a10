"""How long a building takes, and how much memory or disk it leaves taken."""

import ctypes
import gc
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

_PAGE = os.sysconf("SC_PAGE_SIZE")


def built(make: Callable[[], T], count: int, path: Path | None = None) -> tuple[T, float, float]:
    """Return what was built, the seconds, and bytes an item: of the file or folder, else of the process."""
    before = _resident()
    start = time.perf_counter()
    made = make()
    seconds = time.perf_counter() - start
    taken = _resident() - before if path is None else size_of(path)
    return made, seconds, taken / count


def size_of(path: Path) -> int:
    """Return the bytes of a file with its companions, or of a folder."""
    if path.is_dir():
        return sum(one.stat().st_size for one in path.rglob("*") if one.is_file())
    return sum(one.stat().st_size for one in path.parent.glob(path.name + "*"))


def _resident() -> int:
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE
