"""A quantized cache: close to the whole, in the bytes that it tells, and the same however tokens come."""

import numpy as np
import pytest
from transformers import DynamicCache

from recollect.errors import InvalidArgument
from recollect.kvcache.quantizers import KINDS, Rotated
from recollect.kvcache.transformers import QuantizedKVCache
from tests.pytorch.running import bytes_in, forward, generated, in_chunks

# What the logits of 24 tokens are off by, as a share of their length; twice what this model has.
CLOSE = {
    "plain": 1e-5,
    "int8": 0.035,
    "fp8": 0.2,
    "int4": 0.4,
    "rot4": 0.5,
    "rot3": 0.8,
    "int2": 1.1,
    "rot2": 1.2,
    "rot1": 1.6,
}


def made(config, keys, values=None, **options):
    # Rotation has blocks of 128 tokens, which these prompts do not have.
    pair = [Rotated(int(kind[3]), block=16) if kind[:3] == "rot" else kind for kind in (keys, values or keys)]
    kind = f"{keys} {values}"
    return QuantizedKVCache(
        config, *pair, **{"n_sink": 2, "residual": 4, "block": 32 if "int" in kind else 16, **options}
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("on_codes", [False, True])
def test_every_quantizer_is_as_close_as_its_bits(torch, model, ours, prompts, kind, on_codes):
    ids, mask = prompts
    cache = made(ours.config, kind, on_codes=on_codes)
    sizes = [36] + [1] * 24
    found = in_chunks(ours, cache, ids, mask, sizes)
    expected = in_chunks(model, DynamicCache(config=model.config), ids, mask, sizes)
    error = (found - expected)[mask.bool()].norm() / expected[mask.bool()].norm()
    assert error < CLOSE[kind]


def test_the_first_token_after_a_prompt_is_exact(model, ours, prompts):
    found, expected = generated(ours, made(ours.config, "rot1"), *prompts), generated(model, None, *prompts)
    assert found[1][0].equal(expected[1][0])


@pytest.mark.parametrize("kind", ["rot4", "int4", "fp8"])
def test_chunks_do_not_matter(ours, prompts, kind):
    ids, mask = prompts
    left, right = made(ours.config, kind), made(ours.config, kind)
    forward(ours, left, ids, mask)
    # Rows of the first layer depend on the words alone.
    in_chunks(ours, right, ids, mask, [11, 1, 1, 40, 7])
    for one, two in zip(left.layers[0].held()[:2], right.layers[0].held()[:2], strict=True):
        np.testing.assert_allclose(one, two, rtol=0, atol=1e-5)
    assert left.nbytes == right.nbytes


@pytest.mark.parametrize("kind", ["rot4", "int4"])
def test_padding_changes_no_code(ours, prompts, kind):
    ids, mask = prompts
    alone, beside = made(ours.config, kind), made(ours.config, kind)
    found, whole = generated(ours, alone, ids[:1, 17:], mask[:1, 17:]), generated(ours, beside, ids, mask)
    assert found[0][0].equal(whole[0][0, 17:])
    for one, two in zip(alone.layers, beside.layers, strict=True):
        np.testing.assert_allclose(one.held()[0][0], two.held()[0][0][:, 17:], rtol=0, atol=1e-4)
        assert not two.held()[0][0][:, :17].any()


def test_codes_and_what_they_stand_for_give_the_same(ours, prompts):
    found, expected = (
        generated(ours, made(ours.config, "rot3", "int4", on_codes=on_codes), *prompts)
        for on_codes in (True, False)
    )
    assert found[0].equal(expected[0])
    # Later a last bit may make another code out of a row.
    np.testing.assert_allclose(found[1][:8], expected[1][:8], rtol=0, atol=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_bytes_held_are_bytes_told(torch, ours, prompts, kind):
    cache = made(ours.config, kind)
    in_chunks(ours, cache, *prompts, [50, 1, 9])
    # The quantizers of a cache have tables that all caches share.
    held = [[layer._cache._tails, layer._cache._like, layer._columns] for layer in cache.layers]
    assert cache.nbytes == bytes_in(held) > 0
    cache.reorder_cache(torch.tensor([1, 1]))
    held = [[layer._cache._tails, layer._columns] for layer in cache.layers]
    assert cache.nbytes == bytes_in(held)


def test_few_bits_are_few_bytes(ours, prompts):
    ids, mask = (part[1:].repeat(1, 8) for part in prompts)
    full = DynamicCache(config=ours.config)
    forward(ours, full, ids, mask)
    whole = sum(layer.keys.nbytes + layer.values.nbytes for layer in full.layers)
    held = {}
    for kind in ("int8", "int4", "int2"):
        cache = made(ours.config, kind)
        forward(ours, cache, ids, mask)
        held[kind] = cache.nbytes / whole
    # Of float32 in 16 dimensions: codes, and 4 bytes for a scale and a zero of 16 or 32 of them.
    assert held["int8"] < 0.40
    assert held["int4"] < 0.25
    assert held["int2"] < 0.18


def test_codes_cannot_be_taken_back(ours, prompts):
    cache = made(ours.config, "int4")
    forward(ours, cache, *prompts)
    before = cache.nbytes
    with pytest.raises(InvalidArgument, match=r"^counts: 43 newest tokens, of which"):
        cache.crop(-50)
    assert (cache.get_seq_length(), cache.nbytes) == (60, before)


def test_arguments_are_seen_at_once(ours):
    with pytest.raises(InvalidArgument, match=r"^kind"):
        QuantizedKVCache(ours.config, "int3")
    with pytest.raises(InvalidArgument, match=r"^residual"):
        QuantizedKVCache(ours.config, residual=-1)
