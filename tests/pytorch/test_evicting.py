"""An evicting cache is full attention under a mask: what it keeps is seen, and nothing else."""

import inspect
from functools import partial

import numpy as np
import pytest
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from recollect.errors import InvalidArgument, WrongType
from recollect.kvcache import Layer, budgets, scores
from recollect.kvcache.transformers import EvictingKVCache
from recollect.kvcache.transformers.attention import attention
from recollect.kvcache.transformers.scoring import NAMES
from tests.pytorch.conftest import HEADS, LAYERS
from tests.pytorch.running import (
    beams_as_alone,
    beside_reference,
    bytes_in,
    forward,
    generated,
    in_chunks,
    seen_by,
)

SIZES = [41, 1, 1, 1, 7, 1, 1, 1, 1, 1, 1, 3]


def agree(found, expected, mask):
    real = mask.bool()
    np.testing.assert_allclose(found[real], expected[real], rtol=0, atol=2e-4)
    # The two would agree also where nothing had gone.
    assert found.shape == expected.shape


@pytest.mark.parametrize("score", [*NAMES, scores.key_norm, partial(scores.HeavyHitters, norm="exposure")])
def test_what_is_kept_is_what_is_seen(model, ours, prompts, score):
    cache = EvictingKVCache(ours.config, 16, score=score, n_recent=4, interval=3)
    agree(*beside_reference(ours, model, cache, *prompts, SIZES), prompts[1])
    assert cache.get_seq_length() == 60
    for layer in cache.layers:
        assert layer.counts.max() <= 16 + 3
        assert layer.counts.min() >= 16


@pytest.mark.parametrize(
    "budget",
    [
        [12, 30, 18],
        np.array([12, 30, 18]),
        np.array([[8, 24], [30, 10], [16, 16]]),
        [np.array([9, 24]), 12, np.array([30, 1])],
        lambda found: budgets.adaptive(found, 14, floor=0.3),
        budgets.pyramid(20, LAYERS, tokens=41),
        list(budgets.head_mask(np.array([[True, False]] * LAYERS), tokens=500, n_sink=4, n_recent=9)),
    ],
)
@pytest.mark.parametrize("score", ["window_attention", "key_diff", "heavy_hitter"])
def test_layers_and_heads_with_budgets_of_their_own(model, ours, prompts, budget, score):
    cache = EvictingKVCache(ours.config, budget, score=score, n_recent=4, interval=2)
    agree(*beside_reference(ours, model, cache, *prompts, SIZES), prompts[1])
    if not callable(budget):
        for layer, own in zip(cache.layers, budget, strict=True):
            limits = np.minimum(np.broadcast_to(own, (2, HEADS)), [[60 - 17], [60]])
            assert (layer.counts <= limits + 2).all()
            assert (layer.counts >= limits).all()


def test_a_score_is_that_of_the_library(torch, ours, prompts):
    ids, mask = prompts
    cache = EvictingKVCache(ours.config, 20, score="key_norm", n_sink=3, n_recent=5, interval=0)
    full = EvictingKVCache(ours.config, 1000)
    for one in (cache, full):
        forward(ours, one, ids, mask)
    keys = full.layers[0].held()[0]
    found = scores.key_norm(Layer(keys, mask=mask))
    for batch, rows in enumerate(cache.layers[0].kept_columns()):
        real = np.flatnonzero(mask[batch])
        for head, columns in enumerate(rows):
            always = {*real[:3], *real[-5:]}
            others = [at for at in real if at not in always]
            best = sorted(others, key=lambda at: -float(found[batch, head, at]))[: 20 - 8]
            assert set(columns) == {*always, *best}
    # What was kept has the bits that it came in.
    whole, there = cache.layers[0].held(), cache.layers[0].kept_columns()
    for batch, rows in enumerate(there):
        for head, columns in enumerate(rows):
            assert whole[0][batch, head].equal(keys[batch, head, columns])


def test_padding_is_never_kept(ours, prompts):
    cache = EvictingKVCache(ours.config, 50, n_recent=4, interval=0)
    generated(ours, cache, *prompts)
    for layer in cache.layers:
        assert all(column >= 17 for row in layer.kept_columns()[0] for column in row)
        # The first sequence has 43 tokens and 11 new ones, the second keeps its budget.
        assert layer.counts.tolist() == [[50] * HEADS] * 2
    short = EvictingKVCache(ours.config, 50, n_recent=4, interval=0)
    forward(ours, short, *prompts)
    assert short.layers[0].counts.tolist() == [[43] * HEADS, [50] * HEADS]


def test_a_sequence_does_not_depend_on_its_batch(ours, prompts):
    ids, mask = prompts
    alone = EvictingKVCache(ours.config, 24, score="window_attention", n_recent=4, interval=3, queries=8)
    beside = EvictingKVCache(ours.config, 24, score="window_attention", n_recent=4, interval=3, queries=8)
    found, whole = generated(ours, alone, ids[:1, 17:], mask[:1, 17:]), generated(ours, beside, ids, mask)
    assert found[0][0].equal(whole[0][0, 17:])
    for one, two in zip(alone.layers, beside.layers, strict=True):
        for left, right in zip(one.kept_columns()[0], two.kept_columns()[0], strict=True):
            np.testing.assert_array_equal(left + 17, right)


@pytest.mark.parametrize("score", ["window_attention", "heavy_hitter"])
def test_beams_are_followed(ours, prompts, score):
    ids, mask = prompts
    cache = EvictingKVCache(ours.config, [[20, 15], [12, 18], [16, 16]], score=score, n_recent=4, interval=2)
    in_chunks(ours, cache, ids, mask, [50, 10])
    lonely = EvictingKVCache(ours.config, [[20, 15], [12, 18], [16, 16]], score=score, n_recent=4, interval=2)
    in_chunks(ours, lonely, ids[1:], mask[1:], [50, 10])
    beams_as_alone(ours, cache, lonely, mask)
    assert [seen_by(layer)[1] for layer in cache.layers] == [seen_by(layer)[0] for layer in lonely.layers]


