"""What was measured on one set: values of every query by method, and the tables made of them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benches.quality.bootstrap import Comparison, ablated, compared
from benches.quality.measures import NAMES, table_row
from benches.quality.recollected import ABLATED
from benches.readme import table

EMBEDDERS = ("minilm", "static")

METHODS = (
    "bm25",
    "dense(minilm)",
    "dense(static)",
    "rrf(minilm)",
    "rrf(static)",
    "recollect(minilm)",
    "recollect(static)",
)


@dataclass(frozen=True, slots=True)
class SetOutcome:
    """The values of one set."""

    name: str
    values: dict[str, npt.NDArray[np.float64]]
    categories: list[str]

    def means(self) -> dict[str, dict[str, float]]:
        """Return the row of each method."""
        return {method: table_row(self.values[method]) for method in METHODS}

    def by_category(self) -> dict[str, dict[str, dict[str, float]]]:
        """Return the row of each method in each category of queries."""
        kinds = np.array(self.categories)
        return {
            str(kind): {method: table_row(self.values[method][kinds == kind]) for method in METHODS}
            for kind in np.unique(kinds)
        }

    def comparisons(self) -> list[Comparison]:
        """Return recollect against the best baseline, for each embedder."""
        return [compared(self.values, embedder) for embedder in EMBEDDERS]

    def ablations(self) -> list[Comparison]:
        """Return recollect against itself without signals, for each embedder."""
        ways = ["-all", *(f"-{name}" for name in ABLATED)]
        return [ablated(self.values, embedder, way) for embedder in EMBEDDERS for way in ways]


def markdown(outcomes: list[SetOutcome]) -> str:
    """Return all tables."""
    parts = []
    for column in ("nDCG@10", "R@5", "R@10", "all@5"):
        rows = [[one.name, str(len(one.categories)), *_cells(one.means(), column)] for one in outcomes]
        rows.append(["mean of the sets", "", *_mean_cells(outcomes, column)])
        parts.append(f"**{column}**, per cent\n\n{table(['set', 'queries', *METHODS], rows)}")
    parts.append(_comparison_table(outcomes))
    parts.append(_ablation_table(outcomes))
    rows = [
        [f"{one.name}: {kind}", str(int(found["bm25"]["n"])), *_cells(found, "nDCG@10")]
        for one in outcomes
        for kind, found in one.by_category().items()
    ]
    body = table(["category", "queries", *METHODS], rows)
    parts.append(f"<details><summary>nDCG@10 by category</summary>\n\n{body}\n\n</details>")
    return "\n\n".join(parts)


def _cells(found: dict[str, dict[str, float]], column: str) -> list[str]:
    return [f"{found[method][column]:.1f}" for method in METHODS]


def _mean_cells(outcomes: list[SetOutcome], column: str) -> list[str]:
    at = NAMES.index(column)
    return [f"{np.mean([one.values[method][:, at].mean() for one in outcomes]):.1f}" for method in METHODS]


def _comparison_table(outcomes: list[SetOutcome]) -> str:
    rows = []
    for one in outcomes:
        for found in one.comparisons():
            verdict = "better" if found.low > 0 else "worse" if found.high < 0 else "not told apart"
            interval = f"{found.low:+.1f} to {found.high:+.1f}"
            rows.append(
                [one.name, found.embedder, found.against, f"{found.difference:+.1f}", interval, verdict]
            )
    head = ["set", "embedder", "best baseline", "difference", "95 %", "verdict"]
    return f"**recollect minus the best baseline**, nDCG@10 in points\n\n{table(head, rows)}"


def _ablation_table(outcomes: list[SetOutcome]) -> str:
    rows = []
    for one in outcomes:
        found = one.ablations()
        for embedder in EMBEDDERS:
            own = [x for x in found if x.embedder == embedder]
            rows.append([one.name, embedder, *map(_told, own)])
    head = ["set", "embedder", "all of them", *ABLATED]
    title = "**What the signals beside words and vectors are worth**, nDCG@10 in points, 95 % in brackets"
    return f"{title}\n\n{table(head, rows)}"


def _told(found: Comparison) -> str:
    if not (found.difference or found.low or found.high):
        return "0"
    return f"{found.difference:+.1f} ({found.low:+.1f} to {found.high:+.1f})"
