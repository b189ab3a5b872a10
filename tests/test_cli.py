"""The command line, in this process and once in a real one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

typer_testing = pytest.importorskip("typer.testing")

import recollect  # noqa: E402 -- after the check for the libraries of the command line
from recollect.cli.app import app  # noqa: E402

LEXICAL = ("--embedder", "none")


def run(*arguments: object, code: int = 0, answer: str | None = None) -> str:
    """Run a command and return what it printed, both outputs together."""
    result = typer_testing.CliRunner().invoke(app, [str(one) for one in arguments], input=answer)
    assert result.exit_code == code, result.output
    return str(result.output)


@pytest.fixture
def store(path: Path) -> Path:
    """Return a store of three notes."""
    with recollect.open(path) as memory:
        memory.add("The train leaves at 6:25.", speaker="Ilse", session="s1", at="2026-05-24T21:15")
        memory.add("Pottery is on [bold]Mondays[/bold].", speaker="Bram", session="s2")
        memory.namespace("user", "42").add("The train was late.")
    return path


def test_add_and_recall(path: Path) -> None:
    shown = run(
        "add",
        path,
        "The cat is called Biscuit.",
        "--speaker",
        "Ilse",
        "--at",
        "2026-01-01",
        "--tag",
        "pet",
        *LEXICAL,
    )
    assert shown.startswith("added ")
    uid = shown.split()[1]
    found = run("add", path, "Tea at four.", *LEXICAL)
    assert run("add", path, "Tea at four.", *LEXICAL).startswith(f"noop {found.split()[1]}")
    found = run("recall", path, "name of the cat", *LEXICAL)
    assert "The cat is called Biscuit." in found
    assert "2026-01-01 00:00  Ilse" in found
    assert "words #1" in found
    assert "by words alone" in found
    with recollect.open(path) as memory:
        assert memory.get(uid).tags == ("pet",)


def test_recall_in_namespaces(store: Path) -> None:
    assert "late" not in run("recall", store, "train", *LEXICAL)
    assert "late" in run("recall", store, "train", "--below", *LEXICAL)
    assert "6:25" not in run("recall", store, "train", "-n", "user/42", *LEXICAL)
    assert run("recall", store, "zebra", *LEXICAL).startswith("nothing found")
    assert "[bold]Mondays[/bold]" in run("recall", store, "pottery", *LEXICAL)
    assert "6:25" in run("recall", store, "train", "--budget", 20, *LEXICAL)


def test_show(store: Path) -> None:
    listed = run("show", store)
    assert "The train leaves at 6:25." in listed
    assert "[bold]Mondays[/bold]" in listed
    uid = listed.splitlines()[-1].split()[0]
    one = run("show", store, uid)
    assert uid in one
    assert "added" in one


def test_stats_and_verify(store: Path) -> None:
    assert json.loads(run("stats", store))["memories"] == 2
    assert "2 namespaces, 3 events, 3 contents checked: sound" in run("verify", store)


def test_export_and_import(store: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    assert "3 memories written" in run("export", store, out)
    copy = tmp_path / "copy.rcl"
    assert "3 lines read, 2 memories more" in run("import", copy, out, *LEXICAL)
    assert "3 lines read, 0 memories more" in run("import", copy, out, *LEXICAL)
    (tmp_path / "notes.txt").write_text("one\ntwo\n")
    assert "2 lines read, 2 memories more" in run(
        "import", copy, tmp_path / "notes.txt", "-n", "notes", *LEXICAL
    )


def test_forget_asks(store: Path) -> None:
    run("forget", store, "--session", "s1", code=1, answer="n\n")
    assert "6:25" in run("show", store)
    shown = run("forget", store, "--session", "s1", answer="y\n")
    assert "Forget 1 memories?" in shown
    assert "forgotten: 1 (done)" in shown
    assert "6:25" not in run("show", store)


def test_forget_for_good(store: Path) -> None:
    uid = run("show", store).splitlines()[-1].split()[0]
    assert "erased: 1 (done)" in run("forget", store, uid, "--erase", "--yes")
    assert not any(b"6:25" in file.read_bytes() for file in store.parent.iterdir())


def test_errors_are_one_line_and_the_code_is_one(path: Path, store: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_text('{"text": "x", "at": "soon"}\n')
    for arguments, message in (
        (("recall", tmp_path / "absent.rcl", "x", *LEXICAL), "no store at"),
        (("add", path, "x", "--at", "soon", *LEXICAL), "at: 'soon' is not an ISO 8601 time"),
        (("add", path, "x", "--kind", "dream", *LEXICAL), "kind: expected one of"),
        (("show", store, "0" * 32), "no memory 000"),
        (("import", path, tmp_path / "bad.jsonl", *LEXICAL), "line 1: at: "),
        (("import", path, tmp_path / "absent.jsonl", *LEXICAL), "there is no file"),
        (("forget", store, "--session", "s9", "--yes"), "nothing to forget"),
        (("demo", store), "exists"),
    ):
        shown = run(*arguments, code=1)
        assert message in shown
        assert shown.startswith("recollect: ")
        assert len(shown.strip().splitlines()) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("recall",),
        ("dance",),
        ("recall", "x.rcl", "y", "-k", "0"),
        ("add", "x.rcl", "y", "--embedder", "magic"),
        ("forget", "x.rcl"),
        ("forget", "x.rcl", "0" * 32, "--session", "s"),
    ],
)
def test_a_wrong_use_is_code_two(arguments: tuple[str, ...]) -> None:
    run(*arguments, code=2)


def test_help_and_version() -> None:
    shown = run("--help")
    for command in ("demo", "add", "recall", "show", "stats", "verify", "export", "import", "forget"):
        assert command in shown
    assert run("--version") == f"recollect {recollect.__version__}\n"


def test_the_demonstration_keeps_its_file(path: Path) -> None:
    shown = run("demo", path, "--ask", 5, *LEXICAL)
    assert "343 memories, 35 questions (5 shown)" in shown
    assert "by words alone" in shown
    assert "343 of 343 memories" in shown
    assert "the same hits" in shown
    assert "sound" in shown
    with recollect.open(path) as memory:
        assert memory.count() == 343


def test_the_demonstration_in_a_real_process() -> None:
    pytest.importorskip("wordllama")
    done = subprocess.run(
        [sys.executable, "-m", "recollect", "demo"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=os.environ | {"PYTHONWARNINGS": "error"},
    )
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
    assert "embedder wordllama-l2-supercat-256" in done.stdout
    assert "343 memories, 35 questions (12 shown)" in done.stdout
    assert "the same hits" in done.stdout
    assert done.stderr == ""


def test_a_pipe_that_closes_is_no_traceback(store: Path) -> None:
    reader = subprocess.Popen(
        [sys.executable, "-m", "recollect", "show", str(store)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert reader.stdout is not None
    reader.stdout.close()
    assert reader.stderr is not None
    assert "Traceback" not in reader.stderr.read()
    reader.stderr.close()
    reader.wait(timeout=60)


def test_without_its_libraries_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from recollect import cli

    monkeypatch.delitem(sys.modules, "recollect.cli.app")
    monkeypatch.setitem(sys.modules, "typer", None)
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert caught.value.code == 1
    assert 'pip install "recollect[cli]"' in capsys.readouterr().err
