"""What was measured: values of every question by method, correlations with ratings, and tables of them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benches.association.norms import KINDS, SET
from benches.association.rankings import BASELINES, METHODS
from benches.association.relatedness import METHODS as OF_PAIRS
from benches.quality.bootstrap import interval
from benches.quality.measures import NAMES, table_row
from benches.readme import table

ALL = f"{SET}/all"
_BEST = "recollect(minilm)"
_COMPARED = ("R@10", "nDCG@10")


@dataclass(frozen=True, slots=True)
class Difference:
    """recollect with MiniLM minus a baseline in points, and the ends of the 95 % interval."""

    part: str
    measure: str
    against: str
    difference: float
    low: float
    high: float

    def cells(self) -> list[str]:
        """Return the row of a table."""
        verdict = "better" if self.low > 0 else "worse" if self.high < 0 else "not told apart"
        interval = f"{self.low:+.1f} to {self.high:+.1f}"
        return [self.part, self.measure, self.against, f"{self.difference:+.1f}", interval, verdict]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The values of `NAMES` for each question, and the correlations with human ratings.

    Parameters
    ----------
    parts
        For each question the part that it counts in.
    values
        ``[questions, len(NAMES)]`` by method.
    pairs
        By data set and method.
    """

    parts: list[str]
    values: dict[str, npt.NDArray[np.float64]]
    pairs: dict[str, dict[str, dict[str, float]]]

    def means(self) -> dict[str, dict[str, dict[str, float]]]:
        """Return the row of each method in each part, in all of them together, and of the word pairs."""
        found = {
            part: {method: table_row(self.values[method][rows]) for method in METHODS}
            for part, rows in self._rows().items()
        }
        return found | {f"{SET}/{dataset}": rows for dataset, rows in self.pairs.items()}

    def comparisons(self) -> list[Difference]:
        """Return recollect with MiniLM minus each baseline, by part and measure."""
        return [
            Difference(part, name, against, *interval(self._gaps(rows, against, name)))
            for part, rows in self._rows().items()
            for name in _COMPARED
            for against in BASELINES
        ]

    def markdown(self) -> str:
        """Return all tables."""
        means, parts = self.means(), []
        columns = [name for name in NAMES if name != "R@2"]
        for part in self._rows():
            rows = [
                [method, *(f"{row[name]:.1f}" for name in columns)] for method, row in means[part].items()
            ]
            count = int(means[part][_BEST]["n"])
            parts.append(f"**{part}**, {count} questions, per cent\n\n{table(['method', *columns], rows)}")
        rows = [found.cells() for found in self.comparisons() if found.against == self._best(found)]
        head = ["set", "measure", "best baseline", "difference", "95 %", "verdict"]
        parts.append(f"**{_BEST} minus the best baseline**, in points\n\n{table(head, rows)}")
        if self.pairs:
            rows = [
                [dataset, str(int(row[_BEST]["n"])), *(f"{row[name]['spearman']:.1f}" for name in OF_PAIRS)]
                for dataset, row in self.pairs.items()
            ]
            body = table(["word pairs", "pairs", *OF_PAIRS], rows)
            parts.append(f"**Spearman's correlation with human ratings**, per cent\n\n{body}")
        return "\n\n".join(parts)

    def _rows(self) -> dict[str, npt.NDArray[np.bool_]]:
        of = np.array(self.parts)
        found = {part: of == part for part in dict.fromkeys(KINDS.values()) if part in self.parts}
        return found | {ALL: np.ones(len(of), dtype=bool)}

    def _best(self, one: Difference) -> str:
        rows, column = self._rows()[one.part], NAMES.index(one.measure)
        return max(BASELINES, key=lambda name: float(self.values[name][rows, column].mean()))

    def _gaps(self, rows: npt.NDArray[np.bool_], against: str, name: str) -> npt.NDArray[np.float64]:
        column = NAMES.index(name)
        gaps: npt.NDArray[np.float64] = (self.values[_BEST] - self.values[against])[rows, column]
        return gaps
