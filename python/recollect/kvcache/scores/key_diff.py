"""How unlike the others a key is (Park and others, "KeyDiff", 2025)."""

import numpy as np

from recollect import _native
from recollect.errors import InvalidArgument
from recollect.kvcache.arrays import Array, Foreign
from recollect.kvcache.layer import Layer, Sequence

__all__ = ["KeyAnchor", "key_diff"]

# A mean of directions no longer than this is what rounding leaves where they cancel.
_FAINT = 1e-6


class KeyAnchor:
    """The mean direction of keys seen so far: new tokens cost no second look at the old ones.

    The sums are float64 and exact to the last bits whatever the chunks in which the keys came.
    """

    def __init__(self) -> None:
        self._sum: Array | None = None
        self._count: Array | None = None

    def observe(self, layer: Layer) -> None:
        """Add the keys of a layer, which are new ones.

        Raises
        ------
        InvalidArgument
            If the layer has another number of sequences, heads or dimensions than those before.
        """
        batch, heads, _, dim = layer.shape
        if self._sum is None or self._count is None:
            self._sum, self._count = np.zeros((batch, heads, dim)), np.zeros(batch, dtype=np.int64)
        if self._sum.shape != (batch, heads, dim):
            raise InvalidArgument(
                f"layer: expected sequences, heads, dimensions {self._sum.shape}, found {layer.shape}"
            )
        if layer.has_kernels():
            from recollect.kvcache.cuda.directions import observed

            sums, counts = layer.by_kernels(observed, back=False)
            self._sum += sums
            self._count += counts
            return
        native = layer.native()
        if native is not None:
            sums, counts = _native.kvcache_directions(
                native.keys, native.values, native.present, native.threads
            )
            self._sum += sums.reshape(self._sum.shape)
            self._count += np.array(counts, dtype=np.int64)
            return
        for sequence in layer.sequences():
            self._sum[sequence.index] += _directions(sequence.keys).sum(1)
            self._count[sequence.index] += len(sequence)

    def mean(self, index: int) -> Array:
        """Return the mean direction of one sequence, float64 ``[heads, d]``."""
        mean: Array = self.means(index + 1)[index]
        return mean

    def means(self, batch: int) -> Array:
        """Return the mean directions of the first `batch` sequences, float64 ``[batch, heads, d]``."""
        if self._sum is None or self._count is None:
            raise InvalidArgument("anchor: it has observed nothing yet")
        means: Array = self._sum[:batch] / np.maximum(self._count[:batch], 1)[:, None, None]
        return means


def key_diff(layer: Layer, *, anchor: KeyAnchor | None = None) -> Foreign:
    """Score by minus the cosine between a key and the mean direction of all keys.

    Parameters
    ----------
    layer
        Its keys.
    anchor
        The mean direction of more tokens than the layer holds; by default that of the layer's own. Where
        directions cancel, to a mean no longer than 1e-6, no key is like it: all score 0.

    Returns
    -------
    array
        float32 ``[batch, heads, tokens]``, -1 to 1.
    """
    if layer.has_kernels():
        from recollect.kvcache.cuda.directions import likeness

        known = None if anchor is None else anchor.means(layer.shape[0])
        return layer.by_kernels(lambda cached: likeness(cached, known, factor=-1.0, faint=_FAINT))
    native = layer.native()
    if native is not None:
        if anchor is None:
            anchor = KeyAnchor()
            anchor.observe(layer)
        means = [anchor.mean(index) for index in range(layer.shape[0])]
        toward = np.concatenate([_directions(mean, _FAINT).ravel() for mean in means] or [np.zeros(0)])
        found = _native.kvcache_cosines(
            native.keys, native.values, native.present, toward.astype(np.float32), native.threads
        )
        return layer.finished(np.negative(found, out=found))

    def score(one: Sequence) -> Array:
        directions = _directions(one.keys)
        mean = directions.mean(1) if anchor is None else anchor.mean(one.index)
        return -(directions @ _directions(mean, _FAINT)[:, :, None])[..., 0]

    return layer.scored(score)


def _directions(rows: Array, none: float = 1e-12) -> Array:
    # A row of zeros has no direction; it counts as one that is like nothing.
    length = np.sqrt((rows**2).sum(-1, keepdims=True))
    return np.where(length > none, rows / np.where(length > none, length, 1), 0.0)
