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


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_snippet_runs(snippet, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(snippet, "README.md", "exec"), {"__name__": "readme"})
    lines = printed.getvalue().splitlines()
    assert "Ilse works at the harbour office." in lines[0]
    assert "['added', 'updated']" in lines
    assert lines[-1] == "I start at the harbour office on Monday."
    assert b"lighthouse museum" not in (tmp_path / "agent.rcl").read_bytes()