def test_generating_with_beams_goes_through(ours, prompts):
    cache = EvictingKVCache(ours.config, 16, n_recent=4, interval=2)
    found = ours.generate(
        prompts[0], attention_mask=prompts[1], cache=cache, max_new_tokens=8, do_sample=False, num_beams=3
    )
    assert found.shape == (2, 68)
    assert cache.layers[0].counts.shape == (6, HEADS)


@pytest.mark.parametrize("score", [*NAMES, scores.key_norm])
def test_bytes_held_are_bytes_told(ours, prompts, score):
    cache = EvictingKVCache(ours.config, [[20, 15], [12, 18], [16, 16]], score=score, n_recent=4, interval=5)
    forward(ours, cache, *prompts)
    held = [{**vars(layer), "_budget": None} for layer in cache.layers]
    assert cache.nbytes == bytes_in(held) > 0
    longer = prompts[1].new_ones(2, 63)
    forward(ours, cache, prompts[0][:, :3], longer)
    assert cache.nbytes == bytes_in([{**vars(layer), "_budget": None} for layer in cache.layers])


def test_what_is_evicted_frees_its_bytes(ours, prompts):
    full, small = EvictingKVCache(ours.config, 1000), EvictingKVCache(ours.config, 15, n_recent=4, interval=0)
    for cache in (full, small):
        forward(ours, cache, *prompts)
    token = 2 * 16 * 4
    # Rows of two sequences and their padding; then columns, counts of heads and what all of them hold.
    assert full.nbytes == LAYERS * 2 * (HEADS * 60 * token + 60 + 8)
    assert small.nbytes == LAYERS * 2 * (HEADS * (15 * (token + 4) + 8) + 8)


def test_newest_tokens_can_be_forgotten_while_all_heads_hold_them(torch, model, ours, prompts):
    ids, mask = prompts
    cache = EvictingKVCache(ours.config, 20, n_recent=6, interval=4)
    in_chunks(ours, cache, ids, mask, [56, 4])
    held = [seen_by(layer) for layer in cache.layers]
    cache.crop(-6)
    assert cache.get_seq_length() == 54
    for layer, before in zip(cache.layers, held, strict=True):
        assert seen_by(layer) == [[[one for one in row if one < 54] for row in rows] for rows in before]
    with pytest.raises(InvalidArgument, match=r"^tokens_to_remove: 30, but some heads have let go"):
        cache.crop(-30)
    again = forward(ours, cache, ids[:, 54:], mask)
    assert again.isfinite().all()
    hitters = EvictingKVCache(ours.config, 20, score="heavy_hitter", n_recent=6, interval=4)
    forward(ours, hitters, ids, mask)
    with pytest.raises(InvalidArgument, match="remembers"):
        hitters.crop(-1)


def test_another_attention_is_refused(model, ours, prompts):
    with pytest.raises(InvalidArgument, match="use_attention"):
        generated(model, EvictingKVCache(model.config, 20), *prompts)
    # A config that is not the model's: its attention is not that of the model.
    cache = EvictingKVCache(ours.config, 20)
    with pytest.raises(InvalidArgument, match=r"model\.config"):
        generated(model, cache, *prompts)


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"budget": [3, 4]}, InvalidArgument, "^budget: 2 for 3 layers"),
        ({"budget": 0}, InvalidArgument, r"^budget\[0\]: expected whole numbers of tokens, 1 or more"),
        ({"budget": [8, 0.5, 8]}, InvalidArgument, r"^budget\[1\]"),
        ({"budget": 9, "score": "nothing"}, InvalidArgument, "^score: expected one of streaming"),
        ({"budget": 9, "score": 3}, WrongType, "^score"),
        ({"budget": 9, "interval": -1}, InvalidArgument, "^interval"),
    ],
)
def test_arguments_out_of_range(ours, options, error, match):
    with pytest.raises(error, match=match):
        EvictingKVCache(ours.config, **options)


def test_the_attention_is_called_as_that_of_transformers_is():
    # Others wrap what is registered, and pass some of it by place.
    places = [list(inspect.signature(one).parameters)[:7] for one in (attention, sdpa_attention_forward)]
    assert places[0] == places[1]


def test_a_model_with_windows_keeps_its_own_layers(torch):
    from transformers import Qwen2Config, Qwen2ForCausalLM
    from transformers.cache_utils import DynamicSlidingWindowLayer

    from recollect.kvcache.transformers import use_attention

    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=50, hidden_size=32, intermediate_size=48, num_hidden_layers=4, num_attention_heads=4,
        num_key_value_heads=2, use_sliding_window=True, sliding_window=8, max_window_layers=2,
        initializer_range=0.3, pad_token_id=0, bos_token_id=1, eos_token_id=None,
    )  # fmt: skip
    model = Qwen2ForCausalLM(config).eval()
    ids = torch.arange(2, 42)[None] % 48 + 2
    expected = model.generate(ids, max_new_tokens=10, do_sample=False)
    use_attention(model)
    cache = EvictingKVCache(model.config, 1000)
    assert model.generate(ids, cache=cache, max_new_tokens=10, do_sample=False).equal(expected)
    assert [type(layer) for layer in cache.layers[2:]] == [DynamicSlidingWindowLayer] * 2
    small = EvictingKVCache(model.config, 10, n_recent=4, interval=0)
    model.generate(ids, cache=small, max_new_tokens=10, do_sample=False)
    assert small.nbytes < cache.nbytes / 2
