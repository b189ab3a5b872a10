"""KV caches for ``model.generate`` of Transformers 5: quantized, evicting, or both at once.

>>> from recollect.kvcache.transformers import EvictingKVCache, use_attention   # doctest: +SKIP
>>> use_attention(model)                                                        # doctest: +SKIP
>>> cache = EvictingKVCache(model.config, 512, score="window_attention")        # doctest: +SKIP
>>> model.generate(**inputs, cache=cache)                                       # doctest: +SKIP

========================  =============================================================================
``QuantizedKVCache``      every token stays: newest ones in full, older ones quantized once, in blocks
``EvictingKVCache``       the best tokens of each head stay, by any score and any budget
``MixedKVCache``          each token gets a state of its own as it ages: gone, or in so many bits
``ArkvKVCache``           so many tokens of a head stay, the best as they came and others in 8 bits (ARKV)
``ExpectedAttention``     a score of future queries, for ``EvictingKVCache``
``use_attention``         gives a model the attention that reads heads of different lengths
``ATTENTION``             its name in Transformers
========================  =============================================================================

Before Transformers 5.24 the argument of ``generate`` is ``past_key_values``. Needs PyTorch and Transformers:
``pip install "recollect[transformers]"``; nothing else of this package imports them.
"""

from importlib.util import find_spec

from recollect.errors import LibraryMissing

if missing := [name for name in ("torch", "transformers") if find_spec(name) is None]:
    raise LibraryMissing(
        f'recollect.kvcache.transformers needs {" and ".join(missing)}: pip install "recollect[transformers]"'
    )

from recollect.kvcache.transformers.arkv_cache import ArkvKVCache
from recollect.kvcache.transformers.attention import ATTENTION, use_attention
from recollect.kvcache.transformers.caches import EvictingKVCache, MixedKVCache, QuantizedKVCache
from recollect.kvcache.transformers.expected import ExpectedAttention

__all__ = [
    "ATTENTION",
    "ArkvKVCache",
    "EvictingKVCache",
    "ExpectedAttention",
    "MixedKVCache",
    "QuantizedKVCache",
    "use_attention",
]
