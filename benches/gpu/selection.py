"""The best of scores that are there already: the selection alone, against that of PyTorch."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import cupy
import torch

from benches.gpu.row import GpuRow
from benches.gpu.timing import Call, milliseconds
from recollect.gpu.device import Cuda
from recollect.gpu.selection import best_keys, unpacked

__all__ = ["rows_of"]


def rows_of(n: int, queries: int, rounds: int) -> Iterator[GpuRow]:
    """Yield rows for several numbers of results."""
    device = Cuda.current()
    for length in (n // 8 // 4 * 4, n):
        scores = [torch.randn(queries, length, device="cuda") for _ in range(2)]
        for k in (10, 100, 1000):
            values, places = torch.topk(scores[0], k, dim=1)
            ours, numbers = unpacked(device, best_keys(device, cupy.from_dlpack(scores[0]), k))
            assert bool((torch.from_dlpack(numbers) == values).all()), f"other scores for k {k}"
            same = float((torch.from_dlpack(ours) == places).float().mean())
            calls: dict[str, Call] = {
                "recollect": partial(_ours, device, scores, k),
                "torch.topk": partial(_theirs, scores, k),
            }
            for engine, took in milliseconds(calls, rounds).items():
                yield GpuRow(
                    work="selection alone", engine=engine, form="f32", n=length, queries=queries, k=k,
                    ms=took,
                    agreement=same if engine == "recollect" else None,
                    gb_per_s=4e-6 * queries * length / took,
                )  # fmt: skip
        torch.cuda.empty_cache()


def _ours(device: Cuda, scores: list[Any], k: int, at: int) -> object:
    return best_keys(device, cupy.from_dlpack(scores[at % 2]), k)


def _theirs(scores: list[Any], k: int, at: int) -> object:
    return torch.topk(scores[at % 2], k, dim=1)
