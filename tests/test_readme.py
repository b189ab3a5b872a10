"""The README's example runs as it stands."""

import contextlib
import io
import re
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"
SNIPPETS = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)


def test_there_is_an_example():
    assert SNIPPETS


def run(snippet, folder, monkeypatch):
    """Return the lines that a snippet prints."""
    monkeypatch.chdir(folder)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(snippet, "README.md", "exec"), {"__name__": "readme"})
    return printed.getvalue().splitlines()


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_snippet_runs(snippet, tmp_path, monkeypatch):
    assert run(snippet, tmp_path, monkeypatch)


def test_the_first_example_says_what_it_promises(tmp_path, monkeypatch):
    lines = run(SNIPPETS[0], tmp_path, monkeypatch)
    assert "Ilse works at the harbour office." in lines[0]
    assert "['added', 'updated']" in lines
    assert lines[-1] == "I start at the harbour office on Monday."
    assert b"lighthouse museum" not in (tmp_path / "agent.rcl").read_bytes()
