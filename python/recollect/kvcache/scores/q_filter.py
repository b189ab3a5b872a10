"""Keys along the main direction of queries (Godey and others, "Q-Filters", 2025)."""

from typing import TYPE_CHECKING

import numpy as np

from recollect.errors import InvalidArgument
from recollect.kvcache.arrays import Array, Foreign, numbers, received
from recollect.kvcache.layer import Layer

if TYPE_CHECKING:
    from recollect.kvcache.cuda.cached import Cached

__all__ = ["calibrated_filters", "q_filter"]


def calibrated_filters(layer: Layer) -> Foreign:
    """Return the filters of the heads of a layer, float32 ``[heads, d]``, from the queries it has.

    A filter is the first right singular vector of the queries of a head, pointed away from their mean, so
    that minus the product with it is high for keys that queries point to.

    Raises
    ------
    InvalidArgument
        If the layer has no queries.
    """
    layer.needs("queries", by="calibrated_filters")
    heads, dim = layer.shape[1], layer.shape[3]
    gram, mean = np.zeros((heads, dim, dim)), np.zeros((heads, dim))
    for one in layer.sequences():
        rows = one.queries.reshape(heads, -1, dim)
        gram += rows.swapaxes(1, 2) @ rows
        mean += rows.sum(1)
    first = np.linalg.eigh(gram)[1][..., -1]
    along = (first * mean).sum(-1, keepdims=True)
    return layer.returned((first * np.where(along > 0, -1.0, 1.0)).astype(np.float32))


def q_filter(layer: Layer, *, filters: Foreign) -> Foreign:
    """Score by minus the product of the key with the filter of its head.

    On a GPU kernels do it in float32; elsewhere it is a product of matrices in float64, which NumPy does.

    Parameters
    ----------
    layer
        Its keys.
    filters
        ``[heads, d]``, as :func:`calibrated_filters` gives them.

    Returns
    -------
    array
        float32 ``[batch, heads, tokens]``.

    Raises
    ------
    InvalidArgument
        If there is not one filter a head.
    """
    wanted = layer.shape[1], layer.shape[3]
    if layer.has_kernels():
        return layer.by_kernels(lambda cached: _by_kernels(cached, filters, wanted))
    rows: Array = numbers(received(filters, "filters", 2)).astype(np.float64)
    _one_a_head(rows, wanted)
    return layer.scored(lambda one: -(one.keys @ rows[:, :, None])[..., 0])


def _by_kernels(cached: "Cached", filters: Foreign, wanted: tuple[int, int]) -> Array:
    from recollect.kvcache.cuda.rows import products

    # Filters on the device stay there.
    rows = cached.received(filters, "filters", 2)
    _one_a_head(rows, wanted)
    found: Array = products(cached, rows[None, :, None], factor=-1.0)[:, :, 0]
    return found


def _one_a_head(rows: Array, wanted: tuple[int, int]) -> None:
    if rows.shape != wanted:
        raise InvalidArgument(f"filters: expected the shape {wanted}, found {rows.shape}")
