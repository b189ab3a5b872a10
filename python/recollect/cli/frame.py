"""What is around every command: its options, the open store, errors in one line."""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, ParamSpec, TypeAlias, TypeVar

import typer

import recollect
from recollect.cli.display import complain

__all__ = [
    "EmbedderChoice",
    "EmbedderOption",
    "NamespaceOption",
    "StoreArgument",
    "errors_in_one_line",
    "opened",
]

P = ParamSpec("P")
R = TypeVar("R")


class EmbedderChoice(StrEnum):
    """Which embedder a command uses."""

    auto = "auto"
    local = "local"
    none = "none"


StoreArgument: TypeAlias = Annotated[Path, typer.Argument(help="The store.", metavar="STORE")]
EmbedderOption: TypeAlias = Annotated[
    EmbedderChoice,
    typer.Option("--embedder", "-e", help="What makes vectors; auto is local where it is installed."),
]
NamespaceOption: TypeAlias = Annotated[
    str,
    typer.Option("--namespace", "-n", help="Path of the namespace, such as user/42; the root without it."),
]


def chosen(embedder: EmbedderChoice) -> str | None:
    """Return what :func:`recollect.open` takes as embedder."""
    if embedder is EmbedderChoice.auto:
        installed = all(find_spec(library) for library in ("wordllama", "tokenizers", "safetensors"))
        return "local" if installed else None
    return None if embedder is EmbedderChoice.none else embedder.value


@contextmanager
def opened(
    path: Path,
    namespace: str = "",
    embedder: EmbedderChoice = EmbedderChoice.none,
    *,
    read_only: bool = False,
    create: bool = False,
) -> Iterator[recollect.Memory]:
    """Open a store for one command."""
    with recollect.open(path, embedder=chosen(embedder), read_only=read_only, create=create) as memory:
        yield memory.namespace(*namespace.strip("/").split("/")) if namespace.strip("/") else memory


def errors_in_one_line(command: Callable[P, R]) -> Callable[P, R]:
    """Turn the errors of this package into one line and the exit code 1."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except recollect.RecollectError as error:
            complain(" ".join(str(error).split()))
            raise typer.Exit(1) from None

    return run
