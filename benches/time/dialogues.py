"""Where sessions end in conversations that were put together without a mark, by several methods."""

import gzip
import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benches.time.row import SegmentRow
from recollect import segment

Cuts = list[int]


@dataclass(frozen=True, slots=True)
class Dialogue:
    """The turns of a conversation, their vectors, and where its sessions begin, but for the first."""

    texts: list[str]
    vectors: npt.NDArray[np.float32]
    cuts: Cuts


def read(folder: Path) -> Iterator[Dialogue]:
    """Yield the conversations of LoCoMo in a folder of sets; session markers and times are not in them."""
    root = folder / "locomo"
    with gzip.open(root / "memories.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    vectors = np.load(root / "minilm_memories.npy").astype(np.float32)
    groups: dict[str, list[int]] = {}
    for at, row in enumerate(rows):
        groups.setdefault(row["group"], []).append(at)
    for places in groups.values():
        sessions = [rows[at]["session"] for at in places]
        cuts = [at for at in range(1, len(places)) if sessions[at] != sessions[at - 1]]
        yield Dialogue([rows[at]["text"] for at in places], vectors[places], cuts)


def measured(dialogues: Sequence[Dialogue]) -> list[SegmentRow]:
    """Return how well each method finds the cuts."""
    length = round(sum(len(one.texts) for one in dialogues) / sum(len(one.cuts) + 1 for one in dialogues))
    methods: dict[str, Callable[[Dialogue], Cuts]] = {
        f"fixed window of {length} turns, the mean": lambda one: list(range(length, len(one.texts), length)),
        "TextTiling": lambda one: text_tiling(one.texts),
    }
    for gamma in (1.0, 1.5, 2.0, 3.0):
        for refine in (None, "modularity"):
            methods[f"recollect, gamma {gamma:g}{', ' + refine if refine else ''}"] = _ours(gamma, refine)
    for refine in (None, "modularity"):
        methods[f"recollect, topic_window 8{', ' + refine if refine else ''}"] = _topics(refine)
    return [_row(name, method, dialogues) for name, method in methods.items()]


def _topics(refine: str | None) -> Callable[[Dialogue], Cuts]:
    def cut(one: Dialogue) -> Cuts:
        found = segment(one.vectors, min_size=8, max_size=64, gap=None, topic_window=8, refine=refine)
        bounds: list[int] = found.bounds[1:-1].tolist()
        return bounds

    return cut


def _ours(gamma: float, refine: str | None) -> Callable[[Dialogue], Cuts]:
    def cut(one: Dialogue) -> Cuts:
        found = segment(one.vectors, gamma=gamma, min_size=8, max_size=64, gap=None, refine=refine)
        bounds: list[int] = found.bounds[1:-1].tolist()
        return bounds

    return cut


def _row(name: str, method: Callable[[Dialogue], Cuts], dialogues: Sequence[Dialogue]) -> SegmentRow:
    begin = time.perf_counter()
    found = [method(one) for one in dialogues]
    seconds = time.perf_counter() - begin
    exact = [_matched(cuts, one.cuts, 0) for cuts, one in zip(found, dialogues, strict=True)]
    near = [_matched(cuts, one.cuts, 1) for cuts, one in zip(found, dialogues, strict=True)]
    made, true = sum(map(len, found)), sum(len(one.cuts) for one in dialogues)
    precision, recall = sum(exact) / max(made, 1), sum(exact) / max(true, 1)
    return SegmentRow(
        method=name,
        precision=precision,
        recall=recall,
        f1=2 * sum(exact) / max(made + true, 1),
        near_f1=2 * sum(near) / max(made + true, 1),
        us_per_item=seconds * 1e6 / sum(len(one.texts) for one in dialogues),
    )


def _matched(found: Cuts, true: Cuts, reach: int) -> int:
    """Return how many cuts can be paired one to one, each at most so far from the other."""
    left, count = list(found), 0
    for cut in true:
        near = [other for other in left if abs(other - cut) <= reach]
        if near:
            left.remove(min(near, key=lambda other: (abs(other - cut), other)))
            count += 1
    return count


def text_tiling(texts: Sequence[str], block: int = 6) -> Cuts:
    """Return cuts at valleys of word overlap (Hearst, "TextTiling", 1997), turns as its token sequences.

    The similarity at a gap is that of the words of `block` turns on each side; its depth is how much higher
    the peaks on both sides are; gaps deeper than the mean less half a deviation are cuts.
    """
    words = [Counter(re.findall(r"[a-z']+", text.lower())) for text in texts]
    similar = []
    for gap in range(1, len(texts)):
        before = sum(words[max(0, gap - block) : gap], Counter())
        after = sum(words[gap : gap + block], Counter())
        norm = np.sqrt(sum(x * x for x in before.values()) * sum(x * x for x in after.values()))
        similar.append(sum(count * after[word] for word, count in before.items()) / norm if norm else 0.0)
    depths = np.array([_depth(similar, at) for at in range(len(similar))])
    limit = depths.mean() - depths.std() / 2 if len(depths) else 0.0
    valleys = [at for at in range(1, len(depths) - 1) if similar[at - 1] > similar[at] <= similar[at + 1]]
    return [at + 1 for at in valleys if depths[at] > limit]


def _depth(similar: Sequence[float], at: int) -> float:
    left = right = at
    while left > 0 and similar[left - 1] >= similar[left]:
        left -= 1
    while right < len(similar) - 1 and similar[right + 1] >= similar[right]:
        right += 1
    return similar[left] + similar[right] - 2 * similar[at]
