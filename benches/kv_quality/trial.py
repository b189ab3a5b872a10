"""Accuracy of one way to keep the caches of both layers."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from benches.kv_quality.methods import Read
from benches.kv_quality.questions import Questions
from benches.kv_quality.recall_model import DIM, FIRST_VALUE, GROUP, RecallModel
from recollect.kvcache import Attended, MixedCache, decode_attention, merged

N_SINK, N_RECENT = 4, 4


@dataclass(frozen=True)
class Row:
    """One line: what was held, as a share of the bytes in bfloat16, and how many answers were right."""

    method: str
    keys: str
    values: str
    bytes_share: float
    accuracy: float

    def as_dict(self) -> dict[str, object]:
        """Return it as JSON has it."""
        return asdict(self)


def full_bytes(context: Read) -> int:
    """Return the bytes of keys and values of one layer in bfloat16."""
    return sum(part.nbytes for part in context.cached(0))


def share_of(context: Read, caches: Sequence[MixedCache]) -> float:
    """Return the bytes held, as a share of those of all tokens in bfloat16."""
    return sum(cache.nbytes for cache in caches) / (len(caches) * full_bytes(context))


def accuracy(
    model: RecallModel, given: Questions, caches: Sequence[MixedCache], tokens: int
) -> npt.NDArray[np.bool_]:
    """Return which questions are answered right, ``[batch, questions]``, each asked behind the context."""
    residual = model.embedding[given.asked]
    batch, asked = given.asked.shape
    positions = np.full((batch, asked), tokens)
    for layer, cache in enumerate(caches):
        states = model.states(layer, residual, positions[0])
        past = decode_attention(states.queries, cache, positions=positions)
        keys, values = (np.repeat(part, GROUP, axis=1) for part in (states.keys, states.values))
        own = Attended(
            values.astype(np.float32), ((states.queries * keys).sum(-1) / np.sqrt(DIM)).astype(np.float32)
        )
        whole = merged(past, own).output
        residual = residual + model.written(layer, np.asarray(whole, dtype=np.float64))
    right: npt.NDArray[np.bool_] = model.logits(residual).argmax(-1) + FIRST_VALUE == given.answers
    return right


def protected(scores: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return scores that keep the first and the newest tokens, as every method here does."""
    found = scores.copy()
    found[..., :N_SINK] = np.inf
    found[..., -N_RECENT:] = np.inf
    return found
