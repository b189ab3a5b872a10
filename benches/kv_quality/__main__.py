"""Measures what compressed caches still recall: ``python -m benches.kv_quality``."""

import argparse
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from benches.kv_quality.methods import METHODS, Read
from benches.kv_quality.policies import (
    FULL,
    KINDS,
    Caches,
    by_distortion,
    evicted,
    pyramid,
    three_states,
    whole,
)
from benches.kv_quality.questions import Questions, questions
from benches.kv_quality.recall_model import RecallModel
from benches.kv_quality.tables import markdown
from benches.kv_quality.trial import Row, accuracy, share_of
from benches.machine import machine, made
from benches.readme import write_between

_SHARES = (0.25, 0.125, 0.0625, 0.03)
_WEIGHTS = ("key_diff", "leverage", "reconstruction", "window_attention, asked")
_EQUAL = ("key_diff", "leverage", "window_attention, asked")

Trial = tuple[RecallModel, Questions, Read]
Policy = tuple[str, str, str, Callable[[Read], Caches]]


def main() -> None:
    options = _options()
    shares = _SHARES[-1:] if options.quick else _SHARES
    trials = list(_trials(1 if options.quick else options.seeds))
    rows = []
    for method, keys, values, make in _policies(shares, METHODS if not options.quick else _WEIGHTS):
        row = _measured(trials, method, keys, values, make)
        rows.append(row)
        print(f"{method:28} {keys:>6}/{values:6} {row.bytes_share:8.4f} {row.accuracy:5.2f}", flush=True)
    if options.out:
        options.out.write_text(json.dumps([row.as_dict() for row in rows], indent=1) + "\n", encoding="utf-8")
    tables = markdown(rows, shares, 2 * len(trials))
    print(tables)
    if options.write_readme:
        write_between("kv-quality", f"{machine()}; {made()}.\n\n{tables}")


def _trials(seeds: int) -> Iterator[Trial]:
    """Yield models with contexts they have read; each answers all questions from its full cache."""
    for seed in range(seeds):
        model, given = RecallModel(seed), questions(seed)
        context = Read(model, given, questions(1000 + seed))
        if not accuracy(model, given, whole(context, ("plain", "plain")), context.tokens).all():
            raise RuntimeError(f"seed {seed}: the model does not recall with all of its cache")
        yield model, given, context


def _policies(shares: tuple[float, ...], methods: object) -> Iterator[Policy]:
    for kinds in FULL:
        yield "all tokens", *kinds, lambda context, kinds=kinds: whole(context, kinds)
    for method in methods:
        for kinds in KINDS:
            for share in shares:
                yield method, *kinds, lambda c, m=method, k=kinds, s=share: evicted(c, m, k, s)
    for method in _EQUAL:
        for kinds in KINDS:
            for share in shares:
                name = f"{method}; equal heads"
                yield name, *kinds, lambda c, m=method, k=kinds, s=share: evicted(c, m, k, s, adaptive=False)
    for method in _EQUAL:
        for kinds in KINDS[1:]:
            for share in shares:
                name = f"{method}; ends in 16 bits"
                yield name, *kinds, lambda c, m=method, k=kinds, s=share: evicted(c, m, k, s, ends=True)
    for kinds in KINDS:
        for share in shares:
            yield "key_diff; pyramid", *kinds, lambda c, k=kinds, s=share: pyramid(c, "key_diff", k, s)
    for share in shares:
        yield "arkv", "mixed", "mixed", lambda c, s=share: three_states(c, s)
    for method in _WEIGHTS:
        for share in shares:
            yield (
                f"rate_distortion; {method}",
                "mixed",
                "mixed",
                lambda c, m=method, s=share: by_distortion(c, m, s),
            )


def _measured(
    trials: list[Trial], method: str, keys: str, values: str, make: Callable[[Read], Caches]
) -> Row:
    right, shares = [], []
    for model, given, context in trials:
        caches = make(context)
        right.append(accuracy(model, given, caches, context.tokens).mean())
        shares.append(share_of(context, caches))
    return Row(method, keys, values, round(float(np.mean(shares)), 5), round(float(np.mean(right)), 4))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benches.kv_quality", description=__doc__)
    parser.add_argument("--out", type=Path, help="JSON: a list of rows")
    parser.add_argument("--seeds", type=int, default=4, help="models, each with two contexts (4)")
    parser.add_argument("--quick", action="store_true", help="one model and few methods, to see that it runs")
    parser.add_argument("--write-readme", action="store_true", help="put the tables into benches/README.md")
    options = parser.parse_args()
    if options.seeds < 1:
        parser.error("--seeds: expected at least 1")
    return options


if __name__ == "__main__":
    main()
