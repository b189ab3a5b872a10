"""Importing is quick and touches nothing that is optional."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import sys, time, json
import numpy
before = set(sys.modules)
start = time.process_time()
import recollect
took = time.process_time() - start
print(json.dumps([took, sorted(set(sys.modules) - before)]))
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Return an environment in which compiled files are kept, as in any installation."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"PYTHONPYCACHEPREFIX": str(tmp_path)}


def imported(environment: dict[str, str]) -> tuple[float, list[str]]:
    """Return CPU seconds and modules of an import in a fresh interpreter, beyond those of numpy."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    took, modules = json.loads(done.stdout)
    return took, modules


def test_importing_takes_less_than_fifty_milliseconds_beyond_numpy(environment: dict[str, str]) -> None:
    assert min(imported(environment)[0] for _ in range(6)) < 0.050


def test_nothing_optional_is_imported(environment: dict[str, str]) -> None:
    _, modules = imported(environment)
    roots = {name.partition(".")[0] for name in modules}
    assert "recollect" in roots
    optional = {"typer", "rich", "click", "tokenizers", "safetensors", "wordllama", "openai", "model2vec"}
    optional |= {"cupy", "torch", "jax"}
    slow = {"sentence_transformers", "socket", "ssl", "http", "asyncio", "multiprocessing"}
    assert not roots & (optional | slow)
    assert not [
        name for name in modules if name.startswith(("recollect.cli", "recollect.demo", "recollect.kvcache"))
    ]
