"""Rows to parts on a GPU, and parts that lie there."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from recollect.kvcache.arrays import Array, Foreign, opened, returned
from recollect.kvcache.quantizers.codec import Codec, Parts
from recollect.kvcache.quantizers.encoding import fitting_lengths

if TYPE_CHECKING:
    from recollect.gpu.device import Device
    from recollect.gpu.frames import Frame
    from recollect.kvcache.cuda.coded import Coded
    from recollect.kvcache.cuda.verdict import Verdict

__all__ = [
    "There",
    "coded_on",
    "decoded_on_gpu",
    "encoded_on_gpu",
    "encoded_there",
    "logits_on_gpu",
    "makes_on_gpu",
    "moved_to_gpu",
    "parts_on",
    "parts_on_host",
    "weighted_on_gpu",
]


_Held = TypeVar("_Held")


def makes_on_gpu(codec: Codec) -> bool:
    """Return whether a GPU makes the parts of a codec; never those of a class derived from one."""
    return "encode_on" in vars(type(codec))


Fits = Callable[[tuple[int, ...]], None]
"""Raises unless a shape belongs to what is quantized."""


@dataclass(frozen=True, slots=True, eq=False)
class There:
    """Parts on a GPU, the shape of the array, and the framework and device that it comes from."""

    parts: Parts
    shape: tuple[int, ...]
    origin: "Frame"


def encoded_on_gpu(
    codec: Codec, array: Foreign, lengths: Foreign | None, held_as: Callable[[There], _Held]
) -> _Held | None:
    """Return what holds the parts of an array ``[..., n, d]`` on its device.

    None stands for elements or settings that kernels do not know, and for numbers that cannot be quantized,
    of which the reference says where they are.

    Raises
    ------
    InvalidArgument
        If the array has another shape, or the lengths do not belong to it.
    """
    there, verdict = _begun(codec, array, lengths)
    held = None if there is None else held_as(there)
    # All that can be done before is: the device has nothing to do from here on.
    return None if verdict is None or verdict.broken() else held


def _begun(codec: Codec, array: Foreign, lengths: Foreign | None) -> "tuple[There | None, Verdict | None]":
    """Return parts on which kernels may still work, and the verdict on them."""
    from recollect.gpu.frames import frame_of
    from recollect.kvcache.cuda.handing import handed
    from recollect.kvcache.cuda.verdict import judging
    from recollect.kvcache.cuda.working import received_on, working

    with working(array) as device, judging(device) as verdict:
        found = received_on(device, array, "array")
        held = fitting_lengths(found.shape, lengths)
        rows = handed(device, found if found.ndim == 4 else found.reshape(1, -1, *found.shape[-2:]))
        if rows is None or not makes_on_gpu(codec):
            return None, None
        counts = None if held is None else device.xp.asarray(held.astype(np.uint32))
        parts = codec.encode_on(device, rows, counts, verdict)
        return None if parts is None else There(parts, found.shape, frame_of(array, "array")), verdict


def encoded_there(device: "Device", codec: Codec, rows: Array, verdict: "Verdict | None" = None) -> Parts:
    """Return the parts of rows ``[heads, n, d]`` on their device.

    With a verdict they are good unless that is that a number is broken, for the caller to ask; then nothing
    waits for the device.

    Raises
    ------
    InvalidArgument
        If a number is beyond what the quantizer can scale; with a verdict only where kernels do not make the
        parts.
    """
    from recollect.kvcache.cuda.handing import handed
    from recollect.kvcache.cuda.verdict import judging

    given = handed(device, rows[None]) if makes_on_gpu(codec) else None
    parts = None
    if given is not None and verdict is not None:
        parts = codec.encode_on(device, given, None, verdict)
    elif given is not None:
        with judging(device) as own:
            parts = codec.encode_on(device, given, None, own)
            parts = None if own.broken() else parts
    return parts_on(device, codec.encode(opened(rows, "rows"))) if parts is None else parts


def moved_to_gpu(parts: Parts, array: Foreign, shape: tuple[int, ...]) -> There:
    """Return parts that were made on the CPU on the device of their array."""
    from recollect.gpu.frames import frame_of
    from recollect.kvcache.cuda.working import working

    with working(array) as device:
        return There(parts_on(device, parts), shape, frame_of(array, "array"))


def decoded_on_gpu(codec: Codec, parts: Parts, shape: tuple[int, ...], origin: "Frame | None") -> Foreign:
    """Return the rows that parts stand for, float32 of a shape, in the framework that the array came from."""
    from recollect.gpu.frames import Frame
    from recollect.kvcache.cuda.dequantizing import decoded
    from recollect.kvcache.cuda.working import working

    n, d = shape[-2:]
    with working(*parts.values()) as device:
        coded = coded_on(device, codec, parts, n, d)
        if coded is None:
            found = device.xp.asarray(codec.decode(parts_on_host(parts), n, d).astype(np.float32))
        else:
            found = decoded(device, coded)
        return (origin or Frame("numpy", None)).back(found.reshape(shape))


def logits_on_gpu(
    codec: Codec, queries: Foreign, parts: Parts, shape: tuple[int, ...], fits: Fits
) -> Foreign:
    """Return products of queries ``[batch, query_heads, w, d]`` with rows, in the queries' framework."""
    from recollect.kvcache.cuda.products import logits

    n, d = shape[2:4]
    return _by_codes(codec, queries, "queries", parts, shape, fits, (logits, codec.logits), (d, n))


