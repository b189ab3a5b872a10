"""A transformer whose weights are written by formula: it recalls associations without training or a download.

Two layers of attention in the shape of Llama (RMSNorm, RoPE, grouped query heads, no bias). In the first a
head looks one token back, so that every token knows its predecessor; in the second a head looks for the token
whose predecessor is the present one, and its token is the answer. Both live in the first head of keys; the
others carry noise, as most heads of a model do for a given task. Keys have channels with a large constant,
and the first token is a sink.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

KEYS, VALUES, FILLERS = 64, 64, 32
BOS, FIRST_KEY = 1, 3
FIRST_VALUE = FIRST_KEY + KEYS
FIRST_FILLER = FIRST_VALUE + VALUES
VOCABULARY = FIRST_FILLER + FILLERS

DIM, HEADS, QUERY_HEADS, WIDTH = 128, 4, 8, 512
GROUP = QUERY_HEADS // HEADS
_TOKEN, _BEFORE, _FOUND, _ONE, _IS_BOS = slice(0, 128), slice(128, 256), slice(256, 384), 384, 385
_SLOW = np.r_[34:64, 98:128]
"""Dimensions that RoPE hardly turns over some thousand tokens."""
_OUTLIERS = (33, 97, 96)
INV_FREQ = 1e7 ** -(np.arange(0, DIM, 2) / DIM)


@dataclass(frozen=True)
class LayerStates:
    """What one layer computed: ``[batch, heads, tokens, d]``, before and after RoPE."""

    queries: Floats
    keys: Floats
    values: Floats
    queries_before: Floats
    keys_before: Floats


class RecallModel:
    """The weights, written for one seed.

    Parameters
    ----------
    seed
        Where codes of tokens and noise come from.
    outlier
        Size of the constant in some channels of the keys.
    """

    def __init__(self, seed: int = 0, outlier: float = 8.0) -> None:
        random = np.random.default_rng(seed)
        codes = random.standard_normal((VOCABULARY, DIM))
        codes /= np.linalg.norm(codes, axis=1, keepdims=True)
        codes[FIRST_VALUE : FIRST_VALUE + VALUES] = _orthogonal(random)[:VALUES]
        self.embedding = np.zeros((VOCABULARY, WIDTH))
        self.embedding[:, _TOKEN], self.embedding[:, _ONE], self.embedding[BOS, _IS_BOS] = codes, 1.0, 1.0
        self.output = codes[FIRST_VALUE : FIRST_VALUE + VALUES] * 20
        self.query = np.zeros((2, QUERY_HEADS, DIM, WIDTH))
        self.key, self.value = np.zeros((2, 2, HEADS, DIM, WIDTH))
        self.out = np.zeros((2, QUERY_HEADS, WIDTH, DIM))
        # A residual of squared length 2, then 3, over its width: what RMSNorm divides by.
        scales = np.sqrt(2 / WIDTH), np.sqrt(3 / WIDTH)
        self._look_back(scales[0])
        self._retrieve(scales[1], _orthogonal(random)[: len(_SLOW)])
        for layer in range(2):
            for head in range(1, HEADS):
                noise = random.standard_normal((GROUP + 2, DIM, DIM)) * scales[0]
                self.query[layer, head * GROUP : (head + 1) * GROUP, :, _TOKEN] = noise[:GROUP] * 0.3
                self.key[layer, head, :, _TOKEN] = noise[GROUP] * 0.3
                self.value[layer, head, :, _TOKEN] = noise[GROUP + 1]
        for channel in _OUTLIERS:
            self.key[:, :, channel, _ONE] += outlier * scales[1]

    def _look_back(self, scale: float) -> None:
        # Turned one position back, the query meets the key before: the logit is a sum of cos(f (distance -
        # 1)).
        size = np.sqrt(6 * np.sqrt(DIM)) * scale
        half = DIM // 2
        self.query[0, :GROUP, :half, _ONE] = size * np.cos(-INV_FREQ)
        self.query[0, :GROUP, half:, _ONE] = size * np.sin(-INV_FREQ)
        self.key[0, 0, :half, _ONE] = size
        self.value[0, 0, :, _TOKEN] = np.eye(DIM) * scale
        self.out[0, :GROUP, _BEFORE] = np.eye(DIM) / GROUP

    def _retrieve(self, scale: float, projection: Floats) -> None:
        size = np.sqrt(44 * np.sqrt(DIM)) * scale
        code = size * projection * np.sqrt(DIM / len(_SLOW))
        self.query[1, :GROUP, _SLOW, _TOKEN] = code[:, None]
        self.key[1, 0, _SLOW, _BEFORE] = code
        self.query[1, :GROUP, 63, _ONE] += size * 0.75
        self.key[1, 0, 63, _IS_BOS] = size * 0.9
        self.value[1, 0, :, _TOKEN] = np.eye(DIM) * scale
        self.out[1, :GROUP, _FOUND] = np.eye(DIM) / GROUP

    def states(self, layer: int, residual: Floats, positions: npt.NDArray[np.int64]) -> LayerStates:
        """Return queries, keys and values of one layer for a residual ``[batch, tokens, width]``."""
        rows = residual / np.sqrt((residual**2).mean(-1, keepdims=True) + 1e-8)
        queries, keys, values = (
            np.einsum("btw,hdw->bhtd", rows, weights[layer], optimize=True)
            for weights in (self.query, self.key, self.value)
        )
        return LayerStates(_turned(queries, positions), _turned(keys, positions), values, queries, keys)

    def prefill(self, tokens: npt.NDArray[np.int64]) -> tuple[list[LayerStates], Floats]:
        """Read ``[batch, tokens]`` with all attention; return the states of both layers and the residual."""
        residual = self.embedding[tokens]
        positions = np.arange(tokens.shape[1])
        every = []
        for layer in range(2):
            states = self.states(layer, residual, positions)
            every.append(states)
            residual = residual + self.written(layer, _attended(states))
        return every, residual

    def written(self, layer: int, attended: Floats) -> Floats:
        """Return what attention ``[batch, query_heads, tokens, d]`` adds to the residual."""
        found: Floats = np.einsum("bhtd,hwd->btw", attended, self.out[layer], optimize=True)
        return found

    def logits(self, residual: Floats) -> Floats:
        """Return the logits of the answers, ``[batch, tokens, VALUES]``."""
        rows = residual / np.sqrt((residual**2).mean(-1, keepdims=True) + 1e-8)
        found: Floats = rows[..., _FOUND] @ self.output.T
        return found


def _attended(states: LayerStates) -> Floats:
    batch, _, tokens, _ = states.queries.shape
    grouped = states.queries.reshape(batch, HEADS, GROUP, tokens, DIM)
    logits = grouped @ states.keys[:, :, None].swapaxes(-1, -2) / np.sqrt(DIM)
    logits = np.where(np.tri(tokens, dtype=bool), logits, -np.inf)
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    found: Floats = powers / powers.sum(-1, keepdims=True) @ states.values[:, :, None]
    return found.reshape(batch, QUERY_HEADS, tokens, DIM)


def _turned(rows: Floats, positions: npt.NDArray[np.int64]) -> Floats:
    angles = positions[:, None] * INV_FREQ
    cos, sin = np.cos(angles), np.sin(angles)
    first, second = rows[..., : DIM // 2], rows[..., DIM // 2 :]
    return np.concatenate([first * cos - second * sin, second * cos + first * sin], -1)


def _orthogonal(random: np.random.Generator) -> Floats:
    return np.linalg.qr(random.standard_normal((DIM, DIM)))[0]
