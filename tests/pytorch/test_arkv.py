"""ARKV in a cache: the states are those that the function of the library gives, and the capacity is held."""

import copy

import numpy as np
import pytest
from transformers import DynamicCache, LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM

from recollect.errors import InvalidArgument
from recollect.kvcache import Layer, budgets, quantize
from recollect.kvcache.quantizers import Rotated
from recollect.kvcache.transformers import ArkvKVCache, EvictingKVCache, use_attention
from recollect.kvcache.transformers.arkv import ArkvLayer
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
from tests.pytorch.told_arkv import Told

SIZES = [41, 1, 1, 1, 7, 1, 1, 1, 1, 1, 1, 3]
WINDOW = budgets.Arkv(window=6)


def made(config, capacity=20, **options):
    return ArkvKVCache(config, capacity, **{"settings": WINDOW, **options})


def coded_by(layer):
    """Return the columns of each head that are in 8 bits."""
    if layer._coded is None:
        return [[[] for _ in row] for row in layer.counts]
    ends = np.cumsum(layer._coded.counts)[:-1]
    rows = [row.tolist() for row in np.split(layer._coded.columns, ends)]
    heads = layer._coded.counts.shape[1]
    return [rows[at : at + heads] for at in range(0, len(rows), heads)]


def full_in(layer):
    """Return the columns of each head that are as they came."""
    return [
        [sorted({*seen} - {*coded}) for seen, coded in zip(*rows, strict=True)]
        for rows in zip(seen_by(layer), coded_by(layer), strict=True)
    ]


def test_after_a_prompt_the_states_are_those_of_the_library(ours, prompts):
    ids, mask = prompts
    cache, whole = made(ours.config), EvictingKVCache(ours.config, 1000, queries=WINDOW.window)
    for one in (cache, whole):
        forward(ours, one, ids, mask)
    layers = [
        Layer(one.held()[0], queries=one._queries.newest(np.array([43, 60])), mask=mask)
        for one in whole.layers
    ]
    tables = budgets.arkv(layers, 20, WINDOW)
    for layer, full, table in zip(cache.layers, whole.layers, tables, strict=True):
        for state, found in ((16, full_in(layer)), (8, coded_by(layer))):
            assert found == [[np.flatnonzero(row == state).tolist() for row in rows] for rows in table]
        # Codes are those of each token alone, and the others have the bits that they came in.
        *held, columns = layer.held()
        for part, there in zip(held, full.held()[:2], strict=True):
            read = np.where((table == 8)[..., None], quantize(there, "fp8").dequantize(), there)
            for at in np.ndindex(2, HEADS):
                real = columns[at] >= 0
                np.testing.assert_array_equal(part[at][real], read[at][columns[at][real]])
    qualities = np.stack([budgets.origin_quality(one, WINDOW) for one in layers])
    np.testing.assert_allclose(cache.shares, budgets.arkv_shares(qualities), rtol=1e-6)
    assert cache.shares.max(0).tolist() == [1, 1]
    assert {len(row) for layer in cache.layers for rows in coded_by(layer) for row in rows} > {0}


@pytest.mark.parametrize("interval", [0, 3])
@pytest.mark.parametrize("kind", ["fp8", "int8"])
def test_every_step_is_what_the_method_says(monkeypatch, ours, prompts, interval, kind):
    ids, mask = prompts
    told = Told(monkeypatch, ArkvLayer, 2, capacity=20, settings=WINDOW, interval=interval, kind=kind)
    cache = made(ours.config, interval=interval, keys=kind, values=kind)
    end, moved = 0, 0
    for size in SIZES:
        end += size
        before = [coded_by(layer) for layer in cache.layers] if end > size else None
        forward(ours, cache, ids[:, end - size : end], mask[:, :end])
        told.step()
        for at, layer in enumerate(cache.layers):
            for state, found in ((16, full_in(layer)), (8, coded_by(layer))):
                expected = told.columns(at, state)
                # Columns of the first sequence count its padding.
                shifted = [[[one + first for one in row] for row in rows]
                           for first, rows in zip((17, 0), expected, strict=True)]  # fmt: skip
                assert found == shifted
        moved += before is not None and before != [coded_by(layer) for layer in cache.layers]
    assert moved > 2


