"""Running a model beside a reference: the same tokens, step by step, under a mask that is written down."""

import gc

import numpy as np
import torch
from transformers import AttentionInterface, AttentionMaskInterface, DynamicCache
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from recollect.kvcache.transformers import ATTENTION

ALLOWED: dict[int, torch.Tensor] = {}
"""For each layer, which columns of the past its heads may see, ``[batch, heads, columns]``."""


def told(module, query, key, value, attention_mask, scaling=None, dropout=0.0, **options):
    """Attend to all keys, under a mask of each head that was written down in ALLOWED."""
    new, seen = query.shape[2], key.shape[2]
    causal = torch.arange(seen) <= torch.arange(seen - new, seen)[:, None]
    mask = causal[None, None] if attention_mask is None else attention_mask
    past = ALLOWED[module.layer_idx]
    own = torch.ones(*past.shape[:2], new, dtype=torch.bool)
    mask = mask & torch.cat([past, own], 2)[:, :, None]
    mask = mask.repeat_interleave(query.shape[1] // mask.shape[1], 1)
    return sdpa_attention_forward(module, query, key, value, mask, scaling=scaling, dropout=dropout)


AttentionInterface.register("told", told)
AttentionMaskInterface.register("told", sdpa_mask)


def forward(model, cache, ids, mask):
    """Return the logits of new tokens; the mask is of all tokens so far."""
    position_ids = (mask.cumsum(1) - 1).clamp(min=0)[:, -ids.shape[1] :]
    with torch.no_grad():
        return model(ids, attention_mask=mask, position_ids=position_ids, cache=cache).logits


def in_chunks(model, cache, ids, mask, sizes):
    """Return the logits of all tokens, which come in chunks of these sizes."""
    assert sum(sizes) == ids.shape[1]
    ends = np.cumsum(sizes)
    return torch.cat(
        [
            forward(model, cache, ids[:, end - size : end], mask[:, :end])
            for size, end in zip(sizes, ends, strict=True)
        ],
        1,
    )


def beside_reference(ours, reference, cache, ids, mask, sizes):
    """Return the logits of both, where the reference holds everything and is told what it may see."""
    reference.set_attn_implementation("told")
    whole, pairs = DynamicCache(config=reference.config), []
    heads = reference.config.num_key_value_heads
    ends = np.cumsum(sizes)
    assert ends[-1] == ids.shape[1]
    for size, end in zip(sizes, ends, strict=True):
        for at, layer in enumerate(cache.layers):
            allowed = torch.zeros(len(ids), heads, end - size, dtype=torch.bool)
            for batch, rows in enumerate(seen_by(layer)):
                for head, columns in enumerate(rows):
                    allowed[batch, head, torch.as_tensor(columns)] = True
            ALLOWED[at] = allowed
        step = ids[:, end - size : end], mask[:, :end]
        pairs.append((forward(ours, cache, *step), forward(reference, whole, *step)))
    return [torch.cat(side, 1) for side in zip(*pairs, strict=True)]


def beams_as_alone(model, cache, lonely, mask):
    """Have two beams follow the second sequence of a cache, as one that was alone goes on by itself."""
    cache.reorder_cache(torch.tensor([1, 1]))
    new = torch.arange(18).reshape(2, 9) + 2
    for at in range(9):
        longer = torch.cat([mask[[1, 1]], torch.ones(2, at + 1, dtype=mask.dtype)], 1)
        found = forward(model, cache, new[:, at : at + 1], longer)
        expected = forward(model, lonely, new[1:, at : at + 1], longer[1:])
        np.testing.assert_allclose(found[1], expected[0], rtol=0, atol=2e-4)


def seen_by(layer):
    """Return the columns that each head of each sequence holds."""
    held = layer.held()
    if held is None:
        return []
    keys, _, columns = held
    if columns is None:
        columns = torch.arange(keys.shape[2]).expand(keys.shape[:3])
    return [[row[row >= 0].tolist() for row in rows] for rows in columns]


def bytes_in(thing):
    """Return the bytes of all tensors and arrays that an object holds, each memory once."""
    found, todo, known = {}, [thing], set()
    while todo:
        one = todo.pop()
        if id(one) in known or isinstance(one, (type, str, bytes, type(gc))) or callable(one):
            continue
        known.add(id(one))
        if isinstance(one, torch.Tensor):
            storage = one.untyped_storage()
            if one.numel():
                found[storage.data_ptr()] = storage.nbytes()
        elif isinstance(one, np.ndarray):
            base = one
            while isinstance(base.base, np.ndarray):
                base = base.base
            if one.size:
                found[base.__array_interface__["data"][0]] = base.nbytes
        elif isinstance(one, dict):
            todo += one.values()
        elif isinstance(one, (list, tuple)):
            todo += one
        else:
            todo += [
                getattr(one, name)
                for owner in type(one).__mro__
                for name in getattr(owner, "__slots__", ())
                if hasattr(one, name)
            ]
            todo += vars(one).values() if hasattr(one, "__dict__") else []
    return sum(found.values())


def generated(model, cache, ids, mask, tokens=12, **options):
    """Return the tokens of a greedy generation, and the logits of each."""
    found = model.generate(
        ids,
        attention_mask=mask,
        cache=cache,
        max_new_tokens=tokens,
        do_sample=False,
        return_dict_in_generate=True,
        output_logits=True,
        **options,
    )
    return found.sequences, torch.stack(found.logits)


def is_ours(model):
    """Return whether a model has our attention."""
    return model.config._attn_implementation == ATTENTION
