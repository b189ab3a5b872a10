"""Which tokens of each head stay, chosen and listed where the scores lie."""

from typing import Any

import numpy as np

from recollect.gpu.device import Array, Device, Kernel
from recollect.gpu.frames import on_host

__all__ = ["chosen_tokens"]

_THREADS = 1024


def chosen_tokens(
    device: Device,
    scores: Array,
    limits: Any,
    n_sink: int,
    n_recent: int,
    threshold: float | None,
    positions: Array | None,
) -> tuple[Array, Array, Any]:
    """Return what stays, int32 on the device, as :func:`recollect.kvcache.select` does.

    Waits for the device once: how many stay is asked, as arrays are made for them.

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
        As of :class:`recollect.kvcache.Kept`, on the device.
    cu_len
        Where heads begin, in NumPy.
    """
    xp, (batch, heads, tokens) = device.xp, scores.shape
    rows = batch * heads
    bounds = xp.zeros(rows + 1, np.int32)
    if not rows or not tokens:
        none = xp.empty(0, np.int32)
        return none, none, on_host(bounds)
    most = np.clip(limits.reshape(-1), 0, np.iinfo(np.int32).max).astype(np.uint32)
    choices, counts = xp.empty((rows, 8), np.uint32), xp.empty(rows, np.uint32)
    limited = [np.uint32(threshold is not None), np.float64(0 if threshold is None else threshold)]
    first = [scores, np.uint32(tokens), xp.asarray(most), np.uint32(n_sink), np.uint32(n_recent)]
    device.launch(
        Kernel("scores_selection", "choose_tokens"), (rows,), _THREADS, [*first, *limited, choices, counts]
    )
    bounds[1:] = xp.cumsum(counts, dtype=np.int64)
    cu_len = on_host(bounds)
    indices = xp.empty(int(cu_len[-1]), np.int32)
    held = indices if positions is None else xp.empty(len(indices), np.int32)
    steps = [np.uint64(heads * tokens), np.uint64(tokens)]
    arguments = [scores, np.uint32(tokens), choices, *limited, bounds, positions, np.uint32(heads), *steps]
    device.launch(
        Kernel("scores_selection", "list_chosen"),
        (rows,),
        _THREADS,
        [*arguments, indices, None if positions is None else held],
    )
    return indices, held, cu_len
