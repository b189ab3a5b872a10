"""Does recall know what it does not know? ``python -m benches.quality.abstention --data DIR``.

Questions that have an answer are asked beside three kinds that have none: *never said*, which the makers of
a set marked; *taken out*, answerable ones asked where the evidence of an eighth of all questions is left out;
*somebody else's*, asked in the namespace of another group.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import recollect
from benches.machine import machine, made
from benches.quality.recollected import DEPTH, _fill, _handle
from benches.quality.retrieval_set import RetrievalSet, load_all
from benches.readme import table, write_between

NEVER_SAID = {
    "beam100k": {"abstention"},
    "knowme": {"Adversarial Abstention"},
    "locomo": {"adversarial"},
    "longmemeval53": {"abstention/multi-session", "abstention/temporal-reasoning"},
}
"""The categories of questions that have no answer."""
SETS = ("locomo", "longmemeval53", "knowme", "beam100k", "realmem")
KINDS = ("never said", "taken out", "somebody else's")
FOLDS = 8
KEPT = (0.95, 0.9, 0.8)
SEED = 5


@dataclass(frozen=True, slots=True)
class Answer:
    """What recall said of one question."""

    kind: str
    """``answerable`` or one of `KINDS`."""
    confidence: float
    state: str
    found: bool
    """Whether a gold memory is among the first ten."""


def answers(data: RetrievalSet, embedder: str) -> list[Answer]:
    """Return what recall says of all questions of a set, asked in all ways."""
    marked = NEVER_SAID.get(data.name, set())
    answerable = [
        at for at, query in enumerate(data.queries) if data.gold[at] and query.get("category") not in marked
    ]
    never = [at for at, query in enumerate(data.queries) if query.get("category") in marked]
    fold = np.random.default_rng(SEED).integers(0, FOLDS, len(data.queries))
    groups = list(data.scopes)
    following = dict(zip(groups, groups[1:] + groups[:1], strict=True))

    def own(at: int) -> str | None:
        return data.queries[at].get("group")

    found = []
    with _filled(data, embedder, frozenset()) as asking:
        found += [asking.answer(at, own(at), "answerable") for at in answerable]
        found += [asking.answer(at, own(at), "never said") for at in never]
        if len(groups) > 1:
            found += [asking.answer(at, following[own(at)], "somebody else's") for at in answerable]
    for number in range(FOLDS):
        chosen = [at for at in answerable if fold[at] == number]
        gone = frozenset(memory for at in chosen for memory in data.gold[at])
        with _filled(data, embedder, gone) as asking:
            found += [asking.answer(at, own(at), "taken out") for at in chosen]
    return found


class _filled:
    """A store with the memories of a set, but some."""

    def __init__(self, data: RetrievalSet, embedder: str, without: frozenset[int]) -> None:
        self._data, self._given = data, embedder == "minilm"
        self._memory = recollect.open(embedder=None if self._given else "local")
        self._position: dict[str, int] = {}
        for group, scope in data.scopes.items():
            kept = [at for at in scope if at not in without]
            _fill(_handle(self._memory, group), data, kept, self._given, self._position)

    def __enter__(self) -> "_filled":
        return self

    def __exit__(self, *error: object) -> None:
        self._memory.close()

    def answer(self, at: int, group: str | None, kind: str) -> Answer:
        query = self._data.queries[at]
        before = query.get("before_order") if group == query.get("group") else None
        recall = _handle(self._memory, group).recall(
            query["text"],
            k=DEPTH,
            vector=self._data.query_vectors[at] if self._given else None,
            filter=None if before is None else {"order": {"$lt": before}},
        )
        found = any(self._position[hit.uid] in self._data.gold[at] for hit in recall)
        return Answer(kind, recall.confidence, recall.state, found)


def auroc(answered: npt.NDArray[np.float64], unanswered: npt.NDArray[np.float64]) -> float:
    """Return how often an answerable question is surer than one that is not; ties count a half."""
    both = np.concatenate([answered, unanswered])
    _, inverse, counts = np.unique(both, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    n = len(answered)
    return float((ranks[:n].sum() - n * (n + 1) / 2) / (n * len(unanswered)))


def summary(found: list[Answer]) -> dict[str, Any]:
    """Return the numbers of one set: kept and known of the answerable, refused and AUROC of each kind."""
    good = [one for one in found if one.kind == "answerable" and one.found]
    sure = np.array([one.confidence for one in good])
    numbers: dict[str, Any] = {
        "answerable": sum(one.kind == "answerable" for one in found),
        "found": len(good),
        "kept": _share(good, ("known", "familiar")),
        "known": _share(good, ("known",)),
    }
    for kind in KINDS:
        own = [one for one in found if one.kind == kind]
        if not own:
            continue
        unsure = np.array([one.confidence for one in own])
        numbers[kind] = {
            "questions": len(own),
            "auroc": auroc(sure, unsure),
            "refused": _share(own, ("unknown",)),
            "not known": _share(own, ("unknown", "familiar")),
            "curve": {str(kept): float(np.mean(unsure < np.quantile(sure, 1 - kept))) for kept in KEPT},
        }
    return numbers


def _share(found: list[Answer], states: tuple[str, ...]) -> float:
    return sum(one.state in states for one in found) / max(len(found), 1)


def markdown(outcomes: dict[tuple[str, str], dict[str, Any]]) -> str:
    """Return the table of the states and that of the curve."""
    states, curve = [], []
    for (name, embedder), found in outcomes.items():
        kinds = [found.get(kind) for kind in KINDS]
        states.append(
            [
                name,
                embedder,
                f"{found['found']} of {found['answerable']}",
                f"{100 * found['kept']:.0f} / {100 * found['known']:.0f}",
                *(
                    f"{100 * one['refused']:.0f} / {100 * one['not known']:.0f}" if one else ""
                    for one in kinds
                ),
            ]
        )
        curve.append([name, embedder, *_curve(kinds)])
    head = [
        "set",
        "embedder",
        "gold in ten",
        "kept / known",
        *(f"{kind}: refused / not known" for kind in KINDS),
    ]
    first = f"**The states**, per cent of questions\n\n{table(head, states)}"
    marks = " / ".join(f"{100 * kept:.0f}" for kept in KEPT)
    head = ["set", "embedder", *(f"{kind}: AUROC; refused" for kind in KINDS)]
    second = (
        f"**Risk and coverage**: refused, per cent, where {marks} per cent of the answerable questions with "
        f"gold in ten are kept\n\n{table(head, curve)}"
    )
    return f"{first}\n\n{second}"


def _curve(kinds: list[dict[str, Any] | None]) -> Iterator[str]:
    for one in kinds:
        refused = "" if one is None else " / ".join(f"{100 * x:.0f}" for x in one["curve"].values())
        yield "" if one is None else f"{one['auroc']:.2f}; {refused}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benches.quality.abstention", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with one folder for each set")
    parser.add_argument("--sets", type=lambda text: text.split(","), default=SETS)
    parser.add_argument("--out", type=Path, help="JSON of the numbers")
    parser.add_argument("--write-readme", action="store_true", help="put the tables into benches/README.md")
    options = parser.parse_args()
    outcomes = {}
    for name in options.sets:
        data = load_all(options.data, name)
        for embedder in ("minilm", "static"):
            outcomes[name, embedder] = summary(answers(data, embedder))
            print(f"{name} {embedder}: {outcomes[name, embedder]}", file=sys.stderr, flush=True)
    if options.out:
        named = {f"{name} {embedder}": found for (name, embedder), found in outcomes.items()}
        options.out.write_text(json.dumps(named, indent=1) + "\n", encoding="utf-8")
    print(markdown(outcomes))
    if options.write_readme:
        write_between("abstention", f"{machine()}; {made()}.\n\n{markdown(outcomes)}")


if __name__ == "__main__":
    main()
