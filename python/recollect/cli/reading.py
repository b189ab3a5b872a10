"""The commands that only read a store."""

from pathlib import Path
from typing import Annotated

import typer

from recollect.cli.display import as_json, console, progress, show_hit, show_record, table, when
from recollect.cli.frame import (
    EmbedderChoice,
    EmbedderOption,
    NamespaceOption,
    StoreArgument,
    errors_in_one_line,
    opened,
)

__all__ = ["export", "recall", "show", "stats", "verify"]


@errors_in_one_line
def recall(
    store: StoreArgument,
    query: Annotated[str, typer.Argument(help="What to look for.")],
    k: Annotated[int, typer.Option("-k", min=1, help="How many memories.")] = 5,
    budget: Annotated[int | None, typer.Option(min=1, help="Most tokens of the result.")] = None,
    below: Annotated[bool, typer.Option("--below", help="Search the namespaces below as well.")] = False,
    namespace: NamespaceOption = "",
    embedder: EmbedderOption = EmbedderChoice.auto,
) -> None:
    """Find memories, and say why each was found."""
    with opened(store, namespace, embedder, read_only=True) as memory:
        found = memory.recall(query, k, budget=budget, scope="below" if below else "exact")
    out = console()
    for hit in found:
        show_hit(out, hit)
    if not found:
        out.print("nothing found")
    if found.trace.get("lexical_only"):
        out.print(f"[dim]by words alone: {found.trace['lexical_only']}[/dim]")


@errors_in_one_line
def show(
    store: StoreArgument,
    uid: Annotated[str | None, typer.Argument(help="A memory; without it the latest are listed.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many to list.")] = 20,
    namespace: NamespaceOption = "",
) -> None:
    """Show one memory with its history, or list the latest."""
    out = console()
    with opened(store, namespace, read_only=True) as memory:
        if uid is None:
            for record in memory.list(order="-ingested", limit=limit):
                out.print(f"[dim]{record.uid}  {when(record.at)}  {record.speaker or ''}[/dim]  ", end="")
                out.print(record.text, markup=False)
            return
        changes = memory.history(uid)
        if changes and changes[-1].record is not None:
            show_record(out, changes[-1].record)
        rows = table("seq", "at", "operation", "version", "reason")
        for change in changes:
            rows.add_row(str(change.seq), when(change.at), change.op, str(change.version), change.reason)
        out.print(rows)


@errors_in_one_line
def stats(store: StoreArgument, namespace: NamespaceOption = "") -> None:
    """Print counts and sizes as JSON."""
    with opened(store, namespace, read_only=True) as memory:
        typer.echo(as_json(memory.stats()))


@errors_in_one_line
def verify(store: StoreArgument) -> None:
    """Check every row of the file; the exit code is 1 where something is damaged."""
    with opened(store, read_only=True) as memory:
        found = memory.verify()
    out = console()
    for line in found.damage:
        out.print(line, markup=False)
    state = "[green]sound[/green]" if found.ok else f"[red]{len(found.damage)} damaged[/red]"
    out.print(
        f"{found.namespaces} namespaces, {found.events} events, {found.contents} contents checked: {state}"
    )
    if not found.ok:
        raise typer.Exit(1)


@errors_in_one_line
def export(
    store: StoreArgument,
    file: Annotated[Path, typer.Argument(help="The file to write, as JSON Lines.")],
    namespace: NamespaceOption = "",
) -> None:
    """Write the memories of a namespace and of those below it to a file."""
    with opened(store, namespace, read_only=True) as memory, progress("writing") as bar:
        count = memory.export(file, bar)
    console().print(f"{count} memories written to {file}")
