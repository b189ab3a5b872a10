"""One number of each token of each head, read once: lengths, products with directions, cosines."""

import numpy as np

from recollect.gpu.device import Array, Kernel
from recollect.kvcache.cuda.cached import Cached, in_pieces, lanes_for, rows_arguments

__all__ = ["cosines", "lengths", "products", "weighed_lengths"]

_THREADS = 256
_MOST, _MOST_APART = 8, 4
"""Directions of a head whose products are taken while a row is at hand, of aligned pieces, and of others."""


def lengths(
    cached: Cached,
    of: str = "keys",
    *,
    order: int = 2,
    factor: float = 1.0,
    fill: float = -np.inf,
    alone: bool = False,
) -> Array:
    """Return `factor` times the length of each row, float32 ``[batch, heads, tokens]``.

    Parameters
    ----------
    cached
        The layer.
    of
        ``"keys"`` or ``"values"``.
    order
        2 for the root of the sum of squares, 1 for the sum of sizes.
    factor
        What lengths are multiplied by.
    fill
        What stands where a token does not count.
    alone
        Do not look at the other part of the layer: a token that is broken there alone has a length.
    """
    return _measured(cached, of, {1: "SIZE", 2: "LENGTH"}[order], None, factor, fill, alone)


def products(cached: Cached, toward: Array, *, factor: float = 1.0, fill: float = -np.inf) -> Array:
    """Return products of keys with directions, float32 ``[batch, heads, n, tokens]``.

    Parameters
    ----------
    cached
        The layer.
    toward
        float32 ``[batch or 1, heads, n, d]``: the directions of each head, those of one sequence for all.
    factor, fill
        As of :func:`lengths`.
    """
    return _measured(cached, "keys", "PRODUCT", toward, factor, fill)


def cosines(cached: Cached, toward: Array, *, factor: float = 1.0, fill: float = -np.inf) -> Array:
    """Return cosines between keys and a direction a head, float32 ``[batch, heads, tokens]``.

    Parameters
    ----------
    cached
        The layer.
    toward
        float32 ``[batch, heads, d]`` of length one, or zeros.
    factor, fill
        As of :func:`lengths`.
    """
    return _measured(cached, "keys", "COSINE", toward[:, :, None], factor, fill)[:, :, 0]


def weighed_lengths(cached: Cached, scores: Array, order: int, epsilon: float) -> Array:
    """Return `scores` and `epsilon` times the length of the value, float32 ``[batch, heads, tokens]``.

    What is infinite stays so, and minus infinity is the score of a token that does not count.
    """
    xp = cached.device.xp
    sizes = lengths(cached, "values", order=order, fill=np.nan)
    weighed = (scores.astype(np.float64) + epsilon) * sizes
    found = xp.where(xp.isfinite(scores), weighed, scores)
    # Not a number where a token does not count, or its score is none.
    found = xp.where(xp.isnan(sizes) | xp.isnan(found), -np.inf, found)
    with np.errstate(over="ignore"):
        return found.astype(np.float32)


def _measured(
    cached: Cached,
    of: str,
    measure: str,
    toward: Array | None,
    factor: float,
    fill: float,
    alone: bool = False,
) -> Array:
    part = cached.keys if of == "keys" else cached.values
    assert part is not None  # The layer was asked for it.
    batch, heads, tokens, _ = part.array.shape
    xp, many = cached.device.xp, 1 if toward is None else toward.shape[2]
    out = xp.empty((batch, heads, many, tokens), np.float32)
    kernel, tile = lanes_for(part, Kernel("scores_rows", "measure_rows"))
    counts = cached.present if alone else cached.counting(but=of)
    sound = None if of in cached.sound else xp.empty((batch, tokens), np.uint8)
    at, most = 0, _MOST if in_pieces(part) else _MOST_APART
    while at < many and out.size:
        # Several together, as a row is read for all of them.
        together = next(width for width in (8, 4, 2, 1) if width <= min(many - at, most))
        one = kernel.defining("MEASURE", measure).defining("DIRECTIONS", str(together))
        arguments = [
            *rows_arguments(part),
            counts,
            None if toward is None else xp.ascontiguousarray(toward, np.float32),
            np.uint32(many),
            np.uint32(at),
            np.uint32(toward is not None and len(toward) < batch),
            out,
            np.float32(factor),
            np.float32(fill),
            sound,
            None,
        ]
        cached.device.launch(one, (-(-tokens // tile), batch), _THREADS, arguments)
        at += together
    if sound is not None and out.size:
        # Found out by the way, so that no other kernel has to read these rows for it.
        cached.sound[of] = sound
    return out[:, :, 0] if toward is None else out
