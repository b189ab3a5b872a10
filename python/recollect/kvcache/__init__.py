"""The KV cache of a model: score its tokens, evict them, keep them in fewer bits, and attend to the rest.

>>> import numpy as np
>>> from recollect import kvcache
>>> keys, values = np.random.default_rng(0).standard_normal((2, 1, 2, 100, 64)).astype(np.float16)
>>> scores = kvcache.scores.key_diff(kvcache.Layer(keys))
>>> kept = kvcache.select(scores, 25)
>>> cache = kvcache.MixedCache(keys, values, kept, {1: ("rot2", "int2")})
>>> kept.counts.tolist(), cache.nbytes < (keys.nbytes + values.nbytes) // 16
([[25, 25]], True)

Arrays have the shape ``[batch, heads, tokens, d]``; query heads that share a head lie together. They may come
from any framework that shares memory of the CPU by DLPack, bfloat16 as int16 and float8 as uint8 of the same
bits, or be tensors of PyTorch; results are arrays of that framework. Nothing here depends on what else is in
a batch or on how a sequence came in chunks; ties go to the lower position. Rust does the work, with
``threads`` and without the GIL; ``backend="numpy"`` is the reference, which has the same codes bit for bit.
Arrays on a CUDA device are worked on there (``backend="cuda"``, with CuPy), where there are kernels for it.

========================================  ==========================================================
``Layer``, ``scores``                     what a layer holds, and one file for each way to score it
``budgets``                               tokens, or bits of tokens, out of bytes
``select``, ``compact``, ``PagedStore``   which tokens stay, and where
``quantizers``, ``quantize``              2 to 8 bits, rotated 1 to 4 bits, float8
``QuantizedCache``, ``MixedCache``        caches that grow, or hold each token in a state of its own
``PlainCache``                            keys and values as they are, where they lie
``decode_attention``                      attention over any of these, on the codes
``BlockStore``, ``boundaries``            the past in blocks or events that are found again; where events end
``Codebook``                              vectors as the number of the nearest of a few hundred
``recollect.kvcache.transformers``        caches for ``generate``; imported by itself
========================================  ==========================================================
"""

from recollect.kvcache import budgets, quantizers, scores
from recollect.kvcache.backends import BACKENDS
from recollect.kvcache.blocks import BlockStore, Fetched
from recollect.kvcache.codebook import Codebook
from recollect.kvcache.compaction import Ragged, compact, compact_in_place
from recollect.kvcache.decoding import Attended, decode_attention, merged
from recollect.kvcache.events import boundaries
from recollect.kvcache.float_formats import bf16_bits, from_bf16
from recollect.kvcache.layer import Layer
from recollect.kvcache.mixed_cache import MixedCache
from recollect.kvcache.paged import PagedStore
from recollect.kvcache.plain_cache import PlainCache
from recollect.kvcache.quantized_cache import QuantizedCache
from recollect.kvcache.quantizers.quantized import Quantized, pv, qk_logits, quantize
from recollect.kvcache.refinement import refined, similarity, split_quality
from recollect.kvcache.rotary import Rope
from recollect.kvcache.selection import Kept, select

__all__ = [
    "BACKENDS",
    "Attended",
    "BlockStore",
    "Codebook",
    "Fetched",
    "Kept",
    "Layer",
    "MixedCache",
    "PagedStore",
    "PlainCache",
    "Quantized",
    "QuantizedCache",
    "Ragged",
    "Rope",
    "bf16_bits",
    "boundaries",
    "budgets",
    "compact",
    "compact_in_place",
    "decode_attention",
    "from_bf16",
    "merged",
    "pv",
    "qk_logits",
    "quantize",
    "quantizers",
    "refined",
    "scores",
    "select",
    "similarity",
    "split_quality",
]
