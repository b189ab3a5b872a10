"""Static vectors out of the `wordllama` wheel, without its loader and without a network."""

from importlib.resources import files

import numpy as np
from safetensors.numpy import load
from tokenizers import Tokenizer

from benches.quality.retrieval_set import Array

_CHUNK = 512


def static_vectors(texts: list[str]) -> Array:
    """Return unit rows of 256 numbers: the mean of the token vectors."""
    folder = files("wordllama")
    tokenizer = Tokenizer.from_buffer((folder / "tokenizers/l2_supercat_tokenizer_config.json").read_bytes())
    tokenizer.no_padding()
    tokenizer.no_truncation()
    (weights,) = load((folder / "weights/l2_supercat_256.safetensors").read_bytes()).values()
    weights = weights.astype(np.float32)
    rows = np.zeros((len(texts), weights.shape[1]), dtype=np.float32)
    for start in range(0, len(texts), _CHUNK):
        encoded = tokenizer.encode_batch(texts[start : start + _CHUNK], add_special_tokens=False)
        for at, encoding in enumerate(encoded, start):
            if encoding.ids:
                rows[at] = weights[encoding.ids].mean(axis=0)
    unit: Array = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
    return unit
