"""A tiny Llama made from a config, and ways to run it; collected only where PyTorch and Transformers are."""

from importlib.util import find_spec
from types import ModuleType

import numpy as np
import pytest

collect_ignore_glob = [] if find_spec("torch") and find_spec("transformers") else ["test_*"]

LAYERS, HEADS, QUERY_HEADS, WORDS = 3, 2, 6, 97


@pytest.fixture(scope="session")
def torch() -> ModuleType:
    """Return PyTorch, on one thread."""
    import torch

    torch.set_num_threads(1)
    return torch


@pytest.fixture(scope="session")
def weights(torch):
    """Return the config and the weights of the model, the same in every run."""
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(7)
    config = LlamaConfig(
        vocab_size=WORDS,
        hidden_size=96,
        intermediate_size=128,
        num_hidden_layers=LAYERS,
        num_attention_heads=QUERY_HEADS,
        num_key_value_heads=HEADS,
        max_position_embeddings=2048,
        bos_token_id=1,
        eos_token_id=None,
        pad_token_id=0,
        # Attention that looks somewhere: small random weights would look everywhere alike.
        initializer_range=0.2,
    )
    return config, LlamaForCausalLM(config).eval().state_dict()


@pytest.fixture
def model(torch, weights):
    """Return a model with the attention that Transformers gives it."""
    return made(weights)


@pytest.fixture
def ours(torch, weights):
    """Return the same model with our attention."""
    from recollect.kvcache.transformers import use_attention

    return use_attention(made(weights))


def made(weights):
    from copy import deepcopy

    from transformers import LlamaForCausalLM

    model = LlamaForCausalLM(deepcopy(weights[0])).eval()
    model.load_state_dict(weights[1])
    return model


@pytest.fixture
def prompts(torch):
    """Return two prompts of different lengths, padded on the left, and their mask."""
    ids = torch.from_numpy(np.random.default_rng(3).integers(2, WORDS, (2, 60)))
    mask = torch.ones_like(ids)
    ids[0, :17], mask[0, :17] = 0, 0
    return ids, mask
