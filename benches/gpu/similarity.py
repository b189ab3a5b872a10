"""1,024 queries on a million rows and more: the fused search against products, selections and libraries."""

from collections.abc import Iterator
from typing import Any

import cupy
import torch

from benches.gpu.checks import agreement, best_in_float64
from benches.gpu.made_up import Made, formed, made
from benches.gpu.row import GpuRow
from benches.gpu.timing import Call, milliseconds
from recollect.gpu import Sketches
from recollect.gpu.device import Cuda
from recollect.gpu.rows import Rows
from recollect.gpu.search import best_rows

__all__ = ["large", "rows_of"]

K = 10
_CHECKED = 64


def rows_of(n: int, dim: int, queries: int, rounds: int) -> Iterator[GpuRow]:
    """Yield the rows of every form on one set of vectors."""
    data = made(n, dim, queries)
    for form in ("f32", "f16", "bf16", "int8"):
        yield from _form(data, form, rounds)
        torch.cuda.empty_cache()
        cupy.get_default_memory_pool().free_all_blocks()
    yield from _sketches(data, rounds)


def _form(data: Made, form: str, rounds: int) -> Iterator[GpuRow]:
    n, dim, count = *data.rows.shape, len(data.queries[0])
    asked = [cupy.from_dlpack(one) for one in data.queries]
    matrix, scales = formed(data.arrays, form)
    rows = Rows(Cuda.current(), matrix, form, scales)
    truth = best_in_float64(asked[0][:_CHECKED], matrix, form, scales, K)
    share = agreement(truth, best_rows(rows, asked[0][:_CHECKED], K)[0])
    whole = agreement(truth, best_rows(rows, asked[0], K)[0])
    assert min(share, whole) > 0.999, f"{form}: {share}, {whole} of the best by float64"
    calls: dict[str, Call] = {"recollect": lambda at: best_rows(rows, asked[at], K)}
    calls |= _products(data, form, matrix)
    if (library := _cuvs(form, matrix, asked)) is not None:
        calls["cuVS brute force"] = library
    times = milliseconds(calls, rounds)
    product = times["product alone (torch)"]
    for engine, took in times.items():
        tf32 = "TF32" in engine
        yield GpuRow(
            work="similarity", engine=engine, form=form, n=n, dim=dim, queries=count, k=K, ms=took,
            product_share=None if tf32 else product / took,
            agreement=whole if engine == "recollect" else None,
        )  # fmt: skip


def _products(data: Made, form: str, matrix: Any) -> dict[str, Call]:
    if form == "int8":
        right = torch.from_dlpack(matrix).T
        codes = [(one * 127 / one.abs().max()).round().to(torch.int8) for one in data.queries]
        return {
            "product alone (torch)": lambda at: torch._int_mm(codes[at], right),
            "product and topk (torch)": lambda at: torch.topk(torch._int_mm(codes[at], right), K, dim=1),
        }
    kind = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}[form]
    right, asked = data.rows.to(kind).T, [one.to(kind) for one in data.queries]
    out = torch.empty(len(asked[0]), right.shape[1], dtype=kind, device="cuda")
    calls: dict[str, Call] = {
        "product alone (torch)": lambda at: torch.matmul(asked[at], right, out=out),
        "product and topk (torch)": lambda at: torch.topk(torch.matmul(asked[at], right, out=out), K, dim=1),
    }
    if form == "f32":

        def rounded(at: int) -> object:
            torch.backends.cuda.matmul.allow_tf32 = True
            try:
                return torch.matmul(asked[at], right, out=out)
            finally:
                torch.backends.cuda.matmul.allow_tf32 = False

        calls["product alone in TF32 (torch)"] = rounded
    return calls


def _cuvs(form: str, matrix: Any, asked: list[Any]) -> Call | None:
    try:
        from cuvs.neighbors import brute_force
    except ImportError:
        return None
    if form not in ("f32", "f16"):
        return None
    index = brute_force.build(matrix, metric="inner_product")
    return lambda at: brute_force.search(index, asked[at].astype(matrix.dtype), K)


def _sketches(data: Made, rounds: int) -> Iterator[GpuRow]:
    n, dim, count = *data.rows.shape, len(data.queries[0])
    asked = [cupy.from_dlpack(one) for one in data.queries]
    truth = best_in_float64(asked[0][:_CHECKED], data.arrays, "f32", None, K)
    yield from _sketched(data.arrays, None, "f32", asked, truth, (n, dim, count), rounds)


def _sketched(
    matrix: Any,
    scales: Any,
    form: str,
    asked: list[Any],
    truth: Any,
    shape: tuple[int, int, int],
    rounds: int,
) -> Iterator[GpuRow]:
    sketches = Sketches(matrix, scales=scales, metric="dot")
    many = (200, 1000)
    calls: dict[str, Call] = {
        f"recollect, {c} candidates": lambda at, c=c: sketches.search(asked[at], K, candidates=c)
        for c in many
    }
    shares = [agreement(truth, sketches.search(asked[0], K, candidates=c)[0]) for c in many]
    for (engine, took), share in zip(milliseconds(calls, rounds).items(), shares, strict=True):
        yield GpuRow(
            work="similarity", engine=engine, form=f"sketches over {form}", n=shape[0], dim=shape[1],
            queries=shape[2], k=K, ms=took, agreement=share,
        )  # fmt: skip


def large(n: int, dim: int, queries: int, rounds: int) -> Iterator[GpuRow]:
    """Yield the rows of int8 and of sketches over it."""
    data = made(n, dim, queries)
    matrix, scales = formed(data.arrays, "int8")
    asked = [cupy.from_dlpack(one) for one in data.queries]
    codes = [(one * 127 / one.abs().max()).round().to(torch.int8) for one in data.queries]
    del data
    torch.cuda.empty_cache()
    truth = best_in_float64(asked[0][:_CHECKED], matrix, "int8", scales, K)
    rows = Rows(Cuda.current(), matrix, "int8", scales)
    share = agreement(truth, best_rows(rows, asked[0], K)[0])
    parts = torch.from_dlpack(matrix).split(1_000_000)

    def product(at: int) -> object:
        return [torch._int_mm(codes[at], part.T) is None for part in parts]

    calls: dict[str, Call] = {"recollect": lambda at: best_rows(rows, asked[at], K)}
    calls["product alone (torch), a million at a time"] = product
    times = milliseconds(calls, rounds)
    for engine, took in times.items():
        yield GpuRow(
            work="similarity", engine=engine, form="int8", n=n, dim=dim, queries=queries, k=K, ms=took,
            product_share=times["product alone (torch), a million at a time"] / took,
            agreement=share if engine == "recollect" else None,
        )  # fmt: skip
    yield from _sketched(matrix, scales, "int8", asked, truth, (n, dim, queries), rounds)