def test_what_is_kept_in_full_is_what_is_seen(model, ours, prompts):
    cache = made(ours.config, keys="plain", values="plain")
    found, expected = beside_reference(ours, model, cache, *prompts, SIZES)
    real = prompts[1].bool()
    np.testing.assert_allclose(found[real], expected[real], rtol=0, atol=2e-4)


def test_eight_bits_are_close(model, ours, prompts):
    real = prompts[1].bool()
    found, expected = beside_reference(ours, model, made(ours.config), *prompts, SIZES)
    error = (found - expected)[real].norm() / expected[real].norm()
    assert 1e-4 < error < 0.2


@pytest.mark.parametrize("interval", [0, 4])
def test_the_capacity_is_held(ours, prompts, interval):
    ids, mask = prompts
    cache = made(ours.config, interval=interval)
    forward(ours, cache, ids, mask)
    room = 20 - WINDOW.window
    for step in range(15):
        longer = mask.new_ones(2, 60 + step + 1)
        longer[:, :60] = mask
        forward(ours, cache, ids[:, step : step + 1], longer)
        for layer, shares in zip(cache.layers, cache.shares, strict=True):
            assert (layer.counts >= 20).all()
            assert (layer.counts <= 20 + interval).all()
            full = layer.counts - layer.coded_counts
            limits = WINDOW.window + np.rint(shares * room) + interval
            assert (full <= limits[:, None]).all()


def test_shares_stay_while_single_tokens_come(ours, prompts):
    ids, mask = prompts
    cache = made(ours.config)
    forward(ours, cache, ids[:, :50], mask[:, :50])
    first = cache.shares
    assert ((first > 0) & (first <= 1)).all()
    for end in range(51, 55):
        forward(ours, cache, ids[:, end - 1 : end], mask[:, :end])
        np.testing.assert_array_equal(cache.shares, first)
    forward(ours, cache, ids[:, 54:], mask)
    assert (cache.shares != first).any()


def test_a_prompt_below_the_window_loses_nothing_until_the_capacity(torch, model, ours):
    ids = torch.arange(2, 5)[None]
    cache, kept = made(ours.config, 12), DynamicCache(config=model.config)
    steps = [3, *[1] * 9]
    more = torch.arange(5, 40)[None]
    mask = torch.ones(1, 12, dtype=torch.int64)
    whole = torch.cat([ids, more], 1)
    found, expected = (
        in_chunks(one, own, whole[:, :12], mask, steps) for one, own in ((ours, cache), (model, kept))
    )
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-4)
    assert np.isnan(cache.shares).all()
    for end in range(13, 38):
        logits = forward(ours, cache, whole[:, end - 1 : end], torch.ones(1, end, dtype=torch.int64))
        assert logits.isfinite().all()
        assert all((layer.counts == 12).all() for layer in cache.layers)
    assert (cache.shares > 0).all()
    # There is no room beside the window.
    tight = made(ours.config, WINDOW.window)
    forward(ours, tight, whole, torch.ones(1, 38, dtype=torch.int64))
    assert seen_by(tight.layers[0]) == [[list(range(32, 38))] * HEADS]


def test_one_token_and_then_others_one_by_one(torch, ours):
    ids = torch.arange(2, 40)[None]
    cache = made(ours.config, 10)
    logits = in_chunks(ours, cache, ids, torch.ones_like(ids), [1] * 38)
    assert logits.isfinite().all()
    assert all((layer.counts == 10).all() for layer in cache.layers)


