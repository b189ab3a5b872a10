"""Statistical leverage of keys (Chari and Van Durme, "Compactor", 2025)."""

import numpy as np

from recollect.checks import count_of, seed_of
from recollect.errors import InvalidArgument
from recollect.kvcache.arrays import Array, Foreign, numbers, received
from recollect.kvcache.layer import Layer, Sequence
from recollect.kvcache.pooling import standardised

__all__ = ["leverage"]


def leverage(
    layer: Layer,
    *,
    before_rope: Foreign | None = None,
    sketch: int | None = 48,
    ridge: float = 1e-2,
    seed: int = 0,
) -> Foreign:
    """Score by how much a key stands out of the span of all: ``x (X'X + r I)^-1 x`` for centred keys.

    A product of matrices in float64: NumPy does it, whatever the backend of the layer.

    Parameters
    ----------
    layer
        Its keys.
    before_rope
        The keys before RoPE, of the same shape, which the method is meant for; by default the layer's.
    sketch
        Dimensions of a Gaussian projection that stands for the keys; None takes them as they are.
    ridge
        What is added to the diagonal, in units of its mean; above zero, so that equal keys are no trouble.
    seed
        Where the projection comes from.

    Returns
    -------
    array
        float32 ``[batch, heads, tokens]``, with mean 0 and deviation 1 within a head.

    Raises
    ------
    InvalidArgument
        If `before_rope` has another shape than the keys, or the ridge is not above zero.
    """
    if not ridge > 0:
        raise InvalidArgument(f"ridge: expected a number above 0, found {ridge}")
    dim = layer.shape[3]
    other = None if before_rope is None else received(before_rope, "before_rope", 4)
    if other is not None and other.shape != layer.shape:
        raise InvalidArgument(f"before_rope: expected the shape {layer.shape}, found {other.shape}")
    random = np.random.default_rng(seed_of(seed))
    width = None if sketch is None else count_of(sketch, "sketch", 1)
    project = None if width is None else random.standard_normal((dim, width)) / np.sqrt(width)

    def score(one: Sequence) -> Array:
        keys = one.keys if other is None else numbers(other[one.index])[:, one.tokens].astype(np.float64)
        centred = keys - keys.mean(1, keepdims=True)
        rows = centred if project is None else centred @ project
        gram = rows.swapaxes(1, 2) @ rows
        scale = np.trace(gram, axis1=1, axis2=2)[:, None, None] / gram.shape[-1]
        gram += np.eye(gram.shape[-1]) * ridge * np.where(scale > 0, scale, 1)
        return standardised((rows * np.linalg.solve(gram, rows.swapaxes(1, 2)).swapaxes(1, 2)).sum(-1))

    return layer.scored(score)
