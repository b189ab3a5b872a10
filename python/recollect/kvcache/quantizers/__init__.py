"""Quantizers of keys and values, each a codec of its own.

=======  ===========================================================  ===========================
name     one element becomes                                          bytes of a token, d = 128
=======  ===========================================================  ===========================
plain    itself                                                       256 with 16 bits
fp8      e4m3 with a scale a token                                    130
int8     8 bits between least and greatest                            132
int4     4 bits (KIVI): keys by channel, values by token, groups 32   80
int2     2 bits, the same                                             48
rot4     4 bits after centring and rotation                           66, and 256 a 128 tokens
rot3     3 bits                                                       50, and the same
rot2     2 bits                                                       34, and the same
rot1     its sign                                                     18, and the same
=======  ===========================================================  ===========================
"""

from recollect.kvcache.quantizers.asymmetric import Asymmetric
from recollect.kvcache.quantizers.codec import Codec
from recollect.kvcache.quantizers.float8 import Float8
from recollect.kvcache.quantizers.kinds import KINDS, codec_of
from recollect.kvcache.quantizers.plain import Plain
from recollect.kvcache.quantizers.quantized import Quantized, pv, qk_logits, quantize
from recollect.kvcache.quantizers.rotated import Rotated

__all__ = [
    "KINDS",
    "Asymmetric",
    "Codec",
    "Float8",
    "Plain",
    "Quantized",
    "Rotated",
    "codec_of",
    "pv",
    "qk_logits",
    "quantize",
]
