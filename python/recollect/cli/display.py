"""How memories look in a terminal, and in a pipe."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from recollect import Hit, Record

__all__ = ["as_json", "complain", "console", "progress", "show_hit", "show_record", "table"]

_WIDTH_OF_PIPE = 120


def console() -> Console:
    """Return where output goes; a pipe is as wide as a line may need, and has no colours."""
    width = None if sys.stdout.isatty() else _WIDTH_OF_PIPE
    return Console(width=width, highlight=False, soft_wrap=not sys.stdout.isatty())


def complain(message: str) -> None:
    """Write one line to the error output."""
    Console(stderr=True, highlight=False, soft_wrap=True).print(f"[red]recollect:[/red] {escape(message)}")


def when(moment: datetime | None) -> str:
    """Return a moment to the minute, in UTC."""
    return "" if moment is None else moment.strftime("%Y-%m-%d %H:%M")


def origin(record: Record) -> str:
    """Return when a memory happened, who said it and where."""
    return "  ".join(part for part in (when(record.at), record.speaker, record.session) if part)


def show_hit(out: Console, hit: Hit, mark: str = " ") -> None:
    """Print a hit on two lines: what is remembered, and why it was found."""
    why = "  ".join(
        f"{signal.name} #{signal.rank} {signal.score:.3f} (+{signal.share:.4f})" for signal in hit.signals
    )
    out.print(f"{mark} [bold]{hit.rank:>2}[/bold]  {hit.score:.4f}  {escape(hit.text)}")
    details = "  ".join(part for part in (origin(hit.record), why) if part)
    out.print(f"              [dim]{escape(details)}[/dim]")


def show_record(out: Console, record: Record) -> None:
    """Print every field of a memory that is set."""
    grid = Table.grid(padding=(0, 2))
    for name, value in vars(record).items():
        if value in (None, (), {}, "") and name != "text":
            continue
        shown = when(value) if isinstance(value, datetime) else value
        grid.add_row(
            f"[dim]{name}[/dim]", escape(as_json(shown) if isinstance(shown, dict) else _plain(shown))
        )
    out.print(grid)


def table(*header: str) -> Table:
    """Return an empty table without a frame."""
    return Table(*header, box=None, pad_edge=False, header_style="bold")


def as_json(value: Any) -> str:  # noqa: ANN401 -- any JSON value
    """Return a value as readable JSON."""
    return json.dumps(value, ensure_ascii=False, indent=2, default=str)


def _plain(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


@contextmanager
def progress(label: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar on the error output while something runs; in a terminal only, and gone at the end."""
    err = Console(stderr=True)
    bar = Progress(
        TextColumn(label),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=err,
        transient=True,
        disable=not err.is_terminal,
    )
    with bar:
        task = bar.add_task(label, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
