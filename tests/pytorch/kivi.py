"""Codes of KIVI by its published formula (Liu and others, 2024), and how many of ours are others."""

import numpy as np
import torch

from recollect.kvcache import quantize
from recollect.kvcache.quantizers import Asymmetric

CASES = [(bits, group, role) for bits in (2, 4) for group in (32, 64) for role in ("keys", "values")]


def rows(seed=0):
    """Return rows of float16 with a few channels far from zero, as keys have."""
    generator = torch.Generator().manual_seed(seed)
    found = torch.randn(2, 3, 128, 64, generator=generator)
    found[..., [3, 17]] += torch.tensor([8.0, -30.0])
    return found.half()


def published(found, bits, group):
    """Return codes, scale and zero of groups along the last axis, in the arithmetic of the elements."""
    parts = found.unflatten(-1, (-1, group))
    zero, top = parts.amin(-1, keepdim=True), parts.amax(-1, keepdim=True)
    scale = (top - zero) / (2**bits - 1)
    codes = ((parts - zero) / scale).clamp(0, 2**bits - 1).round()
    return codes.flatten(-2), scale[..., 0], zero[..., 0]


def along(array, role):
    """Return keys with their tokens last: the axis of a group."""
    return array.transpose(-1, -2) if role == "keys" else array


def ours(found, bits, group, role):
    """Return our codes, scales and zeros in the same order of axes, and the words that codes lie in."""
    made = quantize(found, Asymmetric(bits, "channel" if role == "keys" else "token", group), role=role)
    words = made.parts["codes"].reshape(2, 3, *made.parts["codes"].shape[1:])
    shifts = np.arange(32 // bits, dtype=np.uint32) * bits
    codes = ((words[..., None] >> shifts) & (2**bits - 1)).reshape(*words.shape[:-1], -1)
    last = along(found, role).shape[-1]
    sides = [made.parts[name].reshape(2, 3, *made.parts[name].shape[1:]) for name in ("scale", "zero")]
    sides = [one.swapaxes(2, 3) if role == "keys" else one for one in sides]
    return codes[..., :last].astype(np.int64), *sides, words


def others(bits, group, role):
    """Return the shares of codes other than theirs in float16 and in float32, and how far at most."""
    found = rows()
    mine = ours(found, bits, group, role)[0]
    apart = [
        np.abs(mine - published(along(one, role), bits, group)[0].long().numpy())
        for one in (found, found.float())
    ]
    return *((one > 0).mean() for one in apart), int(max(one.max() for one in apart))
