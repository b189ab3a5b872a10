"""Expected attention in steps is that of the whole, and goes on counting positions after tokens have gone."""

from functools import partial

import numpy as np
import pytest

from recollect.kvcache import Layer, scores
from recollect.kvcache.transformers import EvictingKVCache, ExpectedAttention
from tests.pytorch.running import beside_reference, bytes_in, forward, in_chunks, seen_by

SIZES = [41, 1, 1, 1, 7, 1, 1, 1, 1, 1, 1, 3]


@pytest.fixture
def before(ours):
    """Return the queries of the first layer before RoPE, step by step."""
    rows = []
    ours.model.layers[0].self_attn.q_proj.register_forward_hook(
        lambda module, given, found: rows.append(found.detach().unflatten(-1, (6, 16)).transpose(1, 2))
    )
    return rows


def test_scores_are_those_of_queries_before_rope(torch, ours, prompts, before):
    ids, mask = prompts
    frequencies = ours.model.rotary_emb.inv_freq
    seen = []

    class Spy(ExpectedAttention):
        def scores(self, layer):
            seen.append(super().scores(layer))
            return seen[-1]

    cache = EvictingKVCache(ours.config, 30, score=partial(Spy, frequencies, n_future=64), interval=0)
    full = EvictingKVCache(ours.config, 1000)
    in_chunks(ours, cache, ids[:1, 17:], mask[:1, 17:], [20, 23])
    queries = torch.cat(before, 2)
    forward(ours, full, ids[:1, 17:], mask[:1, 17:])
    statistics = scores.QueryStats()
    statistics.observe(queries)
    keys, values = full.layers[0].held()[:2]
    expected = scores.expected_attention(
        Layer(keys, values), statistics=statistics, inv_freq=frequencies, n_future=64
    )
    # The first cut of the first layer, each head as a sequence.
    np.testing.assert_allclose(seen[0][:, 0], expected[0], rtol=1e-4)


def test_positions_go_on(ours, prompts):
    cache = EvictingKVCache(
        ours.config,
        16,
        score=partial(ExpectedAttention, ours.model.rotary_emb.inv_freq),
        n_recent=4,
        interval=2,
    )
    in_chunks(ours, cache, *prompts, SIZES)
    for layer in cache.layers:
        assert layer._scorer.state._seen.tolist() == [43, 43, 60, 60]
    # Radians of the model are one tensor for all layers, and an array of each.
    held = [{**vars(layer), "_budget": None, "_score": None} for layer in cache.layers]
    for layer in held:
        layer["_scorer"] = vars(layer["_scorer"].state) | {"_options": None}
    assert cache.nbytes == bytes_in(held)


def test_what_is_kept_is_what_is_seen(model, ours, prompts):
    score = partial(ExpectedAttention, ours.model.rotary_emb.inv_freq, epsilon=0.02)
    cache = EvictingKVCache(ours.config, [[12, 20], [30, 8], [16, 16]], score=score, n_recent=4, interval=2)
    found, expected = beside_reference(ours, model, cache, *prompts, SIZES)
    real = prompts[1].bool()
    np.testing.assert_allclose(found[real], expected[real], rtol=0, atol=2e-4)


def test_beams_are_followed(torch, ours, prompts):
    ids, mask = prompts
    score = partial(ExpectedAttention, ours.model.rotary_emb.inv_freq)
    caches = [EvictingKVCache(ours.config, 16, score=score, n_recent=4, interval=0) for _ in range(2)]
    forward(ours, caches[0], ids, mask)
    forward(ours, caches[1], ids[1:], mask[1:])
    caches[0].reorder_cache(torch.tensor([1, 1, 0]))
    longer = torch.cat([mask[[1, 1, 0]], torch.ones(3, 3, dtype=mask.dtype)], 1)
    new = torch.full((3, 3), 5)
    forward(ours, caches[0], new, longer)
    forward(ours, caches[1], new[:1], longer[:1])
    assert [seen_by(one)[1] for one in caches[0].layers] == [seen_by(one)[0] for one in caches[1].layers]
