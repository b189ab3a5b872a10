"""The ladder from notes to episodes to a wider scope: the first recall that suffices ends it."""

from collections.abc import Callable, Sequence
from typing import Any

from recollect import recalling
from recollect.checks import KINDS, one_of, texts_of
from recollect.errors import InvalidArgument, WrongType
from recollect.handle import Handle
from recollect.records import Recall, Reconsolidate

__all__ = ["STAGES", "OnReconsolidate", "Sufficient", "escalate"]

STAGES = ("semantic", "episodic", "below")
"""Notes, then what happened, then everything here and in all namespaces below."""
_WIDE = ("all", "below")

Sufficient = Callable[[Recall], bool]
"""Returns whether the recall of a stage answers the query."""
OnReconsolidate = Callable[[Reconsolidate], object]
"""Is told which episodes answer what the notes did not."""


def escalate(
    handle: Handle,
    query: str | None,
    k: int,
    stages: Sequence[str],
    sufficient: Sufficient | None,
    on_reconsolidate: OnReconsolidate | None,
    options: dict[str, Any],
) -> Recall:
    """Recall stage by stage until one suffices; else the recall of the surest, the earlier of equals."""
    named = texts_of(stages, "stages")
    if not named:
        raise InvalidArgument("stages: expected at least one")
    for at, name in enumerate(named):
        one_of(name, (*KINDS, *_WIDE), f"stages[{at}]")
        if name in named[:at]:
            raise InvalidArgument(f"stages[{at}]: {name!r} comes twice")
    for name, call in (("sufficient", sufficient), ("on_reconsolidate", on_reconsolidate)):
        if call is not None and not callable(call):
            raise WrongType(f"{name}: expected a callable, found {type(call).__name__}")
    judge = sufficient or _known
    ran: dict[str, Recall] = {}
    answer = None
    for name in named:
        ran[name] = recalling.recall(handle, query, k, **_stage(name), **options)
        if judge(ran[name]):
            answer = name
            break
    best = answer or max(ran, key=lambda name: ran[name].confidence)
    event = _event(query, ran) if answer == "episodic" else None
    found = ran[best]
    found.trace["stages"] = [
        {"name": name, "state": one.state, "confidence": one.confidence, "hits": len(one)}
        for name, one in ran.items()
    ]
    if event is not None and on_reconsolidate is not None:
        on_reconsolidate(event)
    return Recall(found.hits, found.trace, found.query, found.state, found.confidence, tuple(ran), event)


def _stage(name: str) -> dict[str, Any]:
    if name == "below":
        return {"scope": "below"}
    return {} if name == "all" else {"kinds": name}


def _known(recall: Recall) -> bool:
    return recall.state == "known"


def _event(query: str | None, ran: dict[str, Recall]) -> Reconsolidate | None:
    """Return what to make notes of, where notes were asked first."""
    if "semantic" not in ran:
        return None
    notes, episodes = (tuple(hit.uid for hit in ran[name]) for name in ("semantic", "episodic"))
    return Reconsolidate(query or "", notes, episodes)
