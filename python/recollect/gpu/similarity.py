"""The best rows of a matrix for many queries, on the GPU where the arrays lie there."""

from typing import Any

import numpy as np

from recollect.checks import count_of, one_of
from recollect.errors import DimensionMismatch, InvalidArgument, LimitExceeded, WrongType
from recollect.gpu import oracle
from recollect.gpu.device import Array, Cuda, Device
from recollect.gpu.frames import Frame, arrived, backend_for, on_host, working_on
from recollect.gpu.rows import Rows
from recollect.gpu.search import best_rows, normalised
from recollect.gpu.selection import MOST

__all__ = ["METRICS", "checked", "factors_of", "finite", "form_of", "similarity", "similarity_on", "widened"]

METRICS = ("dot", "cosine", "euclidean")
_FORMS = {"float32": "f32", "float16": "f16", "uint16": "bf16", "int16": "bf16", "int8": "int8"}


def similarity(
    queries: Any,
    matrix: Any,
    k: int = 10,
    *,
    metric: str = "dot",
    scales: Any = None,
    mask: Any = None,
    backend: str | None = None,
) -> tuple[Any, Any]:
    """Return the best rows of a matrix for each query.

    The answer is exact: ids, their order and the bits of the scores are those of
    :class:`recollect.VectorIndex` with ``recall_target=1.0`` over the same rows, on either backend.

    Parameters
    ----------
    queries
        Real numbers ``[q, d]``, or ``[d]`` for one; they are read as float32.
    matrix
        ``[n, d]``: float32, float16, bfloat16 (also as a view of 16-bit integers) or int8. Arrays of any
        framework that speaks DLPack are taken where they are.
    k
        Rows wanted, at least 1; at most 2048 on a GPU.
    metric
        What a score is: ``"dot"``, ``"cosine"``, or ``"euclidean"`` for minus the squared distance. Greater
        is closer. For the cosine rows of any form are read as float32, of which a copy is made.
    scales
        float32 ``[n]`` for int8: a row is its codes times this. 1 if not given.
    mask
        bool ``[n]`` or ``[q, n]``: the rows that may be found, such as those of a namespace or a time.
    backend
        ``"numpy"`` or ``"cuda"``; by default where the arrays are.

    Returns
    -------
    ids, scores
        int64 and float32 ``[q, k]``, or ``[k]`` for one query, best first and ties to the lower row, in the
        framework of the queries and on their device; where fewer are found, -1 and minus infinity follow.

    Raises
    ------
    DimensionMismatch
        If queries and rows have different numbers of components (also a ``ValueError``).
    InvalidArgument
        If a component is not finite, or a norm over 1e18 (also a ``ValueError``).
    GpuUnavailable
        If the GPU is asked for and there is none, or no CuPy.
    """
    asked, frame, brain = arrived(queries, "queries")
    given, place, matrix_brain = arrived(matrix, "matrix")
    if brain:
        raise WrongType("queries: expected float32 or float16, found bfloat16; convert them to float32")
    frames = [frame, place]
    factors, allowed = None, None
    if scales is not None:
        factors, where, _ = arrived(scales, "scales")
        frames.append(where)
    if mask is not None:
        allowed, where, _ = arrived(mask, "mask")
        frames.append(where)
    chosen, number = backend_for(backend, *frames)
    form = "bf16" if matrix_brain else form_of(given)
    one_of(metric, METRICS, "metric")
    checked(asked, given, form, factors, allowed)
    k = count_of(k, "k", 1)
    if chosen == "numpy":
        arrays = on_host(asked), on_host(given), form, on_host(factors), on_host(allowed)
        return _answer(*_on_numpy(*arrays, k, metric), asked.ndim, frame)
    with working_on(number, frame.framework):
        ids, scores = similarity_on(Cuda.current(), asked, given, form, factors, allowed, k, metric)
        return _answer(ids, scores, asked.ndim, frame)


def similarity_on(
    device: Device,
    queries: Array,
    matrix: Array,
    form: str,
    scales: Array | None,
    mask: Array | None,
    k: int,
    metric: str,
) -> tuple[Array, Array]:
    """Return what :func:`similarity` does, of arrays that were checked, on a device."""
    if k > MOST:
        raise LimitExceeded(f"k: {k} is over the limit of {MOST} on a GPU")
    xp = device.xp
    asked = finite(xp, xp.ascontiguousarray(xp.asarray(queries), dtype=np.float32))
    asked = asked.reshape(-1, asked.shape[-1])
    data = xp.ascontiguousarray(xp.asarray(matrix))
    if form == "bf16":
        data = data.view(np.uint16)
    factors = factors_of(xp, data, form, scales)
    if metric == "cosine":
        data = normalised(device, widened(xp, data, form, factors))
        form, factors, asked = "f32", None, normalised(device, asked)
    rows = Rows(device, data, form, factors, metric == "euclidean")
    return best_rows(rows, asked, k, None if mask is None else xp.asarray(mask))


