"""Attention that queries with a mean and a covariance are expected to pay."""

from typing import Any

import numpy as np

from recollect.gpu.device import Array
from recollect.kvcache.arrays import Array as HostArray
from recollect.kvcache.cuda.attending import QUERIES, Tiles, tiles_of
from recollect.kvcache.cuda.cached import Cached, whole_rows
from recollect.kvcache.cuda.rows import lengths, products
from recollect.kvcache.cuda.sharing import LOG2E, shares

__all__ = ["expected_shares"]


def expected_shares(
    cached: Cached,
    means: Array,
    spreads: Array,
    turns: HostArray,
    *,
    covariance: bool,
    n_sink: int,
    epsilon: float,
    value_norm: bool,
) -> Array:
    """Return scores of :func:`recollect.kvcache.scores.expected_attention`.

    Parameters
    ----------
    cached
        The layer.
    means, spreads
        Of queries before RoPE, float64 ``[batch, query_heads, d]`` and ``[batch, query_heads, d, d]``.
    turns
        What RoPE does to them ahead, on average, float64 ``[batch, 1, d, d]`` of NumPy.
    covariance, n_sink, epsilon, value_norm
        As there.
    """
    xp, (batch, heads, _, dim) = cached.device.xp, cached.shape
    group = means.shape[1] // heads
    turned = xp.asarray(turns)
    means = (turned @ means[..., None])[..., 0]
    toward = (means * (LOG2E / np.sqrt(dim))).astype(np.float32).reshape(batch, heads, group, dim)
    if not covariance or not cached.keys.array.size:
        logits = products(cached, toward, fill=0.0)
    else:
        form = (turned @ spreads @ turned.swapaxes(2, 3) * (LOG2E / (2 * dim))).reshape(
            batch, heads, group, dim, dim
        )
        logits = _quadratic(cached, toward, form)
    counts = cached.counts() != 0
    free = (counts & (cached.places() >= n_sink)).astype(np.uint8)
    sizes = lengths(cached, "values", fill=0.0) if value_norm else None
    found = shares(cached, logits, free, sizes, epsilon)
    return cached.with_sinks(xp.where(counts[:, None], found, np.float32(-np.inf)), n_sink)


def _quadratic(cached: Cached, toward: Array, form: Array) -> Array:
    """Return products of keys with a direction, and with a form of two sides: ``k toward + k form k``."""
    device, (batch, heads, tokens, dim) = cached.device, cached.shape
    xp, group = device.xp, toward.shape[2]
    tiles = tiles_of(device, cached.keys, cached.keys)
    logits = xp.empty((batch, heads, group, tokens), np.float32)
    # Brought to where 16 bits have all their digits; powers of two lose nothing.
    scales = xp.exp2(xp.ceil(xp.log2(xp.maximum(xp.abs(form).max((3, 4)), 1e-30))) - 10)
    steps = (np.uint32(one) for one in (whole_rows(tiles.keys), heads, tokens, dim, group))
    device.launch(
        tiles.kernel("attention_expected", "expect"),
        (-(-tokens // tiles.tile), batch * heads),
        2 * tiles.tile,
        [
            _parts(xp, tiles, form / scales[..., None, None]),
            scales.astype(np.float32),
            xp.ascontiguousarray(toward),
            *tiles.keys.arguments,
            *steps,
            logits,
        ],
        tiles.shared(tiles.tile, QUERIES),
    )
    return logits


def _parts(xp: Any, tiles: Tiles, form: Array) -> Array:
    """Return a form ``[..., d, d]`` as the cells that stream past keys, filled up with zeros."""
    dim, plain = form.shape[-1], ("PLAIN", "1") in tiles.defines
    width = tiles.row_bytes // (4 if plain else 2)
    whole: Array = xp.zeros((*form.shape[:-2], -(-dim // QUERIES) * QUERIES, width), np.float32)
    whole[..., :dim, :dim] = form
    if plain:
        return whole
    if tiles.keys.form == "F16":
        high = whole.astype(np.float16)
        found: Array = xp.stack([high, (whole - high.astype(np.float32)).astype(np.float16)], -2)
        return found
    upper = _rounded(whole)
    rest = whole - (upper << 16).view(np.float32)
    both: Array = xp.stack([upper, _rounded(rest)], -2).astype(np.uint16)
    return both


def _rounded(numbers: Array) -> Array:
    """Return the nearest patterns of bfloat16 of finite float32, ties to even, as uint32."""
    bits = numbers.view(np.uint32)
    found: Array = (bits + np.uint32(0x7FFF) + ((bits >> 16) & np.uint32(1))) >> 16
    return found
