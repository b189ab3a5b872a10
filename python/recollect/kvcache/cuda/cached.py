"""A layer as kernels of scores take it: where its arrays lie, and which of its tokens count."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from recollect.errors import WrongType
from recollect.gpu.device import Array, Device, Kernel, address
from recollect.kvcache.arrays import Foreign
from recollect.kvcache.cuda.floats import floats_on
from recollect.kvcache.cuda.handing import FORMS, Handed, handed
from recollect.kvcache.cuda.working import received_on

__all__ = ["Cached", "cached", "in_pieces", "lanes_for", "rows_arguments", "takes", "whole_rows"]

_THREADS, _WARPS = 256, 8
_BESIDE = 4
_LISTED = 2048
"""Tokens that a block lists."""


@dataclass(slots=True, eq=False)
class Cached:
    """The arrays of a layer on a device.

    Attributes
    ----------
    device
        Where they lie.
    keys, values, queries
        ``[batch, heads, tokens, d]``; the layer may lack values and queries.
    present
        uint8 ``[batch, tokens]``, 0 for padding; None where there is none.
    padding
        The same in NumPy, bool, with true for all where there is none.
    sound
        By part, which tokens have finite numbers alone in it, as far as that was found out; 0 for padding.
    """

    device: Device
    keys: Handed
    values: Handed | None
    queries: Handed | None
    present: Array | None
    padding: npt.NDArray[np.bool_]
    sound: dict[str, Array] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Batch, heads, tokens and dimension of the keys."""
        batch, heads, tokens, dim = self.keys.array.shape
        return batch, heads, tokens, dim

    def counting(self, but: str | None = None) -> Array | None:
        """Return which tokens count, uint8 ``[batch, tokens]``, or None where all do as far as was asked.

        Parameters
        ----------
        but
            ``"keys"`` or ``"values"``: not asked, because a kernel that reads them finds out.
        """
        found = self.present
        for name, part in (("keys", self.keys), ("values", self.values)):
            if part is None or name == but:
                continue
            if name not in self.sound:
                self.sound[name] = self.sound_of(part, self.present)
            found = self.sound[name] if found is None else found & self.sound[name]
        return found

    def counts(self) -> Array:
        """Return which tokens count, uint8 ``[batch, tokens]``."""
        found = self.counting()
        assert found is not None  # It has keys.
        return found

    def listed(self) -> tuple[Array, Array]:
        """Return the tokens that count, uint32 ``[batch, tokens]``, and how many; others are not set."""
        xp, (batch, _, tokens, _) = self.device.xp, self.shape
        places, filled = xp.empty((batch, tokens), np.uint32), xp.empty(batch, np.uint32)
        if batch:
            self.device.launch(
                Kernel("scores_places", "list_places"),
                (max(1, -(-tokens // _LISTED)), batch),
                _THREADS,
                [self.counts(), np.uint32(tokens), places, filled],
            )
        return places, filled

    def places(self) -> Array:
        """Return which token of its sequence each is, padding left out, int64 ``[batch, tokens]``."""
        xp, (batch, _, tokens, _) = self.device.xp, self.shape
        if self.present is None:
            return xp.broadcast_to(xp.arange(tokens), (batch, tokens))
        return xp.cumsum(self.present, 1, dtype=np.int64) - 1

    def spread(self, scores: Array) -> Array:
        """Return scores ``[batch, tokens]`` for all heads, float32; minus infinity where a token has none."""
        xp, (batch, heads, tokens, _) = self.device.xp, self.shape
        scores = scores.astype(np.float64)
        counts = (self.counts() != 0) & ~xp.isnan(scores)
        whole = xp.where(counts, scores, -np.inf).astype(np.float32)
        return xp.ascontiguousarray(xp.broadcast_to(whole[:, None], (batch, heads, tokens)))

    def with_sinks(self, scores: Array, n_sink: int) -> Array:
        """Return scores ``[batch, heads, tokens]``, made infinite for the first tokens of a sequence."""
        batch, heads, tokens, _ = self.shape
        if n_sink and scores.size:
            sizes = np.uint32(heads), np.uint32(tokens), np.uint32(min(n_sink, tokens))
            self.device.launch(
                Kernel("scores_places", "raise_first"),
                (batch,),
                _THREADS,
                [self.present, self.counts(), *sizes, scores],
            )
        return scores

    def brought(self, found: Array) -> Array:
        """Return an array of NumPy as float32 on the device."""
        return self.device.xp.asarray(found.astype(np.float32))

    def received(self, value: Foreign, argument: str, ndim: int) -> Array:
        """Return an array of the caller on the device: float16, float32, or float32 of what else it is."""
        found = received_on(self.device, value, argument, ndim)
        if found.dtype == np.float64:
            return found.astype(np.float32)
        return found if found.dtype.kind == "f" else floats_on(self.device, found)

    def sound_of(self, part: Handed, among: Array | None = None) -> Array:
        """Return which rows are finite in all heads, uint8 ``[batch, rows]``; no others than those given."""
        batch, _, tokens, _ = part.array.shape
        sound = self.device.xp.zeros((batch, tokens), np.uint8)
        if not part.array.size:
            sound[...] = 1 if among is None else among
            return sound
        kernel, tile = lanes_for(part, Kernel("scores_sound", "find_sound"))
        if -(-tokens // tile) * batch < 2 * self.device.processors:
            # Heads one after the other would be a long way for a few blocks.
            arguments = [*rows_arguments(part), among, sound]
            self.device.launch(kernel, (-(-tokens // _WARPS), batch), _THREADS, arguments)
            return sound
        self.look_at(part, among, sound)
        return sound

    def look_at(self, part: Handed, among: Array | None, sound: Array, only: Array | None = None) -> None:
        """Find out which rows are finite in all heads, into `sound`; nothing is done where `only` is zero."""
        batch, _, tokens, _ = part.array.shape
        kernel, tile = lanes_for(part, Kernel("scores_rows", "measure_rows"))
        zero, no = np.uint32(0), np.float32(0)
        arguments = [
            *rows_arguments(part), among, None, np.uint32(1), zero, zero, None, no, no, sound, only,
        ]  # fmt: skip
        grid = -(-tokens // tile), batch
        self.device.launch(kernel.defining("MEASURE", "SOUND"), grid, _THREADS, arguments)


def cached(
    device: Device, keys: Array, values: Array | None, queries: Array | None, present: npt.NDArray[np.bool_]
) -> Cached:
    """Return the arrays of a layer as kernels take them.

    Parameters
    ----------
    device
        Where the arrays lie.
    keys, values, queries
        ``[batch, heads, tokens, d]``; queries that kernels do not read are left out.
    present
        False for padding, bool ``[batch, tokens]`` of NumPy.

    Raises
    ------
    WrongType
        If kernels do not read keys or values.
    """
    rows, held = handed(device, keys), None if values is None else handed(device, values)
    if rows is None or (values is not None and held is None):
        raise WrongType(f"keys: kernels do not read {keys.dtype} of {keys.shape}")
    padded = None if present.all() else device.xp.asarray(present.astype(np.uint8))
    asked = None if queries is None else handed(device, queries)
    return Cached(device, rows, held, asked, padded, present)


def takes(part: Array) -> bool:
    """Return whether kernels read an array of 4 axes: its type, and that it is not too large for them."""
    batch, heads, n, d = part.shape
    return part.dtype.name in FORMS and batch * heads < 1 << 16 and n * d < 1 << 31


def lanes_for(part: Handed, kernel: Kernel) -> tuple[Kernel, int]:
    """Return a kernel with as many lanes a row as it has pieces of 16 bytes, and the tokens of its blocks."""
    pieces = -(-part.array.shape[3] // _wide(part))
    lanes = next(width for width in (4, 8, 16, 32) if width >= min(pieces, 32))
    aligned = str(int(in_pieces(part)))
    found = part.read_by(kernel).defining("LANES", str(lanes)).defining("ALIGNED", aligned)
    return found, _THREADS // lanes * _BESIDE


def rows_arguments(part: Handed) -> list[Any]:
    """Return where rows lie, as kernels take them."""
    sizes = (np.uint32(size) for size in part.array.shape[1:])
    return [*part.arguments, *sizes, np.uint32(in_pieces(part))]


def whole_rows(part: Handed, piece: int = 16) -> bool:
    """Return whether rows are made of aligned pieces of so many bytes."""
    array = part.array
    length = array.shape[3] * array.itemsize
    return not any(step % piece for step in (address(array), length, *array.strides[:3]))


def in_pieces(part: Handed) -> bool:
    """Return whether rows are made of aligned pieces, as kernels of scores read them."""
    return whole_rows(part, _wide(part) * part.array.itemsize)


def _wide(part: Handed) -> int:
    return 4 if part.form == "F32" else 8
