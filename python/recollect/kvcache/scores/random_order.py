"""Random scores: what every other method has to beat."""

import numpy as np

from recollect.checks import seed_of
from recollect.kvcache.arrays import Array, Foreign
from recollect.kvcache.layer import Layer, Sequence
from recollect.kvcache.splitmix import mixed

__all__ = ["random_order"]


def random_order(layer: Layer, *, seed: int = 0) -> Foreign:
    """Score by numbers that look random and depend on seed, head and place alone (SplitMix64).

    Returns
    -------
    array
        float32 ``[batch, heads, tokens]``, 0 to 1; the same for all sequences, however they come in batches.
    """
    start = np.uint64(seed_of(seed))

    def score(one: Sequence) -> Array:
        heads = np.arange(len(one.keys), dtype=np.uint64)[:, None] << np.uint64(40)
        return mixed(mixed(start) + (heads | one.places.astype(np.uint64))) / 2.0**64

    return layer.scored(score)
