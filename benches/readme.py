"""Writes a table into the README of the benches, between its markers."""

from pathlib import Path

README = Path(__file__).with_name("README.md")


def write_between(mark: str, text: str) -> None:
    """Replace what stands between ``<!-- mark:begin -->`` and ``<!-- mark:end -->``.

    Raises
    ------
    ValueError
        If a marker is missing.
    """
    begin, end = f"<!-- {mark}:begin -->", f"<!-- {mark}:end -->"
    whole = README.read_text(encoding="utf-8")
    before, opened, rest = whole.partition(begin)
    _, closed, after = rest.partition(end)
    if not opened or not closed:
        raise ValueError(f"{README}: the markers {begin} and {end} are missing")
    README.write_text(f"{before}{begin}\n{text.strip()}\n{end}{after}", encoding="utf-8")


def table(head: list[str], rows: list[list[str]]) -> str:
    """Return a table in Markdown; all columns but the first are set to the right."""
    lines = ["| " + " | ".join(head) + " |", "|---" + "|---:" * (len(head) - 1) + "|"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])
