"""The list of commands."""

from typing import Annotated

import typer

import recollect
from recollect.cli import demo, reading, writing

__all__ = ["app"]

app = typer.Typer(
    name="recollect",
    help="A memory index for agents: look into a store, add to it, and see what it can do.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command("demo")(demo.demo)
app.command("add")(writing.add)
app.command("recall")(reading.recall)
app.command("show")(reading.show)
app.command("stats")(reading.stats)
app.command("verify")(reading.verify)
app.command("export")(reading.export)
app.command("import")(writing.import_)
app.command("forget")(writing.forget)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"recollect {recollect.__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass
