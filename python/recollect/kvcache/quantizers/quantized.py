"""Quantized arrays, and the products of attention with them."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from recollect.errors import DimensionMismatch, FormatTooNew, InvalidArgument
from recollect.kvcache.arrays import Array, Foreign, lengths_of, numbers, received, returned
from recollect.kvcache.backends import chosen
from recollect.kvcache.quantizers.codec import Codec, Parts
from recollect.kvcache.quantizers.encoding import fitting_lengths, natively
from recollect.kvcache.quantizers.kinds import codec_of
from recollect.kvcache.quantizers.on_gpu import (
    There,
    decoded_on_gpu,
    encoded_on_gpu,
    logits_on_gpu,
    moved_to_gpu,
    parts_on_host,
    weighted_on_gpu,
)
from recollect.kvcache.quantizers.packing import LAYOUT
from recollect.kvcache.quantizers.products import decoded, logits, weighted

if TYPE_CHECKING:
    from recollect.gpu.frames import Frame

__all__ = ["Quantized", "pv", "qk_logits", "quantize"]


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Quantized:
    """An array ``[..., n, d]`` as the parts that a quantizer keeps.

    Attributes
    ----------
    codec
        The quantizer.
    parts
        What is kept, by name, with all leading axes as one in front.
    shape
        Of the array.
    layout
        Version of how parts are laid out.
    origin
        Framework and device of the array whose parts lie on a GPU.
    """

    codec: Codec
    parts: Parts
    shape: tuple[int, ...]
    layout: int = field(default=LAYOUT)
    origin: "Frame | None" = field(default=None)

    def __post_init__(self) -> None:
        if self.layout != LAYOUT:
            raise FormatTooNew(f"layout: this version reads {LAYOUT}, found {self.layout}")

    @property
    def nbytes(self) -> int:
        """Bytes that the parts take, all of them."""
        return sum(part.nbytes for part in self.parts.values())

    def dequantize(self, *, backend: str | None = None, threads: int | None = None) -> Foreign:
        """Return what the codes stand for, float32 of the array's shape; the same bits on every backend.

        It is an array of NumPy, or of the framework of the array where the parts lie on a GPU.
        """
        heads = int(np.prod(self.shape[:-2]))
        own = chosen(backend, *self.parts.values())
        if own == "cuda":
            return decoded_on_gpu(self.codec, self.parts, self.shape, self.origin)
        n, d = self.shape[-2:]
        parts = parts_on_host(self.parts)
        return decoded(self.codec, parts, heads, n, d, own, threads).reshape(self.shape)


def quantize(
    array: Foreign,
    kind: str | Codec,
    *,
    role: str = "keys",
    lengths: Foreign | None = None,
    backend: str | None = None,
    threads: int | None = None,
) -> Quantized:
    """Quantize keys or values.

    Parameters
    ----------
    array
        ``[batch, heads, tokens, d]``, or any array ``[..., n, d]`` where no lengths are given. A group of
        tokens never crosses a head or a sequence; the last one may be short.
    kind
        Name of a quantizer, or one made by hand.
    role
        What the array is, ``"keys"`` or ``"values"``: decides how a quantizer given by name groups.
    lengths
        Tokens of each sequence; what lies behind is padding, does not change a code of the others, and stands
        for the last token afterwards. Its bytes are held and counted.
    backend
        ``"rust"``, ``"numpy"`` or ``"cuda"``; by default Rust, or the GPU for an array there. Codes
        are the same bits. float64 is quantized by NumPy.
    threads
        Threads that work on it; by default as many as are worth it. No bit depends on them.

    Raises
    ------
    InvalidArgument
        If a number is not finite, or beyond what the quantizer can scale.
    GpuUnavailable
        If the GPU is asked for and there is none, or no CuPy.
    """
    own, codec = chosen(backend, array), codec_of(kind, role)
    if own == "cuda":
        made = encoded_on_gpu(codec, array, lengths, lambda there: _held_there(codec, there))
        if made is not None:
            return made
    found = received(array, "array")
    held = fitting_lengths(found.shape, lengths)
    parts = natively(codec, found, threads, held) if own == "rust" else None
    if parts is not None:
        return Quantized(codec, parts, found.shape)
    rows = found if lengths is None else _filled(found, lengths)
    with np.errstate(over="ignore"):
        finite = np.isfinite(numbers(rows).astype(np.float32, copy=False)).all(-1)
    if not finite.all():
        where = tuple(int(at) for at in np.argwhere(~finite)[0])
        raise InvalidArgument(f"array{list(where)}: a number is not finite in float32")
    flat = rows.reshape(int(np.prod(rows.shape[:-2])), *rows.shape[-2:])
    counts = None if held is None else np.repeat(held, found.shape[1])
    parts = codec.encode(flat, counts)
    if own == "cuda":
        return _held_there(codec, moved_to_gpu(parts, array, found.shape))
    return Quantized(codec, parts, found.shape)


def _held_there(codec: Codec, there: There) -> Quantized:
    return Quantized(codec, there.parts, there.shape, origin=there.origin)


def qk_logits(
    queries: Foreign, keys: Quantized, *, backend: str | None = None, threads: int | None = None
) -> Foreign:
    """Return products of queries with quantized keys, without making the keys.

    Parameters
    ----------
    queries
        ``[batch, query_heads, w, d]``; query heads that share a head lie together.
    keys
        Of the shape ``[batch, heads, n, d]``.
    backend
        ``"rust"``, which is the default and adds up in float32, ``"cuda"``, which does so on a GPU and is the
        default where queries or codes lie there, or ``"numpy"``, which adds up in float64.
    threads
        Threads that work on it; by default as many as are worth it. No bit depends on them.

    Returns
    -------
    array
        float32 ``[batch, query_heads, w, n]``, not divided by the root of the dimension.

    Raises
    ------
    InvalidArgument
        If shapes do not belong together.
    """
    own, n = chosen(backend, queries, *keys.parts.values()), keys.shape[-2]

    def fits(shape: tuple[int, ...]) -> None:
        _belong(shape, keys, "queries")
        if shape[3] != keys.shape[3]:
            raise DimensionMismatch(f"queries: expected {keys.shape[3]} dimensions, found {shape[3]}")

    if own == "cuda":
        return logits_on_gpu(keys.codec, queries, keys.parts, keys.shape, fits)
    rows = received(queries, "queries", 4)
    fits(rows.shape)
    grouped = _grouped(rows, keys)
    found = logits(keys.codec, grouped, parts_on_host(keys.parts), n, own, threads)
    return returned(found.astype(np.float32, copy=False).reshape(*rows.shape[:3], n), queries)


def pv(
    weights: Foreign, values: Quantized, *, backend: str | None = None, threads: int | None = None
) -> Foreign:
    """Return sums of quantized values by weights, without making the values.

    Parameters
    ----------
    weights
        ``[batch, query_heads, w, n]``.
    values
        Of the shape ``[batch, heads, n, d_v]``.
    backend, threads
        As for :func:`qk_logits`.

    Returns
    -------
    array
        float32 ``[batch, query_heads, w, d_v]``.

    Raises
    ------
    InvalidArgument
        If shapes do not belong together.
    """
    own, d = chosen(backend, weights, *values.parts.values()), values.shape[-1]

    def fits(shape: tuple[int, ...]) -> None:
        _belong(shape, values, "weights")
        if shape[3] != values.shape[2]:
            raise InvalidArgument(f"weights: of {shape[3]} tokens, there are {values.shape[2]}")

    if own == "cuda":
        return weighted_on_gpu(values.codec, weights, values.parts, values.shape, fits)
    rows = received(weights, "weights", 4)
    fits(rows.shape)
    grouped = _grouped(rows, values)
    found = weighted(values.codec, grouped, parts_on_host(values.parts), d, own, threads)
    return returned(found.astype(np.float32, copy=False).reshape(*rows.shape[:3], d), weights)


def _belong(shape: tuple[int, ...], other: Quantized, name: str) -> None:
    if len(other.shape) != 4:
        raise InvalidArgument(
            f"{name}: what is quantized has the shape {other.shape}, not (batch, heads, n, d)"
        )
    if shape[0] != other.shape[0] or not shape[1] or shape[1] % other.shape[1]:
        raise InvalidArgument(f"{name}: {shape} does not belong to {other.shape}")


def _grouped(rows: Array, other: Quantized) -> Array:
    """Return rows with the query heads of a head one after another, ``[batch * heads, group * w, ...]``."""
    batch, heads = other.shape[:2]
    width = rows.shape[1] // heads * rows.shape[2]
    return numbers(rows).reshape(batch * heads, width, rows.shape[3])


def _filled(rows: Array, lengths: Foreign) -> Array:
    found = rows.copy()
    for index, length in enumerate(lengths_of(lengths, rows.shape[0], rows.shape[2])):
        found[index, :, length:] = (
            found[index, :, length - 1 : length] if length else np.zeros((), rows.dtype)
        )
    return found
