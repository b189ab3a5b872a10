"""Whether answers are right, before anything is timed: float64, and the bits of the CPU."""

from typing import Any

import cupy
import numpy as np

import recollect
from recollect.gpu import oracle
from recollect.gpu.device import Cuda
from recollect.gpu.similarity import similarity_on, widened

__all__ = ["agreement", "best_in_float64", "same_bits"]

_AT_ONCE = 125_000


def best_in_float64(queries: Any, data: Any, form: str, scales: Any, k: int) -> Any:
    """Return the best `k` rows by inner products in float64, ``[q, k]``."""
    best = cupy.empty((len(queries), 0), dtype=cupy.float64)
    ids = cupy.empty((len(queries), 0), dtype=cupy.int64)
    wide = queries.astype(cupy.float64)
    for start in range(0, len(data), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        rows = widened(cupy, data[part], form, None if scales is None else scales[part])
        scores = wide @ rows.astype(cupy.float64).T
        top = cupy.argsort(-scores, axis=1)[:, :k]
        best = cupy.concatenate([best, cupy.take_along_axis(scores, top, 1)], axis=1)
        ids = cupy.concatenate([ids, top + start], axis=1)
        order = cupy.argsort(-best, axis=1)[:, :k]
        best, ids = cupy.take_along_axis(best, order, 1), cupy.take_along_axis(ids, order, 1)
    return ids


def agreement(truth: Any, found: Any) -> float:
    """Return the share of the truth that is found, of as many queries as the truth has."""
    pairs = zip(cupy.asnumpy(truth), cupy.asnumpy(found), strict=False)
    return float(np.mean([len(np.intersect1d(a, b)) / len(a) for a, b in pairs]))


def same_bits(seed: int = 0) -> list[str]:
    """Return what differs from the CPU, over forms, metrics, sizes and masks; nothing if all is well."""
    random, device, wrong = np.random.default_rng(seed), Cuda.current(), []
    for form in ("f32", "f16", "bf16", "int8"):
        for metric in ("dot", "cosine", "euclidean"):
            for n, dim, count in ((700, 33, 5), (40_000, 384, 150), (300_000, 96, 129)):
                rows = random.standard_normal((n, dim)).astype(np.float32)
                rows[n // 2] = rows[n // 3]
                queries = random.standard_normal((count, dim)).astype(np.float32)
                data, scales = (None if x is None else cupy.asnumpy(x) for x in _formed(rows, form))
                mask = random.random(n) < 0.5 if n == 40_000 else None
                ids, scores = similarity_on(device, queries, data, form, scales, mask, 10, metric)
                some = [0, 1, count - 1]
                wide = oracle.widened(data, form, scales)
                asked = queries[some]
                if metric == "cosine":
                    wide, asked = oracle.normalised(wide), oracle.normalised(asked)
                true_ids, true_scores = oracle.best_rows(asked, wide, 10, mask, metric == "euclidean")
                same = np.array_equal(ids.get()[some], true_ids) and np.array_equal(
                    scores.get()[some].view(np.int32), true_scores.view(np.int32)
                )
                if not same:
                    wrong.append(f"{form} {metric} {n} x {dim}")
    for keep in ("f32", "f16", "int8"):
        index = recollect.VectorIndex(64, "cosine", keep)
        index.add(random.standard_normal((20_000, 64)).astype(np.float32))
        mirror = recollect.gpu.Index(index, backend="cuda")
        queries = random.standard_normal((64, 64)).astype(np.float32)
        for _ in range(2):
            ours, theirs = mirror.search(queries, 10), index.search_many(queries, 10, 1.0)
            if not all(
                np.array_equal(a.view(np.int32), b.view(np.int32)) for a, b in zip(ours, theirs, strict=True)
            ):
                wrong.append(f"mirror of {keep}")
            mirror.remove(index.ids()[::7])
    return wrong


def _formed(rows: Any, form: str) -> tuple[Any, Any]:
    from benches.gpu.made_up import formed

    return formed(cupy.asarray(rows), form)
