"""How related two words are by every method, against what people say: Spearman's rank correlation."""

from collections.abc import Callable

import numpy as np

from benches.association.associates import Associates
from benches.association.norms import Norms, Scores
from benches.association.spreading import Links
from benches.quality.retrieval_set import Array

METHODS = (
    "direct links",
    "ppr",
    "dense(minilm)",
    "dense(static)",
    "recollect(graph)",
    "recollect(static)",
    "recollect(minilm)",
)


def relatedness(
    norms: Norms, associates: Associates, vectors: dict[str, Array]
) -> dict[str, dict[str, dict[str, float]]]:
    """Return the number of pairs and the correlation in per cent, by data set and method.

    Parameters
    ----------
    norms
        The pairs.
    associates
        The graph of these norms.
    vectors
        Unit rows of the words, by the name of the embedder.
    """
    pairs, links = norms.pairs, Links(norms)
    values = {
        "direct links": _both_ways(norms, links.direct),
        "ppr": _both_ways(norms, links.page_rank),
        "recollect(graph)": np.array([associates.relatedness(pair, None) for pair in pairs]),
    }
    for name, rows in vectors.items():
        cosines = [float(rows[pair.ends[0]] @ rows[pair.ends[1]]) for pair in pairs]
        values[f"dense({name})"] = np.array(cosines)
        values[f"recollect({name})"] = np.array(
            [associates.relatedness(pair, cosine) for pair, cosine in zip(pairs, cosines, strict=True)]
        )
    ratings, datasets = np.array([pair.rating for pair in pairs]), np.array([pair.dataset for pair in pairs])
    return {
        str(name): {
            method: {
                "n": int((datasets == name).sum()),
                "spearman": round(
                    100 * spearman(values[method][datasets == name], ratings[datasets == name]), 2
                ),
            }
            for method in METHODS
        }
        for name in np.unique(datasets)
    }


def spearman(first: Scores, second: Scores) -> float:
    """Return the correlation of the ranks; equal values share their mean rank; 0 if all are equal."""
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return 0.0
    return float(np.corrcoef(_ranks(first), _ranks(second))[0, 1])


def _ranks(values: Scores) -> Scores:
    _, which, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    return (last - (count - 1) / 2)[which]


def _both_ways(norms: Norms, of_cue: Callable[[int], Scores]) -> Scores:
    """Return the mean of what each of two words gives the other, spreading once from each word."""
    total = np.zeros(len(norms.pairs))
    wanted: dict[int, list[tuple[int, int]]] = {}
    for at, pair in enumerate(norms.pairs):
        for cue, other in (pair.ends, pair.ends[::-1]):
            wanted.setdefault(cue, []).append((at, other))
    for cue, places in wanted.items():
        found = of_cue(cue)
        for at, other in places:
            total[at] += found[other] / 2
    return total
