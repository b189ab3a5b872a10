"""Scores and budgets are those of kvpress, to what float32 leaves of them.

They are compared in a process of its own: kvpress changes the attention of Transformers once it is imported.
"""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.pytorch.table import written

HERE = Path(__file__).parent
TABLE = json.loads((HERE / "parity.json").read_text(encoding="utf-8"))
RANKED = {"streaming", "combined (Compactor)"}


@pytest.fixture(scope="module")
def found():
    if find_spec("kvpress") is None:
        pytest.skip("kvpress is not installed")
    program = [sys.executable, "-m", "tests.pytorch.parity"]
    done = subprocess.run(program, capture_output=True, text=True, check=True, cwd=HERE.parents[1])
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", [name for name in TABLE["scores"] if name not in RANKED])
def test_a_score_is_theirs(found, name):
    assert found["scores"][name]["difference"] < 2e-6
    assert found["scores"][name]["kept_equal"] == 1.0


def test_a_stream_is_theirs(found):
    assert found["scores"]["streaming"]["kept_equal"] == 1.0


def test_two_scores_are_combined_nearly_as_theirs(found):
    # They have one scale for all heads of a batch, and cut sinks before chunks begin.
    assert found["scores"]["combined (Compactor)"]["kept_equal"] > 0.9


def test_budgets_are_theirs(found):
    assert found["ada_kv_keeps_the_same"]
    assert found["pyramid_kv_tokens_apart"] <= 1


def test_the_table_is_of_these_cases_and_versions(found):
    assert found["scores"].keys() == TABLE["scores"].keys()
    pins = (HERE / "requirements.txt").read_text(encoding="utf-8")
    assert all(f"{name}=={version}\n" in pins for name, version in TABLE["versions"].items())
    assert written() in (HERE / "README.md").read_text(encoding="utf-8")
