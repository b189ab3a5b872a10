"""The mean direction of the keys of each head, and how keys lie to it."""

import numpy as np

from recollect.gpu.device import Array, Kernel
from recollect.gpu.frames import on_host
from recollect.kvcache.cuda.cached import Cached, lanes_for, rows_arguments
from recollect.kvcache.cuda.rows import cosines

__all__ = ["likeness", "observed"]

_THREADS, _WARPS = 256, 8
_SPAN = 256


def observed(cached: Cached) -> tuple[Array, Array]:
    """Return sums of directions, float64 ``[batch, heads, d]``, and tokens ``[batch]``, of NumPy."""
    sums, sound = _direction_sums(cached)
    return on_host(sums), on_host(sound.sum(1, dtype=np.int64))


def likeness(cached: Cached, anchors: Array | None, *, factor: float, faint: float) -> Array:
    """Return `factor` times the cosine of keys with a direction, float32 ``[batch, heads, tokens]``.

    Parameters
    ----------
    cached
        The layer.
    anchors
        Mean directions, float64 ``[batch, heads, d]`` of NumPy; None stands for those of the keys of each
        head.
    factor
        What cosines are multiplied by.
    faint
        A mean no longer than this has no direction.
    """
    if anchors is not None:
        means = cached.device.xp.asarray(anchors)
        return cosines(cached, _directions_of(cached, means, faint), factor=factor)
    means, cached.sound["keys"] = _direction_sums(cached, mean=True)
    return cosines(cached, _directions_of(cached, means, faint), factor=factor)


def _direction_sums(cached: Cached, *, mean: bool = False) -> tuple[Array, Array]:
    """Return sums or means of the directions of keys, float64 ``[batch, heads, d]``, and which tokens count.

    Spans of 256 tokens add up in float32, these in float64, each in its order.
    """
    batch, heads, tokens, dim = cached.shape
    xp, spans = cached.device.xp, -(-tokens // _SPAN)
    sums = xp.zeros((batch, heads, dim), np.float64)
    if not batch or not tokens:
        return sums, xp.zeros((batch, tokens), np.uint8)
    parts, sound = xp.empty((batch, spans, heads, dim), np.float32), xp.empty((batch, tokens), np.uint8)
    counted = xp.empty((batch, spans), np.uint32)
    kernel, _ = lanes_for(cached.keys, Kernel("scores_directions", "sum_directions"))
    arguments = [*rows_arguments(cached.keys), cached.counting(but="keys"), parts, counted, sound]
    cached.device.launch(kernel, (spans, batch), _THREADS, arguments)
    width = heads * dim
    cached.device.launch(
        Kernel("scores_directions", "join_directions"),
        (-(-width // _THREADS), batch),
        _THREADS,
        [parts, counted, np.uint32(spans), np.uint32(width), np.uint32(mean), sums],
    )
    return sums, sound


def _directions_of(cached: Cached, means: Array, faint: float) -> Array:
    """Return float64 ``[batch, heads, d]`` at length one, as float32; what is too short becomes zeros."""
    xp, count = cached.device.xp, means.shape[0] * means.shape[1]
    found = xp.empty(means.shape, np.float32)
    if count:
        cached.device.launch(
            Kernel("scores_directions", "directions_of"),
            (-(-count // _WARPS),),
            _THREADS,
            [means, found, np.uint32(count), np.uint32(means.shape[2]), np.float32(faint)],
        )
    return found
