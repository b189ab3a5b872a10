"""A program that ends without closing ends at once, with code 0, and its data is there."""

import subprocess
import sys
from pathlib import Path

import pytest

import recollect

BEGINNING = "import sys, recollect\nmemory = recollect.open(sys.argv[1])\nmemory.add('entry')"
ENDINGS = {
    "falls off the end": "",
    "exits": "sys.exit(0)",
    "exits in a function that holds the store": "def end(m): sys.exit(0)\nend(memory)",
    "keeps it in a cycle": "memory_holder = [memory]; memory_holder.append(memory_holder)",
    "keeps it in a module": "sys.modules['held'] = memory",
    "writes in an atexit handler": "import atexit; atexit.register(lambda: memory.add('late'))",
    "closes in an atexit handler": "import atexit; atexit.register(memory.close)",
    "has a thread that reads": (
        "import threading\n"
        "def read():\n    while True: memory.recall('entry')\n"
        "threading.Thread(target=read, daemon=True).start()"
    ),
    "has a thread that writes": (
        "import threading\n"
        "def write():\n    while True: memory.namespace('thread').add('entry', duplicates='keep')\n"
        "threading.Thread(target=write, daemon=True).start()"
    ),
    "has a child namespace left": "child = memory.namespace('below'); child.add('x'); del memory",
    "raises in a progress callback": (
        "def progress(*_): raise RuntimeError('from the callback')\n"
        "try: memory.add_many(['x'] * 3, duplicates='keep', progress=progress)\n"
        "except RuntimeError: pass"
    ),
    "is deleted by hand": "del memory",
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_program_that_does_not_close(tmp_path: Path, ending: str) -> None:
    path = tmp_path / "a.rcl"
    code = f"{BEGINNING}\n{ENDINGS[ending]}\n"
    done = subprocess.run(
        [sys.executable, "-c", code, path], capture_output=True, text=True, timeout=20, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    with recollect.open(path) as memory:
        assert "entry" in [record.text for record in memory.list()]
        if "atexit" in ending and "writes" in ending:
            assert "late" in [record.text for record in memory.list()]
        assert memory.verify().ok


def test_an_uncaught_exception_keeps_its_traceback(tmp_path: Path) -> None:
    path = tmp_path / "a.rcl"
    code = f"{BEGINNING}\nraise KeyError('mine')"
    done = subprocess.run(
        [sys.executable, "-c", code, path], capture_output=True, text=True, timeout=20, check=False
    )
    assert done.returncode == 1
    assert done.stderr.rstrip().endswith("KeyError: 'mine'")
    with recollect.open(path) as memory:
        assert memory.count() == 1
