"""A mixed cache: each token in the state that its weight and the bytes give it, and seen as it is kept."""

import numpy as np
import pytest
from transformers import DynamicCache

from recollect.errors import InvalidArgument
from recollect.kvcache import scores
from recollect.kvcache.transformers import MixedKVCache
from recollect.kvcache.transformers.mixed import MixedLayer
from tests.pytorch.conftest import HEADS
from tests.pytorch.running import beside_reference, bytes_in, forward, generated, in_chunks, seen_by

SIZES = [41, 1, 1, 1, 7, 1, 1, 1, 1, 1, 1, 3]
PLAIN = {16: ("plain", "plain")}


def made(config, nbytes=70.0, **options):
    return MixedKVCache(config, nbytes, **{"n_sink": 2, "residual": 6, "block": 8, "queries": 16, **options})


@pytest.mark.parametrize("score", [scores.window_attention, scores.output_perturbation, scores.cur])
def test_what_is_kept_in_full_is_what_is_seen(model, ours, prompts, score):
    cache = made(ours.config, codecs=PLAIN, score=score)
    found, expected = beside_reference(ours, model, cache, *prompts, SIZES)
    np.testing.assert_allclose(found[prompts[1].bool()], expected[prompts[1].bool()], rtol=0, atol=2e-4)
    for layer in cache.layers:
        rows = seen_by(layer)
        assert all(len(row) < 60 for own in rows for row in own)
        for first, own in zip((17, 0), rows, strict=True):
            for row in own:
                # Sinks and the newest are always there, padding is not.
                assert {first, first + 1, *range(54, 60)} <= set(row)
                assert min(one for one in row if one not in range(54, 60)) >= first


@pytest.mark.parametrize("right", [False, True])
def test_codes_are_attended_to_as_what_they_stand_for(monkeypatch, ours, prompts, right):
    ids, mask = (part.flip(1) for part in prompts) if right else prompts
    caches = [made(ours.config, 40.0, on_codes=on_codes) for on_codes in (False, True)]
    for one in caches:
        in_chunks(ours, one, ids, mask, [30, 30])
    for step in range(20):
        longer = mask.new_ones(2, 61 + step)
        longer[:, :60] = mask
        new = ids[:, step : step + 1] + 1
        expected = forward(ours, caches[0], new, longer)
        with monkeypatch.context() as patched:
            # No row is read.
            patched.setattr(MixedLayer, "held", lambda self: None)
            found = forward(ours, caches[1], new, longer)
        np.testing.assert_allclose(found, expected, rtol=0, atol=2e-4)
    for one, two in zip(*(cache.layers for cache in caches), strict=True):
        assert seen_by(one) == seen_by(two)
        assert len(one._aged[0]) > 2
    assert caches[0].nbytes == caches[1].nbytes


def test_more_bytes_are_closer(torch, model, ours, prompts):
    sizes = [36] + [1] * 24
    expected = in_chunks(model, DynamicCache(config=model.config), *prompts, sizes)
    errors, held = [], []
    for nbytes in (16.0, 40.0, 200.0):
        cache = made(ours.config, nbytes)
        found = in_chunks(ours, cache, *prompts, sizes)
        errors.append(float((found - expected)[1].norm() / expected[1].norm()))
        held.append(cache.nbytes)
    assert errors[0] > errors[1] > errors[2]
    assert held[0] < held[1] < held[2]
    assert errors[2] < 1e-5


def test_the_bytes_of_aged_tokens_are_those_asked_for(ours, prompts):
    ids, mask = (part[1:].repeat(1, 8) for part in prompts)
    cache = made(ours.config, 40.0, block=128)
    forward(ours, cache, ids, mask)
    for layer in cache.layers:
        aged = sum(segment.nbytes for own in layer._aged for _, segment in own)
        tokens = (ids.shape[1] - 6) // 128 * 128 * HEADS
        assert 0.6 * 40 * tokens < aged < 1.15 * 40 * tokens


def test_states_of_ones_own(torch, model, ours, prompts):
    # Every third token goes.
    def states(layer, count):
        table = np.full((*layer.shape[:2], count), 16, dtype=np.uint8)
        table[:, :, ::3] = 0
        return table

    cache = made(ours.config, states, codecs=PLAIN, n_sink=0)
    found, expected = beside_reference(ours, model, cache, prompts[0][1:], prompts[1][1:], SIZES)
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-4)
    assert seen_by(cache.layers[0])[0][0][:6] == [1, 2, 4, 5, 7, 8]


def test_bytes_held_are_bytes_told(torch, ours, prompts):
    cache = made(ours.config)
    in_chunks(ours, cache, *prompts, [50, 1, 9])
    for _ in range(2):
        held = []
        for layer in cache.layers:
            segments = [segment for own in layer._aged for _, segment in own]
            parts = [[one.positions, dict(one.keys.parts), dict(one.values.parts)] for one in segments]
            held.append([parts, layer._tail, layer._queries, layer._begun])
        assert cache.nbytes == bytes_in(held) > 0
        cache.reorder_cache(torch.tensor([1, 1]))


def test_beams_and_another_attention(model, ours, prompts):
    options = {"attention_mask": prompts[1], "max_new_tokens": 8, "do_sample": False, "num_beams": 2}
    assert ours.generate(prompts[0], cache=made(ours.config), **options).shape == (2, 68)
    with pytest.raises(InvalidArgument, match="use_attention"):
        generated(model, made(model.config), *prompts)


def test_states_are_for_good(ours, prompts):
    cache = made(ours.config)
    forward(ours, cache, *prompts)
    with pytest.raises(InvalidArgument, match=r"^tokens_to_remove: 20, of which \d+ are as they came"):
        cache.crop(-20)
