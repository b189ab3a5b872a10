"""The same for every head, out of bytes: tokens and shares are other words for it."""

import numpy as np
import numpy.typing as npt

from recollect.checks import count_of, unit
from recollect.errors import InvalidArgument
from recollect.kvcache.quantizers.codec import Codec
from recollect.kvcache.quantizers.kinds import codec_of
from recollect.kvcache.segments import POSITION_BYTES

__all__ = ["tokens_within", "uniform"]


def tokens_within(
    nbytes: int,
    dim: int,
    value_dim: int | None = None,
    *,
    keys: str | Codec = "plain",
    values: str | Codec = "plain",
    position_bytes: int = POSITION_BYTES,
) -> int:
    """Return how many tokens of one head fit into so many bytes, with scales, means and positions.

    Parameters
    ----------
    nbytes
        Bytes for keys and values of one head.
    dim, value_dim
        Dimensions of a key and of a value; by default the same.
    keys, values
        Quantizers; ``"plain"`` is 16 bits.
    position_bytes
        Of each token; 0 where nothing is evicted, so that positions follow from the order.
    """
    nbytes, dim = count_of(nbytes, "nbytes"), count_of(dim, "dim", 1)
    codecs = (
        (codec_of(keys, "keys"), dim),
        (codec_of(values, "values"), dim if value_dim is None else value_dim),
    )

    def taken(tokens: int) -> int:
        return sum(codec.nbytes(tokens, d) for codec, d in codecs) + tokens * position_bytes

    low, high = 0, 1
    while taken(high) <= nbytes:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if taken(middle) <= nbytes else (low, middle)
    return low


def uniform(
    layers: int,
    heads: int,
    tokens: int,
    *,
    ratio: float | None = None,
    budget: int | None = None,
    nbytes: int | None = None,
    dim: int | None = None,
    keys: str | Codec = "plain",
    values: str | Codec = "plain",
) -> npt.NDArray[np.int32]:
    """Return the same budget for all heads of all layers, int32 ``[layers, heads]``.

    Parameters
    ----------
    layers, heads
        Of the model.
    tokens
        In the cache: the most that a budget can be.
    ratio, budget, nbytes
        One of them: a share of the tokens, tokens of a head, or bytes of the whole cache of one sequence.
    dim, keys, values
        Dimensions of a head and the quantizers; `dim` is needed with `nbytes`.

    Raises
    ------
    InvalidArgument
        If not exactly one of the three is given, or `dim` is missing.
    """
    layers, heads, tokens = (
        count_of(layers, "layers", 1),
        count_of(heads, "heads", 1),
        count_of(tokens, "tokens"),
    )
    if sum(one is not None for one in (ratio, budget, nbytes)) != 1:
        raise InvalidArgument("ratio, budget, nbytes: expected one of them")
    if ratio is not None:
        each = int(tokens * unit(ratio, "ratio"))
    elif budget is not None:
        each = count_of(budget, "budget")
    elif nbytes is None or dim is None:
        raise InvalidArgument("dim: bytes need the dimensions of a head")
    else:
        each = tokens_within(count_of(nbytes, "nbytes") // (layers * heads), dim, keys=keys, values=values)
    return np.full((layers, heads), min(each, tokens), dtype=np.int32)