def widened(xp: Any, data: Array, form: str, scales: Array | None) -> Array:
    """Return rows of a form as float32."""
    if form == "bf16":
        return (data.astype(np.uint32) << 16).view(np.float32)
    wide = data.astype(np.float32)
    return wide if scales is None else wide * scales[:, None]


def _on_numpy(
    queries: Array, matrix: Array, form: str, scales: Array | None, mask: Array | None, k: int, metric: str
) -> tuple[Array, Array]:
    asked = finite(np, np.ascontiguousarray(queries, dtype=np.float32))
    asked = asked.reshape(-1, asked.shape[-1])
    data = np.ascontiguousarray(matrix)
    scales = factors_of(np, data, form, scales)
    rows = oracle.widened(data.view(np.uint16) if form == "bf16" else data, form, scales)
    if (
        not np.isfinite(rows).all()
        or np.einsum("ij,ij->i", rows, rows, dtype=np.float64).max(initial=0) > 1e36
    ):
        raise InvalidArgument("matrix: a component is not finite, or a norm is over 1e18")
    if metric == "cosine":
        rows, asked = oracle.normalised(rows), oracle.normalised(asked)
    return oracle.best_rows(asked, rows, k, mask, metric == "euclidean")


def factors_of(xp: Any, data: Array, form: str, scales: Array | None) -> Array | None:
    """Return the scales of rows of int8, 1 if not given; None for other forms."""
    if form != "int8":
        return None
    return xp.ones(len(data), dtype=np.float32) if scales is None else xp.asarray(scales, dtype=np.float32)


def finite(xp: Any, queries: Array) -> Array:
    """Return queries, once it is known that they are finite and no norm is over 1e18."""
    squares = xp.square(queries.astype(np.float64)).sum(axis=-1)
    # The comparison fails for NaN too.
    if not bool((squares <= 1e36).all()):
        raise InvalidArgument("queries: a component is not finite in float32, or a norm is over 1e18")
    return queries


def form_of(matrix: Array) -> str:
    """Return the form of a matrix by its type."""
    form = _FORMS.get(str(matrix.dtype))
    if form is None:
        raise WrongType(f"matrix: expected float32, float16, bfloat16 or int8, found {matrix.dtype}")
    return form


def checked(queries: Array, matrix: Array, form: str, scales: Array | None, mask: Array | None) -> None:
    """Refuse shapes and types that do not belong together."""
    if queries.dtype.kind not in "fiu":
        raise WrongType(f"queries: expected real numbers, found {queries.dtype}")
    if matrix.ndim != 2 or matrix.shape[1] == 0:
        raise InvalidArgument(f"matrix: expected the shape (n, d), found {matrix.shape}")
    if queries.ndim not in (1, 2):
        raise InvalidArgument(f"queries: expected the shape (d,) or (q, d), found {queries.shape}")
    if queries.shape[-1] != matrix.shape[1]:
        raise DimensionMismatch(f"queries: expected {matrix.shape[1]} dimensions, found {queries.shape[-1]}")
    if len(matrix) >= (1 << 32) - 1:
        raise LimitExceeded(f"matrix: {len(matrix)} rows are over the limit of {(1 << 32) - 2}")
    if scales is not None and (form != "int8" or scales.shape != (len(matrix),)):
        raise InvalidArgument(f"scales: expected ({len(matrix)},) for rows of int8, found {scales.shape}")
    if mask is not None:
        count = 1 if queries.ndim == 1 else len(queries)
        if mask.dtype != bool:
            raise WrongType(f"mask: expected bool, found {mask.dtype}")
        if mask.shape not in ((len(matrix),), (count, len(matrix))):
            raise InvalidArgument(
                f"mask: expected ({len(matrix)},) or ({count}, {len(matrix)}), found {mask.shape}"
            )


def _answer(ids: Array, scores: Array, ndim: int, frame: Frame) -> tuple[Any, Any]:
    if ndim == 1:
        ids, scores = ids[0], scores[0]
    return frame.back(ids), frame.back(scores)
