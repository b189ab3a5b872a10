"""Attention over what a cache of ours returns, where heads may hold different tokens, and fewer or more.

It is the scaled dot product attention of Transformers with a mask of its own for each head, and it tells the
layer of the cache what it cannot know: the queries, and which tokens are padding.
"""

import torch
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from recollect.errors import InvalidArgument
from recollect.kvcache.arrays import Foreign
from recollect.kvcache.transformers.layer import ATTENTION, TAG, KVLayer

__all__ = ["ATTENTION", "attention", "use_attention"]


def use_attention(model: Foreign) -> Foreign:
    """Return the model, with the attention that evicting caches need; any other cache works with it too."""
    model.set_attn_implementation(ATTENTION)
    return model


def attention(
    module: Foreign,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    **options: Foreign,
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Attend as Transformers asks for it; what no layer of ours returned is attended to as it is."""
    layer: KVLayer | None = getattr(key, TAG, None)
    if layer is None:
        found: tuple[torch.Tensor, None] = sdpa_attention_forward(
            module, query, key, value, attention_mask, scaling=scaling, dropout=dropout, **options
        )
        return found
    present = _present(attention_mask, query.shape[2], layer.seen)
    output = layer.attended(query.detach(), present, scaling)
    if output is None:
        keys, values = layer.whole(key, value)
        mask = _mask_of(layer.columns, attention_mask, query, layer.seen)
        if mask is not None and mask.shape[1] > 1:
            mask = mask.repeat_interleave(query.shape[1] // mask.shape[1], dim=1)
        output, _ = sdpa_attention_forward(
            module, query, keys, values, mask, scaling=scaling, dropout=dropout, **options
        )
        layer.settle(query.detach(), present)
    return output, None


def _present(mask: torch.Tensor | None, width: int, seen: int) -> torch.Tensor | None:
    """Return which new tokens are none of padding, ``[batch, width]``: those that see themselves."""
    if mask is None:
        return None
    if mask.ndim != 4 or mask.shape[-1] < seen:
        raise InvalidArgument(f"attention_mask: expected {seen} tokens, found the shape {tuple(mask.shape)}")
    own = mask[:, 0, -width:, seen - width : seen].diagonal(dim1=-2, dim2=-1)
    found = own if own.dtype == torch.bool else own > torch.finfo(own.dtype).min / 2
    return None if bool(found.all()) else found


def _mask_of(
    columns: torch.Tensor | None, mask: torch.Tensor | None, query: torch.Tensor, seen: int
) -> torch.Tensor | None:
    """Return the mask of the tokens that are held, out of one of all tokens that were ever seen."""
    if columns is None:
        return mask
    valid = (columns >= 0)[:, :, None]
    width = query.shape[2]
    if mask is None:
        if width == 1 and bool(valid.all()):
            return None
        own = torch.arange(seen - width, seen, device=columns.device)
        return valid & (columns[:, :, None] <= own[:, None])
    shape = (*columns.shape[:2], width, mask.shape[-1])
    at = columns.clamp(min=0)[:, :, None].expand(*columns.shape[:2], width, columns.shape[2])
    found = mask.expand(shape).gather(3, at.long())
    return (
        found & valid
        if found.dtype == torch.bool
        else found.masked_fill(~valid, torch.finfo(found.dtype).min)
    )


AttentionInterface.register(ATTENTION, attention)
AttentionMaskInterface.register(ATTENTION, sdpa_mask)