def test_a_model_of_one_layer(torch):
    torch.manual_seed(1)
    config = LlamaConfig(
        vocab_size=40, hidden_size=32, intermediate_size=32, num_hidden_layers=1, num_attention_heads=4,
        num_key_value_heads=2, initializer_range=0.3, pad_token_id=0, bos_token_id=1, eos_token_id=None,
    )  # fmt: skip
    model = use_attention(LlamaForCausalLM(config).eval())
    cache = made(model.config)
    ids = torch.arange(38)[None] + 2
    assert model.generate(ids, cache=cache, max_new_tokens=9, do_sample=False).shape == (1, 47)
    # The best of one layer is that layer: all that stays does so in full.
    assert cache.shares.tolist() == [[1]]
    assert cache.layers[0].coded_counts.sum() == 0
    assert (cache.layers[0].counts == 20).all()


def test_a_sequence_does_not_depend_on_its_batch(ours, prompts):
    ids, mask = prompts
    alone, beside = made(ours.config), made(ours.config)
    found, whole = generated(ours, alone, ids[:1, 17:], mask[:1, 17:]), generated(ours, beside, ids, mask)
    assert found[0][0].equal(whole[0][0, 17:])
    for one, two in zip(alone.layers, beside.layers, strict=True):
        for part in (full_in, coded_by):
            assert [[column + 17 for column in row] for row in part(one)[0]] == part(two)[0]
    np.testing.assert_allclose(alone.shares[:, 0], beside.shares[:, 0], rtol=1e-5)


def test_one_sequence_is_cut_and_the_other_not(ours, prompts):
    ids, mask = prompts
    cache = made(ours.config, 50)
    forward(ours, cache, ids, mask)
    for layer in cache.layers:
        assert layer.counts.tolist() == [[43] * HEADS, [50] * HEADS]
        assert seen_by(layer)[0] == [list(range(17, 60))] * HEADS
        assert layer.coded_counts[0].tolist() == [0] * HEADS
    assert np.isnan(cache.shares[:, 0]).all()
    assert (cache.shares[:, 1] > 0).all()


def test_chunks_do_not_matter_until_one_is_cut(ours, prompts):
    ids, mask = prompts
    whole, parts = made(ours.config, 45), made(ours.config, 45)
    forward(ours, whole, ids, mask)
    in_chunks(ours, parts, ids, mask, [7, 1, 37, 15])
    np.testing.assert_allclose(whole.shares, parts.shares, rtol=1e-4)
    for one, two in zip(whole.layers, parts.layers, strict=True):
        assert (full_in(one), coded_by(one)) == (full_in(two), coded_by(two))
    # Later cuts see what earlier ones left, and hold the capacity all the same.
    small = made(ours.config)
    in_chunks(ours, small, ids, mask, [30, 1, 9, 20])
    assert all((layer.counts == 20).all() for layer in small.layers)


def test_beams_are_followed(ours, prompts):
    ids, mask = prompts
    cache, lonely = made(ours.config), made(ours.config)
    in_chunks(ours, cache, ids, mask, [50, 10])
    in_chunks(ours, lonely, ids[1:], mask[1:], [50, 10])
    beams_as_alone(ours, cache, lonely, mask)
    for one, two in zip(cache.layers, lonely.layers, strict=True):
        assert (full_in(one)[1], coded_by(one)[1]) == (full_in(two)[0], coded_by(two)[0])
    options = {"attention_mask": mask, "max_new_tokens": 8, "do_sample": False, "num_beams": 3}
    assert ours.generate(ids, cache=made(ours.config), **options).shape == (2, 68)


def test_a_copy_goes_its_own_way(ours, prompts):
    ids, mask = prompts
    cache = made(ours.config)
    forward(ours, cache, ids[:, :50], mask[:, :50])
    other = copy.deepcopy(cache)
    found = [
        [forward(ours, one, ids[:, end - 1 : end], mask[:, :end]) for end in range(51, 61)]
        for one in (cache, other)
    ]
    assert all(one.equal(two) for one, two in zip(*found, strict=True))
    assert [layer.nbytes for layer in cache.layers] == [layer.nbytes for layer in other.layers]


