"""Quantizers by name, with what suits keys and what suits values."""

from recollect.checks import one_of
from recollect.kvcache.quantizers.asymmetric import Asymmetric
from recollect.kvcache.quantizers.codec import Codec
from recollect.kvcache.quantizers.float8 import Float8
from recollect.kvcache.quantizers.plain import Plain
from recollect.kvcache.quantizers.rotated import Rotated

__all__ = ["KINDS", "codec_of"]

KINDS = ("plain", "fp8", "int8", "int4", "int2", "rot4", "rot3", "rot2", "rot1")
"""Names of quantizers."""


def codec_of(kind: str | Codec, role: str = "keys") -> Codec:
    """Return a quantizer by name, or the one given.

    Parameters
    ----------
    kind
        One of :data:`KINDS`. Whole numbers of keys are grouped by channel, 32 tokens each, those of values by
        token, 32 channels each; 8 bits by token, all channels.
    role
        ``"keys"`` or ``"values"``.

    Raises
    ------
    InvalidArgument
        If there is no quantizer of that name.
    """
    if isinstance(kind, Codec):
        return kind
    name, role = one_of(kind, KINDS, "kind"), one_of(role, ("keys", "values"), "role")
    if name == "plain":
        return Plain()
    if name == "fp8":
        return Float8()
    bits = int(name[-1])
    if name.startswith("rot"):
        return Rotated(bits)
    return Asymmetric(bits, "token" if role == "values" or bits == 8 else "channel")
