"""A writer that is killed loses nothing that it acknowledged."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

KILLS = 100


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="needs fork")
def test_a_killed_writer_loses_nothing(tmp_path: Path) -> None:
    out = tmp_path / "report.json"
    # A process of its own, so that the writers are forked from one that has opened no store.
    command = [sys.executable, "-m", "tests.trust.crash", "--kills", str(KILLS), "--out", str(out)]
    done = subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False)
    assert out.exists(), done.stderr
    report = json.loads(out.read_text())
    assert (report["lost"], report["torn"], report["bad_hash"]) == (0, 0, 0), done.stderr
    assert report["kills"] == KILLS
    assert report["acknowledged"] > KILLS, "the writers hardly wrote"
