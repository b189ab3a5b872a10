"""Programs that run kernels in a process of their own: threads that miss one another can end it."""

import os
import subprocess
import sys


def run_outside(program: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run a program of Python to its end, of which the caller judges."""
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True, text=True, check=False, timeout=200,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "RECOLLECT_TEST_GPU": ""},
    )  # fmt: skip
