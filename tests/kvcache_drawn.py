"""Layers of any shape, form and padding, as the tests of all backends draw them."""

from typing import Any

import numpy as np
from hypothesis import strategies as st

from recollect.kvcache import bf16_bits

FORMS = {
    "f32": lambda part: part.astype(np.float32),
    "f16": lambda part: part.astype(np.float16),
    "bf16": bf16_bits,
}


def rows(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape)


def drawn_layer(
    data: st.DataObject, batch: int, heads: int, group: int, tokens: int, dim: int, form: str
) -> tuple[list[np.ndarray], dict[str, Any]]:
    """Return keys, values and queries, some constant or broken, and the options that say what pads them."""
    seed = data.draw(st.integers(0, 99))
    random = np.random.default_rng(seed)
    keys = rows(batch, heads, tokens, dim, seed=seed)
    values = rows(batch, heads, tokens, dim + 3, seed=seed + 1)
    asking = data.draw(st.sampled_from([tokens, tokens // 2]))
    queries = rows(batch, heads * group, asking, dim, seed=seed + 2)
    if data.draw(st.booleans()):
        keys[..., 0] = 3.0
    parts = [FORMS[form](part) for part in (keys, values, queries)]
    if data.draw(st.booleans()) and tokens and batch:
        broken = np.float32(np.nan) if form != "bf16" else np.uint16(0x7F80)
        for part in parts:
            if part.size:
                part.reshape(-1)[random.integers(0, part.size, 2)] = broken
    mask = data.draw(st.sampled_from([None, "lengths", "mask"]))
    if mask == "lengths":
        return parts, {"lengths": random.integers(0, tokens + 1, batch)}
    return parts, {"mask": random.random((batch, tokens)) < 0.7} if mask else {}
