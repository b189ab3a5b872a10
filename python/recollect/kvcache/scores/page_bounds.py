"""Upper bounds of the logits of pages (Tang and others, "Quest", 2024)."""

from dataclasses import dataclass

import numpy as np

from recollect.checks import count_of
from recollect.errors import InvalidArgument
from recollect.kvcache.arrays import Array, Foreign, numbers, opened, received
from recollect.kvcache.layer import Layer, Sequence
from recollect.kvcache.softmax import over_group

__all__ = ["PageBounds", "page_bound", "page_bounds", "page_scores"]


@dataclass(frozen=True, slots=True, eq=False)
class PageBounds:
    """The least and greatest of each channel in each page of `page` tokens.

    Attributes
    ----------
    low, high
        float32 ``[batch, heads, pages, d]``, of NumPy, or as the keys came where these lie on
        a GPU; a page without tokens has `low` above `high`, both infinite.
    page
        Tokens of a page.
    """

    low: Foreign
    high: Foreign
    page: int


def page_bounds(layer: Layer, *, page: int = 16) -> PageBounds:
    """Return the bounds of the pages of a layer; they hold for float32 keys and what is narrower."""
    page = count_of(page, "page", 1)
    if layer.has_kernels():
        from recollect.kvcache.cuda.pages import bounds_of_pages

        least, most = layer.by_kernels(lambda cached: bounds_of_pages(cached, page), back=False)
        return PageBounds(layer.returned(least), layer.returned(most), page)
    batch, heads, tokens, dim = layer.shape
    shape = (batch, heads, -(-tokens // page), dim)
    low, high = np.full(shape, np.inf, dtype=np.float32), np.full(shape, -np.inf, dtype=np.float32)
    for one in layer.sequences():
        # Pages are places in the arrays, padding included, so that a page is a range of memory.
        for at in np.unique(one.tokens // page):
            keys = one.keys[:, one.tokens // page == at]
            low[one.index][:, at], high[one.index][:, at] = keys.min(1), keys.max(1)
    return PageBounds(low, high, page)


def page_scores(queries: Foreign, bounds: PageBounds) -> Array:
    """Return ``sum(max(q low, q high))``, float64 ``[batch, query_heads, w, pages]``: upper bounds.

    Raises
    ------
    InvalidArgument
        If the queries, ``[batch, query_heads, w, d]``, do not belong to the bounds.
    """
    rows: Array = numbers(received(queries, "queries", 4)).astype(np.float64)
    lowest, highest = (opened(part, "bounds") for part in (bounds.low, bounds.high))
    batch, heads, pages, dim = lowest.shape
    if rows.shape[0] != batch or rows.shape[1] % heads or rows.shape[3] != dim:
        raise InvalidArgument(f"queries: {rows.shape} do not belong to bounds of {lowest.shape}")
    grouped = rows.reshape(batch, heads, -1, dim)
    empty: Array = np.logical_not(np.isfinite(lowest).all(axis=-1))
    low, high = (np.where(empty[..., None], 0, part).astype(np.float64) for part in (lowest, highest))
    positive, negative = np.maximum(grouped, 0), np.minimum(grouped, 0)
    found = positive @ high.swapaxes(2, 3) + negative @ low.swapaxes(2, 3)
    found = np.where(empty[:, :, None], -np.inf, found)
    return found.reshape(*rows.shape[:3], pages)


def page_bound(layer: Layer, *, page: int = 16, reduce: str = "max") -> Foreign:
    """Score a token by the bound of its page for the last query.

    Parameters
    ----------
    layer
        Its keys and queries.
    page
        Tokens of a page.
    reduce
        How the query heads of a head become one score: ``"mean"``, ``"max"`` or ``"sum"``.

    Returns
    -------
    array
        float32 ``[batch, heads, tokens]``, equal within a page.

    Raises
    ------
    InvalidArgument
        If the layer has no queries.
    """
    layer.needs("queries", by="page_bound")
    if layer.has_kernels(queries=True):
        from recollect.kvcache.cuda.pages import page_shares

        over_group(np.zeros((0, 1)), reduce)
        page = count_of(page, "page", 1)
        return layer.by_kernels(lambda cached: page_shares(cached, page, reduce))
    bounds = page_bounds(layer, page=page)
    low, high = (opened(part, "bounds") for part in (bounds.low, bounds.high))

    def score(one: Sequence) -> Array:
        last = one.queries[:, :, -1:]
        if not last.shape[2]:
            return np.zeros((len(one.keys), len(one)))
        own = PageBounds(low[one.index][None], high[one.index][None], page)
        found = page_scores(last.reshape(1, -1, 1, last.shape[-1]), own)
        by_head = over_group(found.reshape(len(one.keys), -1, found.shape[-1]), reduce)
        return by_head[:, one.tokens // page]

    return layer.scored(score)
