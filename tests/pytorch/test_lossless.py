"""A cache that loses nothing gives the tokens of a cache of everything, however it is used."""

import numpy as np
import pytest
from transformers import DynamicCache

from recollect.errors import InvalidArgument
from recollect.kvcache.transformers import ArkvKVCache, EvictingKVCache, MixedKVCache, QuantizedKVCache
from tests.pytorch.running import forward, generated, in_chunks

CACHES = {
    "quantized": lambda config: QuantizedKVCache(config, "plain", "plain", residual=8),
    "on codes": lambda config: QuantizedKVCache(config, "plain", "plain", residual=8, on_codes=True),
    "evicting": lambda config: EvictingKVCache(config, 2000, interval=0),
    "arkv": lambda config: ArkvKVCache(config, 2000),
    "mixed": lambda config: MixedKVCache(config, 2000.0, residual=8, block=8),
    "mixed on codes": lambda config: MixedKVCache(config, 2000.0, residual=8, block=8, on_codes=True),
}


@pytest.fixture(params=CACHES)
def cache(request, ours):
    return CACHES[request.param](ours.config)


def test_a_batch_with_padding(model, ours, cache, prompts):
    assert generated(ours, cache, *prompts)[0].equal(generated(model, None, *prompts)[0])


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_a_quantized_cache_with_any_attention(model, prompts, attention):
    model.set_attn_implementation(attention)
    expected = generated(model, DynamicCache(config=model.config), *prompts)
    found = generated(model, CACHES["quantized"](model.config), *prompts)
    assert found[0].equal(expected[0])
    assert found[1].equal(expected[1])


def test_a_prompt_in_chunks(model, ours, cache, prompts):
    expected = in_chunks(model, DynamicCache(config=model.config), *prompts, [60])
    found = in_chunks(ours, cache, *prompts, [7, 1, 32, 1, 19])
    real = prompts[1].bool()
    np.testing.assert_allclose(found[real], expected[real], rtol=0, atol=2e-4)


def test_chunks_of_generate(model, ours, cache, prompts):
    found = generated(ours, cache, *prompts, prefill_chunk_size=13)
    assert found[0].equal(generated(model, None, *prompts)[0])


def test_going_on_after_a_generation(torch, model, ours, cache, prompts):
    kept = DynamicCache(config=model.config)
    ids, mask = prompts
    for length in (5, 1, 9):
        found, expected = (
            generated(one, own, ids, mask, length)[0] for one, own in ((ours, cache), (model, kept))
        )
        assert found.equal(expected)
        # The next turn: what was said, and a few words more.
        more = torch.arange(2, 8).expand(2, -1)
        ids = torch.cat([expected, more], 1)
        mask = torch.cat([mask, torch.ones(2, length + 6, dtype=mask.dtype)], 1)
    assert cache.get_seq_length() == kept.get_seq_length()


def test_beams(model, ours, cache, prompts):
    options = {"num_beams": 3, "num_return_sequences": 2}
    found, expected = (
        one.generate(
            prompts[0], attention_mask=prompts[1], cache=own, max_new_tokens=10, do_sample=False, **options
        )
        for one, own in ((ours, cache), (model, None))
    )
    assert found.equal(expected)


def test_repeated_and_selected_sequences(torch, model, ours, cache, prompts):
    kept = DynamicCache(config=model.config)
    ids, mask = prompts
    for one, own in ((ours, cache), (model, kept)):
        in_chunks(one, own, ids, mask, [40, 20])
        own.batch_repeat_interleave(2)
        own.batch_select_indices(torch.tensor([3, 0, 1]))
        own.reorder_cache(torch.tensor([1, 0, 2]))
    mask = torch.cat([mask[[0, 1, 0]], torch.ones(3, 4, dtype=mask.dtype)], 1)
    new = torch.arange(12).reshape(3, 4) + 2
    found, expected = (forward(one, own, new, mask) for one, own in ((ours, cache), (model, kept)))
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-4)


def test_what_is_cropped_never_came(torch, model, ours, cache, prompts):
    ids, mask = prompts
    in_chunks(ours, cache, ids, mask, [56, 4])
    cache.crop(-3)
    cache.crop(0)
    assert cache.get_seq_length() == 57
    new = torch.full((2, 5), 9)
    longer = torch.cat([mask[:, :57], torch.ones(2, 5, dtype=mask.dtype)], 1)
    kept = DynamicCache(config=model.config)
    forward(model, kept, ids[:, :57], mask[:, :57])
    found, expected = (forward(one, own, new, longer) for one, own in ((ours, cache), (model, kept)))
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-4)
    with pytest.raises(InvalidArgument, match=r"^tokens_to_remove"):
        cache.crop(3)
    with pytest.raises(InvalidArgument, match=r"^tokens_to_remove: 63 of 62"):
        cache.crop(-63)
    cache.crop(-62)
    assert cache.get_seq_length() == 0
    assert cache.nbytes == 0


def test_a_cache_begins_anew(model, ours, cache, prompts):
    first = generated(ours, cache, *prompts)[0]
    cache.reset()
    assert (cache.get_seq_length(), cache.nbytes) == (0, 0)
    # Of another batch, too.
    one = [part[1:] for part in prompts]
    assert generated(ours, cache, *one)[0].equal(first[1:])


def test_numbers_of_the_model(torch, model, ours, prompts):
    for one in (model, ours):
        one.to(torch.bfloat16)
    expected = generated(model, None, *prompts)
    for make in CACHES.values():
        cache = make(ours.config)
        found = generated(ours, cache, *prompts)
        assert cache.layers[0].held()[0].dtype == torch.bfloat16
        assert found[0][:, :61].equal(expected[0][:, :61])
        assert found[1][1].sub(expected[1][1]).norm() < 0.05 * expected[1][1].norm()


def test_padding_on_the_right(torch, model, ours, cache, prompts):
    ids, mask = (part.flip(1) for part in prompts)
    expected = in_chunks(model, DynamicCache(config=model.config), ids, mask, [60])
    found = in_chunks(ours, cache, ids, mask, [30, 30])
    np.testing.assert_allclose(found[mask.bool()], expected[mask.bool()], rtol=0, atol=2e-4)


def test_a_gradient_goes_through(torch, model, ours, cache, prompts):
    losses = []
    for one, own in ((ours, cache), (model, DynamicCache(config=model.config))):
        one.zero_grad()
        one(prompts[0], attention_mask=prompts[1], cache=own).logits[1].square().mean().backward()
        losses.append(one.model.layers[0].self_attn.k_proj.weight.grad)
    torch.testing.assert_close(*losses, rtol=1e-3, atol=1e-5)
