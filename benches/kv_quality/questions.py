"""Contexts of pairs among fillers, and questions about them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benches.kv_quality.recall_model import BOS, FILLERS, FIRST_FILLER, FIRST_KEY, FIRST_VALUE, KEYS, VALUES

Tokens = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Questions:
    """Contexts ``[batch, tokens]``; keys asked for and the values that answer, ``[batch, questions]``."""

    contexts: Tokens
    asked: Tokens
    answers: Tokens


def questions(seed: int, batch: int = 2, pairs: int = 48, fillers: int = 400, asked: int = 16) -> Questions:
    """Return contexts in which keys, each with its value behind it, stand among fillers at random."""
    random = np.random.default_rng(seed)
    contexts, keys, answers = [], [], []
    for _ in range(batch):
        names = FIRST_KEY + random.permutation(KEYS)[:pairs]
        values = FIRST_VALUE + random.integers(0, VALUES, pairs)
        is_pair = random.permutation(np.arange(pairs + fillers) < pairs)
        pair = iter(zip(names, values, strict=True))
        noise = FIRST_FILLER + random.integers(0, FILLERS, len(is_pair))
        parts = [next(pair) if one else (other,) for one, other in zip(is_pair, noise, strict=True)]
        chosen = random.permutation(pairs)[:asked]
        contexts.append([BOS, *(token for part in parts for token in part)])
        keys.append(names[chosen])
        answers.append(values[chosen])
    return Questions(np.array(contexts), np.array(keys), np.array(answers))
