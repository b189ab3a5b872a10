"""Importing loads few modules, and touches nothing that is optional."""

import json
import subprocess
import sys

import pytest

PROGRAM = """
import sys, json
import numpy
before = set(sys.modules)
import recollect
print(json.dumps(sorted(set(sys.modules) - before)))
"""

MOST = 70
"""Modules beyond those of NumPy: what an import costs goes by them, on any machine."""


@pytest.fixture(scope="module")
def imported() -> list[str]:
    """Return the modules of an import in a fresh interpreter, beyond those of numpy."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=60
    )
    modules: list[str] = json.loads(done.stdout)
    return modules


def test_few_modules_are_imported(imported: list[str]) -> None:
    assert len(imported) <= MOST, imported


def test_nothing_optional_is_imported(imported: list[str]) -> None:
    roots = {name.partition(".")[0] for name in imported}
    assert "recollect" in roots
    optional = {"typer", "rich", "click", "tokenizers", "safetensors", "wordllama", "openai", "model2vec"}
    optional |= {"cupy", "torch", "jax"}
    slow = {"sentence_transformers", "socket", "ssl", "http", "asyncio", "multiprocessing"}
    assert not roots & (optional | slow)
    assert not [
        name for name in imported if name.startswith(("recollect.cli", "recollect.demo", "recollect.kvcache"))
    ]
