"""Scores and budgets are those of kvpress, to what float32 leaves of them."""

import json
from pathlib import Path

import pytest

pytest.importorskip("kvpress")

from tests.pytorch import parity
from tests.pytorch.table import written as tables

RESULT = Path(__file__).parent / "parity.json"


@pytest.fixture(scope="module")
def case():
    return parity.Case()


@pytest.mark.parametrize("name", [name for name in parity.CASES if name not in parity.RANKED])
def test_a_score_is_theirs(case, name):
    found = parity.compared(name, case)
    assert found["difference"] < 2e-6
    assert found["kept_equal"] == 1.0


def test_a_stream_is_theirs(case):
    assert parity.compared("streaming", case)["kept_equal"] == 1.0


def test_two_scores_are_combined_nearly_as_theirs(case):
    # They have one scale for all heads of a batch, and cut sinks before chunks begin.
    assert parity.compared("combined (Compactor)", case)["kept_equal"] > 0.9


def test_budgets_are_theirs():
    assert parity.head_budgets()
    assert parity.layer_budgets() <= 1


def test_the_table_is_of_these_cases_and_versions():
    table = json.loads(RESULT.read_text(encoding="utf-8"))
    assert set(table["scores"]) == set(parity.CASES)
    wanted = (RESULT.parent / "requirements.txt").read_text(encoding="utf-8")
    assert all(f"{name}=={table['versions'][name]}" in wanted for name in ("torch", "transformers"))
    written = (RESULT.parent / "README.md").read_text(encoding="utf-8")
    assert tables() in written
