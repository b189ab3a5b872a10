"""Many queries in one call: how many a second, with two threads."""

import statistics
from collections.abc import Mapping

import numpy as np

from benches.latency.interleaved import took
from benches.vectors.contender import THREADS, Contender
from benches.vectors.data.vector_set import VectorSet
from benches.vectors.engine import Unsupported
from benches.vectors.exact import K
from benches.vectors.operating_points import Choice

_SECONDS, _LEAST, _MOST = 0.4, 20, 2_000
_ROUNDS = 3


def batch_calls(timed: Mapping[str, tuple[Contender, Choice]], vectors: VectorSet) -> dict[str, float]:
    """Return queries a second by name, medians of rounds in turns; engines without such a call are left out.

    A call has as many queries as one thread would answer in some tenths of a second.
    """
    found: dict[str, list[float]] = {}
    for _ in range(_ROUNDS):
        for name, (one, choice) in timed.items():
            size = int(np.clip(_SECONDS * 1e6 / choice.found.p50_us, _LEAST, _MOST))
            queries = np.resize(vectors.asked.queries, (size, vectors.base.shape[1]))
            one.use(choice.found.point)
            try:
                microseconds = took(one.engine.search_many, queries, K, THREADS)
            except Unsupported:
                continue
            found.setdefault(name, []).append(size / microseconds * 1e6)
    return {name: statistics.median(rates) for name, rates in found.items()}
