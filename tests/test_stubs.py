"""The hand-written types are those of the native module."""

import subprocess
import sys
from importlib.util import find_spec

import pytest


@pytest.mark.skipif(find_spec("mypy") is None, reason="mypy is not installed")
def test_the_stub_is_true() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mypy.stubtest", "recollect._native"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
