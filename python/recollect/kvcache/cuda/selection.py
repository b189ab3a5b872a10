"""Which tokens of each head stay, chosen and listed where the scores lie."""

from typing import Any

import numpy as np

from recollect.gpu.device import Array, Device, Kernel

__all__ = ["chosen_tokens"]

_THREADS = 1024
_MOST = np.iinfo(np.int32).max


def chosen_tokens(
    device: Device,
    scores: Array,
    limits: Any,
    n_sink: int,
    n_recent: int,
    threshold: float | None,
    positions: Array | None,
) -> tuple[Array, Array, Array]:
    """Return what stays, int32 on the device, as :func:`recollect.kvcache.select` does.

    Does not wait for the device: there is room for as many tokens as budgets allow.

    Parameters
    ----------
    device
        Where scores lie.
    scores
        float32 ``[batch, heads, tokens]``, without gaps.
    limits
        Tokens that a head may keep, ``[batch, heads]`` of NumPy.
    n_sink, n_recent, threshold
        As of :func:`recollect.kvcache.select`.
    positions
        int32 ``[batch, heads, tokens]``, without gaps, or None.

    Returns
    -------
    indices, positions
        As of :class:`recollect.kvcache.Kept`; what lies behind the last head is not set.
    cu_len
        Where heads begin, ``[batch * heads + 1]``.
    """
    xp, (batch, heads, tokens) = device.xp, scores.shape
    rows = batch * heads
    if not rows or not tokens:
        return xp.empty(0, np.int32), xp.empty(0, np.int32), xp.zeros(rows + 1, np.int32)
    # One budget of all is no array to bring.
    same = bool(limits.min() == limits.max())
    most = np.minimum(limits[:1, 0] if same else limits.reshape(-1), _MOST).astype(np.uint32)
    room = int(np.minimum(np.maximum(most, 1), tokens).sum(dtype=np.int64)) * (rows if same else 1)
    choices, counts = xp.empty((rows, 8), np.uint32), xp.empty(rows, np.uint32)
    limited = [np.uint32(threshold is not None), np.float64(0 if threshold is None else threshold)]
    sizes = [np.uint32(min(one, tokens)) for one in (n_sink, n_recent)]
    first = [scores, np.uint32(tokens), None if same else xp.asarray(most), most[0], *sizes]
    device.launch(
        Kernel("scores_selection", "choose_tokens"), (rows,), _THREADS, [*first, *limited, choices, counts]
    )
    bounds, indices = xp.empty(rows + 1, np.int32), xp.empty(room, np.int32)
    device.launch(
        Kernel("scores_selection", "bound_heads"), (1,), _THREADS, [counts, np.uint32(rows), bounds]
    )
    held = indices if positions is None else xp.empty(room, np.int32)
    steps = [np.uint64(heads * tokens), np.uint64(tokens)]
    arguments = [scores, np.uint32(tokens), choices, *limited, bounds, positions, np.uint32(heads), *steps]
    device.launch(
        Kernel("scores_selection", "list_chosen"),
        (rows,),
        _THREADS,
        [*arguments, indices, None if positions is None else held],
    )
    return indices, held, bounds
