"""How many tokens, or how many bits of each, at how many bytes.

=======================  ===========================================  =============================
function                 gives                                        source
=======================  ===========================================  =============================
``uniform``              tokens, ``[layers, heads]``                  bytes first
``tokens_within``        tokens of a head in so many bytes
``pyramid``              tokens, ``[layers]``                         PyramidKV (2024)
``adaptive``             tokens, ``[batch, heads]``                   Ada-KV (2024)
``adaptive_over_layers`` tokens, ``[layers, batch, heads]``           KVzip (2025)
``head_mask``            tokens, ``[layers, heads]``                  DuoAttention (2024)
``arkv``                 states 16, 8 and 0 of tokens                 ARKV (2026)
``arkv_ranks``           what that asks of one layer
``arkv_shares``          and of all of them
``rate_distortion``      states of tokens at a number of bytes        Shoham and Gersho (1988)
=======================  ===========================================  =============================
"""

from recollect.kvcache.budgets.adaptive import adaptive, adaptive_over_layers
from recollect.kvcache.budgets.arkv import Arkv, Ranked, arkv, arkv_ranks, arkv_shares, origin_quality
from recollect.kvcache.budgets.head_mask import head_mask
from recollect.kvcache.budgets.pyramid import pyramid
from recollect.kvcache.budgets.rate_distortion import DISTORTIONS, costs_of, rate_distortion
from recollect.kvcache.budgets.uniform import tokens_within, uniform

__all__ = [
    "DISTORTIONS",
    "Arkv",
    "Ranked",
    "adaptive",
    "adaptive_over_layers",
    "arkv",
    "arkv_ranks",
    "arkv_shares",
    "costs_of",
    "head_mask",
    "origin_quality",
    "pyramid",
    "rate_distortion",
    "tokens_within",
    "uniform",
]
