"""The commands that change a store."""

from pathlib import Path
from typing import Annotated

import typer

from recollect.checks import KINDS
from recollect.cli.display import console, progress, show_hit
from recollect.cli.frame import (
    EmbedderChoice,
    EmbedderOption,
    NamespaceOption,
    StoreArgument,
    errors_in_one_line,
    opened,
)
from recollect.errors import InvalidArgument
from recollect.records import Hit

__all__ = ["add", "forget", "import_"]


@errors_in_one_line
def add(
    store: StoreArgument,
    text: Annotated[str, typer.Argument(help="What to remember.")],
    kind: Annotated[str, typer.Option(help=f"One of {', '.join(KINDS)}.")] = "episodic",
    at: Annotated[str | None, typer.Option(help="When it happened, as ISO 8601.")] = None,
    speaker: Annotated[str | None, typer.Option(help="Who said it.")] = None,
    session: Annotated[str | None, typer.Option(help="The conversation it belongs to.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="A label; may be repeated.")] = None,
    namespace: NamespaceOption = "",
    embedder: EmbedderOption = EmbedderChoice.auto,
) -> None:
    """Add a memory; the store is made if there is none."""
    with opened(store, namespace, embedder, create=True) as memory:
        outcome = memory.add(text, kind=kind, at=at, speaker=speaker, session=session, tags=tag or ())
    note = f" ({outcome.reason})" if outcome.reason else ""
    console().print(f"{outcome.op} {outcome.uid} version {outcome.version}{note}")


@errors_in_one_line
def import_(
    store: StoreArgument,
    file: Annotated[Path, typer.Argument(help="JSON Lines, or text with a memory a line.")],
    format: Annotated[str | None, typer.Option(help="jsonl or text; the suffix decides without it.")] = None,
    namespace: NamespaceOption = "",
    embedder: EmbedderOption = EmbedderChoice.auto,
) -> None:
    """Add the memories of a file; the store is made if there is none."""
    with opened(store, namespace, embedder, create=True) as memory, progress("reading") as bar:
        before = memory.count()
        lines = memory.import_file(file, format, bar)
        after = memory.count()
    console().print(f"{lines} lines read, {after - before} memories more in this namespace")


@errors_in_one_line
def forget(
    store: StoreArgument,
    uid: Annotated[list[str] | None, typer.Argument(help="Which memories.")] = None,
    session: Annotated[str | None, typer.Option(help="Every memory of this session.")] = None,
    speaker: Annotated[str | None, typer.Option(help="Every memory of this speaker.")] = None,
    erase: Annotated[bool, typer.Option("--erase", help="Leave no byte of them in any file.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    namespace: NamespaceOption = "",
) -> None:
    """Take memories out of recall, or erase them for good."""
    named = {name: value for name, value in (("session", session), ("speaker", speaker)) if value is not None}
    if bool(uid) == bool(named):
        raise typer.BadParameter("name memories by their uid, or by --session and --speaker")
    with opened(store, namespace) as memory:
        records = [memory.get(one) for one in uid] if uid else memory.list(named)
        if not records:
            raise InvalidArgument("nothing to forget: no memory is meant by that")
        out = console()
        for rank, record in enumerate(records[:5], 1):
            show_hit(out, Hit(record, 0.0, rank))
        if len(records) > 5:
            out.print(f"    … and {len(records) - 5} more")
        verb = "Erase for good" if erase else "Forget"
        if not yes:
            typer.confirm(f"{verb} {len(records)} memories?", abort=True)
        receipt = memory.forget([record.uid for record in records], erase=erase)
    count = len(receipt.erased) or len(receipt.deleted)
    out.print(f"{'erased' if erase else 'forgotten'}: {count} ({receipt.state})")
