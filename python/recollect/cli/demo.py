"""The demonstration: a conversation goes in, questions are answered with reasons, the store survives."""

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.markup import escape

import recollect
from recollect.cli.display import console, progress, show_hit
from recollect.cli.frame import EmbedderChoice, EmbedderOption, chosen, errors_in_one_line
from recollect.demo import Question, conversation, questions, recall_at
from recollect.embedding.choosing import as_embedder
from recollect.embedding.protocol import Embedder
from recollect.errors import InvalidArgument

__all__ = ["demo"]

T = TypeVar("T")
_FIRST = 5


@errors_in_one_line
def demo(
    store: Annotated[
        Path | None, typer.Argument(help="A new file to keep; a temporary one without it.")
    ] = None,
    ask: Annotated[int, typer.Option(min=1, help="How many questions to show.")] = 12,
    k: Annotated[int, typer.Option("-k", min=1, help="How many memories for each.")] = 3,
    embedder: EmbedderOption = EmbedderChoice.auto,
) -> None:
    """Load a conversation of five months, ask questions about it, and show why each answer was found."""
    if store is not None and store.exists():
        raise InvalidArgument(f"{store} exists; give the name of a new file")
    with TemporaryDirectory(prefix="recollect-demo-", ignore_cleanup_errors=True) as folder:
        _run(console(), store or Path(folder) / "demo.rcl", ask, k, as_embedder(chosen(embedder)))


def _run(out: Console, path: Path, ask: int, k: int, embedder: Embedder | None) -> None:
    asked = questions()
    with recollect.open(path, embedder=embedder) as memory:
        name = embedder.name if embedder else "none: by words alone; see recollect\\[local]"
        out.print(f"[bold]recollect {recollect.__version__}[/bold]  store {path}  embedder {name}\n")
        add_times = _load(memory)
        answers, recall_times = _ask(memory, asked)
        shown = _spread(asked, ask)
        for question in shown:
            _show(out, question, answers[question.question], k)
        before = memory.count()
    share = sum(recall_at(_FIRST, one, answers[one.question].hits) for one in asked) / len(asked)
    out.print(f"[bold]{before} memories, {len(asked)} questions[/bold] ({len(shown)} shown)")
    out.print(f"  evidence among the first {_FIRST} hits    {share:.1%}")
    out.print(f"  add, synced to disk, p50            {_milliseconds(add_times)}")
    out.print(f"  recall with its embedding, p50      {_milliseconds(recall_times)}")
    _reopen(out, path, embedder, before, asked[0], answers[asked[0].question])


def _timed(times: list[float], call: Callable[[], T]) -> T:
    start = time.perf_counter()
    result = call()
    times.append(time.perf_counter() - start)
    return result


def _milliseconds(times: list[float]) -> str:
    return f"{median(times) * 1000:.2f} ms of {len(times)}"


def _load(memory: recollect.Memory) -> list[float]:
    times: list[float] = []
    turns = conversation()
    memory.recall("warm up")  # the embedder reads its weights on first use
    with progress("remembering") as bar:
        for done, turn in enumerate(turns, 1):
            _timed(times, lambda turn=turn: memory.add(source="demo", **turn))  # type: ignore[misc]
            bar(done, len(turns))
    return times


def _ask(memory: recollect.Memory, asked: list[Question]) -> tuple[dict[str, recollect.Recall], list[float]]:
    times: list[float] = []
    answers: dict[str, recollect.Recall] = {}
    for one in asked:
        answers[one.question] = _timed(times, lambda one=one: memory.recall(one.question, 10))  # type: ignore[misc]
    return answers, times


def _spread(asked: list[Question], count: int) -> list[Question]:
    """Return some questions, taking turns between the categories."""
    groups = [
        [one for one in asked if one.category == name] for name in dict.fromkeys(q.category for q in asked)
    ]
    rounds = range(max(map(len, groups)))
    return [group[at] for at in rounds for group in groups if at < len(group)][:count]


def _show(out: Console, question: Question, answer: recollect.Recall, k: int) -> None:
    out.print(f"[bold cyan]{escape(question.question)}[/bold cyan]  [dim]{question.category}[/dim]")
    gold = frozenset().union(*question.gold)
    for hit in answer[:k]:
        show_hit(out, hit, "[green]✓[/green]" if hit.record.turn in gold else " ")
    place = next((hit.rank for hit in answer if hit.record.turn in gold), None)
    if place is None or place > k:
        where = f"is at place {place}" if place else "is not among the first 10"
        out.print(f"     [yellow]expected:[/yellow] {escape(question.answer)} [dim]({where})[/dim]")
    out.print()


def _reopen(
    out: Console,
    path: Path,
    embedder: Embedder | None,
    before: int,
    question: Question,
    answer: recollect.Recall,
) -> None:
    start = time.perf_counter()
    with recollect.open(path, embedder=embedder, create=False) as memory:
        again = memory.recall(question.question, 10)
        took = time.perf_counter() - start
        same = [hit.uid for hit in again] == [hit.uid for hit in answer]
        check = memory.verify()
        kept = memory.count()
    hits = "the same hits" if same else "[red]other hits[/red]"
    found = f"{kept} of {before} memories, first recall after {took * 1000:.0f} ms, {hits}"
    out.print(f"  closed and opened again             {found}")
    state = "sound" if check.ok else f"[red]{len(check.damage)} damaged[/red]"
    out.print(
        f"  verify                              {check.events} events, {check.contents} contents: {state}"
    )