def test_newest_tokens_can_be_forgotten_while_they_are_as_they_came(ours, prompts):
    ids, mask = prompts
    cache = made(ours.config)
    in_chunks(ours, cache, ids, mask, [56, 4])
    held = [(full_in(layer), coded_by(layer)) for layer in cache.layers]
    with pytest.raises(InvalidArgument, match=r"^tokens_to_remove: 7, of which 6 are as they came"):
        cache.crop(-7)
    cache.crop(-5)
    assert cache.get_seq_length() == 55
    for layer, (full, coded) in zip(cache.layers, held, strict=True):
        assert full_in(layer) == [[[one for one in row if one < 55] for row in rows] for rows in full]
        assert coded_by(layer) == coded
    again = forward(ours, cache, ids[:, 55:], mask)
    assert again.isfinite().all()
    assert all((layer.counts == 20).all() for layer in cache.layers)


def test_bytes_held_are_bytes_told(torch, ours, prompts):
    cache, full = made(ours.config), DynamicCache(config=ours.config)
    in_chunks(ours, cache, *prompts, [50, 1, 9])
    forward(ours, full, *prompts)
    for _ in range(2):
        held = [
            [layer._tail, layer._kept, layer._coded, layer._queries, layer._shares, layer._open, layer._since]
            for layer in cache.layers
        ]
        assert cache.nbytes == bytes_in(held) > 0
        cache.reorder_cache(torch.tensor([1, 1]))
    assert cache.nbytes < sum(part.nbytes for layer in full.layers for part in (layer.keys, layer.values)) / 2


def test_a_cache_of_everything_in_full_is_larger(ours, prompts):
    sizes = []
    for kind in ("fp8", "plain"):
        cache = made(ours.config, 40, keys=kind, values=kind)
        forward(ours, cache, *prompts)
        sizes.append(cache.nbytes)
    coded = sum(int(layer.coded_counts.sum()) for layer in cache.layers)
    # Keys and values of 16 dimensions in float32, or in bytes with a scale of 2 bytes.
    assert sizes[1] - sizes[0] == coded * 2 * (16 * 4 - 16 - 2) > 0


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"capacity": 5}, "^capacity: expected 6 at least, found 5"),
        ({"keys": "int4"}, "^keys: expected a quantizer that keeps each token by itself"),
        ({"values": Rotated(4, block=None)}, "^values: expected a quantizer that keeps each token by itself"),
        ({"keys": "fp4"}, "^kind"),
        ({"interval": -1}, "^interval"),
    ],
)
def test_arguments_out_of_range(ours, options, match):
    with pytest.raises(InvalidArgument, match=match):
        made(ours.config, **options)


def test_another_attention_is_refused(model, prompts):
    with pytest.raises(InvalidArgument, match="use_attention"):
        generated(model, made(model.config), *prompts)


def test_layers_with_windows_are_not_asked(torch, ours):
    assert made(ours.config).shares.shape == (LAYERS, 0)
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=50, hidden_size=32, intermediate_size=48, num_hidden_layers=4, num_attention_heads=4,
        num_key_value_heads=2, use_sliding_window=True, sliding_window=8, max_window_layers=2,
        initializer_range=0.3, pad_token_id=0, bos_token_id=1, eos_token_id=None,
    )  # fmt: skip
    model = use_attention(Qwen2ForCausalLM(config).eval())
    cache = made(model.config)
    model.generate(torch.arange(2, 42)[None], cache=cache, max_new_tokens=10, do_sample=False)
    assert cache.shares.shape == (2, 1)
    assert cache.shares.max() == 1
    assert all((layer.counts == 20).all() for layer in cache.layers[:2])
