"""The notebooks run from top to bottom as they stand, and show their pictures."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parents[1] / "python" / "notebooks").glob("*.ipynb"))


def pictures(notebook):
    outputs = (output for cell in notebook.cells for output in cell.get("outputs", ()))
    return [output.data["image/png"] for output in outputs if "image/png" in output.get("data", ())]


def test_there_is_a_notebook():
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path, tmp_path):
    notebook = nbformat.read(path, as_version=4)
    kept = len(pictures(notebook))
    client = NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}})
    client.execute()
    assert len(pictures(notebook)) == kept > 0