def weighted_on_gpu(
    codec: Codec, weights: Foreign, parts: Parts, shape: tuple[int, ...], fits: Fits
) -> Foreign:
    """Return sums of rows by weights ``[batch, query_heads, w, n]``, in the framework of the weights."""
    from recollect.kvcache.cuda.products import weighted

    n, d = shape[2:4]
    return _by_codes(codec, weights, "weights", parts, shape, fits, (weighted, codec.weighted), (n, d))


def _by_codes(
    codec: Codec,
    asked: Foreign,
    argument: str,
    parts: Parts,
    shape: tuple[int, ...],
    fits: Fits,
    ways: tuple[Callable[..., Array], Callable[..., Array]],
    widths: tuple[int, int],
) -> Foreign:
    """Return what a kernel, or else the codec, makes of rows of one width: rows of another."""
    from recollect.kvcache.cuda.floats import floats_on
    from recollect.kvcache.cuda.working import received_on, working

    (kernel, reference), (given, made) = ways, widths
    with working(asked, *parts.values()) as device:
        rows = received_on(device, asked, argument, 4)
        fits(rows.shape)
        heads, (n, d) = shape[0] * shape[1], shape[2:4]
        together = rows.shape[1] // shape[1] * rows.shape[2] if shape[1] else 0
        grouped = floats_on(device, rows).reshape(heads, together, given)
        coded = coded_on(device, codec, parts, n, d)
        if coded is None:
            found = reference(_on_host(grouped), parts_on_host(parts), made).astype(np.float32)
        else:
            found = kernel(device, coded, grouped)
        return returned(device.xp.asarray(found).reshape(*rows.shape[:3], made), asked)


def coded_on(device: "Device", codec: Codec, parts: Parts, n: int, d: int) -> "Coded | None":
    """Return parts on a device as kernels read them; None where they do not know the codec."""
    from recollect.kvcache.cuda.dequantizing import turning_fits

    if "coded" not in vars(type(codec)):
        return None
    beside = {name: device.xp.ascontiguousarray(device.xp.asarray(part)) for name, part in parts.items()}
    found = codec.coded(beside, n, d)
    return found if found is not None and turning_fits(device, found) else None


def _on_host(array: Array) -> Array:
    return opened(array, "array").astype(np.float64)


def parts_on(device: "Device", parts: Parts) -> dict[str, Array]:
    """Return parts as a device has them, without a copy of those that lie there."""
    return {name: device.xp.asarray(part) for name, part in parts.items()}


def parts_on_host(parts: Parts) -> Mapping[str, Array]:
    """Return parts in the memory of the CPU, without a copy of those that are there."""
    return {name: opened(part, name) for name, part in parts.items()}
