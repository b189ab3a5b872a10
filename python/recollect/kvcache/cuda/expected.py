"""Attention that queries with a mean and a covariance are expected to pay."""

import numpy as np

from recollect.gpu.device import Array
from recollect.kvcache.arrays import Array as HostArray
from recollect.kvcache.cuda.attending import QUERIES, Tiles, tiles_of
from recollect.kvcache.cuda.cached import Cached, whole_rows
from recollect.kvcache.cuda.rows import lengths, products
from recollect.kvcache.cuda.sharing import LOG2E, shares
from recollect.kvcache.float_formats import bf16_bits, from_bf16

__all__ = ["expected_shares"]


def expected_shares(
    cached: Cached,
    means: HostArray,
    spreads: HostArray | None,
    *,
    n_sink: int,
    epsilon: float,
    value_norm: bool,
) -> Array:
    """Return scores of :func:`recollect.kvcache.scores.expected_attention`.

    Parameters
    ----------
    cached
        The layer.
    means
        Of the queries ahead, float64 ``[batch, query_heads, d]`` of NumPy.
    spreads
        Their covariances, ``[batch, query_heads, d, d]``; None counts the means alone.
    n_sink, epsilon, value_norm
        As there.
    """
    xp, (batch, heads, _, dim) = cached.device.xp, cached.shape
    group = means.shape[1] // heads
    toward = (means * (LOG2E / np.sqrt(dim))).astype(np.float32).reshape(batch, heads, group, dim)
    if spreads is None or not cached.keys.array.size:
        logits = products(cached, xp.asarray(toward), fill=0.0)
    else:
        form = (spreads * (LOG2E / (2 * dim))).reshape(batch, heads, group, dim, dim)
        logits = _quadratic(cached, toward, form)
    counts = cached.counts() != 0
    free = (counts & (cached.places() >= n_sink)).astype(np.uint8)
    sizes = lengths(cached, "values", fill=0.0) if value_norm else None
    found = shares(cached, logits, free, sizes, epsilon)
    return cached.with_sinks(xp.where(counts[:, None], found, np.float32(-np.inf)), n_sink)


def _quadratic(cached: Cached, toward: HostArray, form: HostArray) -> Array:
    """Return products of keys with a direction, and with a form of two sides: ``k toward + k form k``."""
    device, (batch, heads, tokens, dim) = cached.device, cached.shape
    xp, group = device.xp, toward.shape[2]
    tiles = tiles_of(device, cached.keys, cached.keys)
    logits = xp.empty((batch, heads, group, tokens), np.float32)
    # Brought to where 16 bits have all their digits; powers of two lose nothing.
    scales = np.exp2(np.ceil(np.log2(np.maximum(np.abs(form).max((3, 4)), 1e-30))) - 10)
    steps = (np.uint32(one) for one in (whole_rows(tiles.keys), heads, tokens, dim, group))
    device.launch(
        tiles.kernel("attention_expected", "expect"),
        (-(-tokens // tiles.tile), batch * heads),
        2 * tiles.tile,
        [
            xp.asarray(_parts(tiles, form / scales[..., None, None])),
            xp.asarray(scales.astype(np.float32)),
            xp.asarray(toward),
            *tiles.keys.arguments,
            *steps,
            logits,
        ],
        tiles.shared(tiles.tile, QUERIES),
    )
    return logits


def _parts(tiles: Tiles, form: HostArray) -> HostArray:
    """Return a form ``[..., d, d]`` as the cells that stream past keys, filled up with zeros."""
    dim, plain = form.shape[-1], ("PLAIN", "1") in tiles.defines
    width = tiles.row_bytes // (4 if plain else 2)
    whole = np.zeros((*form.shape[:-2], -(-dim // QUERIES) * QUERIES, width), np.float32)
    whole[..., :dim, :dim] = form
    if plain:
        return whole
    if tiles.keys.form == "F16":
        high = whole.astype(np.float16)
        return np.stack([high, (whole - high.astype(np.float32)).astype(np.float16)], -2)
    upper = bf16_bits(whole)
    return np.stack([upper, bf16_bits(whole - from_bf16(upper))], -2)
