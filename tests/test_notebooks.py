"""The notebooks run from top to bottom as they stand, and show their pictures."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parents[1] / "python" / "notebooks").glob("*.ipynb"))


def pictures(notebook):
    """Return what is drawn: images, and HTML with one."""
    outputs = [output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", ())]
    drawn = [data["image/png"] for data in outputs if "image/png" in data]
    return drawn + [data["text/html"] for data in outputs if "<svg" in "".join(data.get("text/html", ""))]


def test_there_is_a_notebook():
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path, tmp_path):
    notebook = nbformat.read(path, as_version=4)
    kept = len(pictures(notebook))
    client = NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}})
    client.execute()
    assert len(pictures(notebook)) == kept > 0
