"""Published baselines of the development halves, which the harness has to find again."""

from collections.abc import Iterator

TOLERANCE = 1.0

COLUMNS = ("R@5", "R@10", "nDCG@10")

_METHODS = ("bm25", "dense(minilm)", "dense(static)", "rrf(minilm)", "rrf(static)")

QUERIES = {
    "locomo": 997,
    "longmemeval53": 20,
    "realmem": 728,
    "beam100k": 179,
    "lifebench_en": 584,
    "knowme": 865,
    "prefeval": 505,
    "2wiki": 261,
    "musique_train100": 100,
    "hotpotqa_train100": 100,
}
"""Queries of the halves that the values below belong to; another half is not compared."""

_TEXT = """
locomo 49.9 59.0 44.5 36.8 46.2 30.4 30.6 38.2 27.3 48.2 57.9 40.3 42.1 52.8 37.8
longmemeval53 79.6 92.5 80.6 92.1 97.5 84.9 88.3 92.1 85.8 93.8 97.5 89.9 84.6 97.5 85.8
realmem 25.8 37.1 24.5 29.8 42.2 28.9 27.0 37.0 25.5 33.4 47.0 31.5 29.9 41.0 28.1
beam100k 34.6 43.4 33.7 48.6 59.6 46.9 44.6 51.7 42.8 43.7 51.9 42.8 41.0 49.5 40.6
lifebench_en 24.9 31.1 34.5 16.0 21.0 21.5 15.5 20.2 21.8 21.5 27.9 29.1 20.5 27.0 29.5
knowme 34.1 40.4 33.1 30.4 37.6 28.9 21.3 25.9 20.1 37.7 44.4 36.4 30.4 37.0 29.1
prefeval 10.1 16.0 8.9 23.0 35.4 20.0 17.8 26.7 14.1 19.6 30.5 16.0 17.0 25.0 13.7
2wiki 65.7 70.9 70.7 60.7 64.7 65.1 52.2 59.3 56.4 65.8 70.6 71.0 62.5 68.7 67.3
musique_train100 49.3 55.9 53.9 61.8 69.8 65.8 46.7 58.7 51.8 58.1 69.5 63.9 48.9 61.8 54.4
hotpotqa_train100 78.0 89.0 79.3 79.0 85.0 78.5 - - - 82.0 90.5 81.7 - - -
"""


def check(name: str, found: dict[str, dict[str, float]]) -> Iterator[str]:
    """Yield a line for each baseline that is further off than `TOLERANCE`, then one about all of them."""
    lines = {line.split()[0]: line.split()[1:] for line in _TEXT.strip().splitlines()}
    if name not in lines or found["bm25"]["n"] != QUERIES[name]:
        yield f"{name}: no published baselines for this half"
        return
    widths = len(COLUMNS)
    worst = 0.0
    for at, method in enumerate(_METHODS):
        for column, text in zip(COLUMNS, lines[name][at * widths : (at + 1) * widths], strict=True):
            if text == "-":
                continue
            gap = found[method][column] - float(text)
            worst = max(worst, abs(gap))
            if abs(gap) > TOLERANCE:
                yield f"{name}: {method} {column} is {found[method][column]:.1f}, published {text}"
    yield f"{name}: baselines found again within {worst:.2f} points"
