"""Scores of cached tokens, one method a file: float32 ``[batch, heads, tokens]``, higher stays.

Each is called with a :class:`~recollect.kvcache.Layer` and keywords of its own. Padding, and tokens with a
number that is not finite, score minus infinity; what a method never gives up scores infinity.

``key_norm``, ``key_diff``, ``cur``, ``lag_relative``, ``value_weighted``, ``window_attention``,
``last_query`` and ``heavy_hitter`` have a backend in Rust, which adds up in float32 and agrees with NumPy's
float64 to 1e-5 (ranks of ``lag_relative`` may be off by one place). The others are products of matrices, or
no work: NumPy has them. On a GPU the same bounds hold, and ``streaming``, ``q_filter``, ``page_bound``,
``surprise``, ``reconstruction`` and ``expected_attention`` (to 1e-4) have kernels as well; those left over
are computed by NumPy on the CPU.

=======================  ==========================  =================================================
method                   needs, beyond keys          source
=======================  ==========================  =================================================
``streaming``                                        StreamingLLM (2023)
``key_norm``                                         L2 norm of keys (2024)
``key_diff``                                         KeyDiff (2025)
``window_attention``     queries                     SnapKV (2024)
``last_query``           queries                     TOVA (2024)
``heavy_hitter``         queries                     H2O (2023)
``expected_attention``   values, statistics          Expected attention (2025)
``lag_relative``         values                      LagKV (2025)
``leverage``             keys before RoPE            Compactor (2025)
``chunk_attention``      queries, values             Compactor (2025)
``cur``                  values                      CurDKV (2025)
``q_filter``             calibrated filters          Q-Filters (2025)
``surprise``             log probabilities           SirLLM (2024)
``output_perturbation``  queries, values             closed form of evicting one token
``value_weighted``       values, other scores        CriticalKV (2025)
``reconstruction``       queries of a replay         KVzip (2025)
``page_bound``           queries                     Quest (2024)
``random_order``
``combined``             other scores
=======================  ==========================  =================================================
"""

from recollect.kvcache.query_stats import QueryStats
from recollect.kvcache.scores.chunk_attention import chunk_attention
from recollect.kvcache.scores.combined import combined
from recollect.kvcache.scores.cur import cur
from recollect.kvcache.scores.expected_attention import expected_attention
from recollect.kvcache.scores.heavy_hitter import HeavyHitters, heavy_hitter
from recollect.kvcache.scores.key_diff import KeyAnchor, key_diff
from recollect.kvcache.scores.key_norm import key_norm
from recollect.kvcache.scores.lag_relative import lag_relative
from recollect.kvcache.scores.last_query import last_query
from recollect.kvcache.scores.leverage import leverage
from recollect.kvcache.scores.output_perturbation import output_perturbation
from recollect.kvcache.scores.page_bounds import PageBounds, page_bound, page_bounds, page_scores
from recollect.kvcache.scores.q_filter import calibrated_filters, q_filter
from recollect.kvcache.scores.random_order import random_order
from recollect.kvcache.scores.reconstruction import reconstruction
from recollect.kvcache.scores.streaming import streaming
from recollect.kvcache.scores.surprise import surprise
from recollect.kvcache.scores.value_weighted import value_weighted
from recollect.kvcache.scores.window_attention import window_attention

__all__ = [
    "HeavyHitters",
    "KeyAnchor",
    "PageBounds",
    "QueryStats",
    "calibrated_filters",
    "chunk_attention",
    "combined",
    "cur",
    "expected_attention",
    "heavy_hitter",
    "key_diff",
    "key_norm",
    "lag_relative",
    "last_query",
    "leverage",
    "output_perturbation",
    "page_bound",
    "page_bounds",
    "page_scores",
    "q_filter",
    "random_order",
    "reconstruction",
    "streaming",
    "surprise",
    "value_weighted",
    "window_attention",
]
