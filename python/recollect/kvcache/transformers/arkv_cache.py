"""The cache of ARKV: the layers are asked together how many tokens of each stay as they are."""

import numpy as np
import numpy.typing as npt

from recollect.kvcache.arrays import Foreign
from recollect.kvcache.budgets.arkv import Arkv, arkv_shares
from recollect.kvcache.quantizers.codec import Codec
from recollect.kvcache.transformers.arkv import ArkvLayer
from recollect.kvcache.transformers.caches import KVCache
from recollect.kvcache.transformers.coded import by_token

__all__ = ["ArkvKVCache"]


class ArkvKVCache(KVCache):
    """So many tokens of each head stay, the best as they came and the others in 8 bits.

    The newest tokens, the window, are as they came. Those before are ordered by what the last queries pay to
    them; how many of those that stay do so in full depends on how attention is spread in their layer, beside
    the layer where it is spread best. The model needs
    :func:`~recollect.kvcache.transformers.use_attention`.

    Parameters
    ----------
    config
        ``model.config``.
    capacity
        Tokens of a head that stay, the window among them.
    settings
        Constants of the method, the published ones by default. The queries of the window are held, and their
        bytes count.
    keys, values
        Quantizers of 8 bits, by name or made by hand: ``"fp8"``, ``"int8"``, or any other that keeps each
        token by itself.
    interval
        Tokens above the capacity that a head may hold until it is cut again; 0 cuts in every step.

    Raises
    ------
    InvalidArgument
        If the capacity is below the window, or codes of a token depend on other tokens.

    Notes
    -----
    After a prompt the states are those of :func:`recollect.kvcache.budgets.arkv`. What is beyond the capacity
    goes at the end of the step of its layer; the others get their states at the end of that of the last one.
    As tokens leave the window the same is done with what is held and the last queries. The shares of the
    layers are decided anew at the first cut after a step of several tokens, as a prompt or a part of it is;
    steps of one token keep them. A state only falls: codes are made once, and where a token in 8 bits is
    among the best it stays in 8 bits. The published code writes its rounded numbers back in full.

    Source: "ARKV: adaptive and resource-efficient KV cache management" (2026).
    """

    def __init__(
        self,
        config: Foreign,
        capacity: int,
        *,
        settings: Arkv | None = None,
        keys: str | Codec = "fp8",
        values: str | Codec = "fp8",
        interval: int = 0,
    ) -> None:
        constants = settings or Arkv()
        codecs = by_token(keys, "keys"), by_token(values, "values")
        super().__init__(
            config, lambda text, at: ArkvLayer(text, capacity, interval, constants, codecs, self._decide)
        )

    @property
    def shares(self) -> npt.NDArray[np.float64]:
        """Which share of the tokens before the window stays as it is, ``[layers, batch]``.

        It is that of layers with full attention; NaN until a sequence is cut.
        """
        found = [layer.shares for layer in self._layers()]
        return np.stack(found) if found else np.zeros((0, 0))

    def _decide(self) -> None:
        """Give the states of a step, once all layers have ended it."""
        layers = self._layers()
        # The last layer is the last to end it.
        if any(not layer.settled or layer.seen != layers[0].seen for layer in reversed(layers)):
            return
        ranked = [layer for layer in layers if layer.qualities is not None]
        if ranked:
            found = np.array([layer.qualities for layer in ranked])
            # What was not ranked in a layer has no part in the best.
            for layer, shares in zip(ranked, arkv_shares(np.nan_to_num(found)), strict=True):
                layer.fall(shares)

    def _layers(self) -> list[ArkvLayer]:
        return [layer for layer in self.layers if isinstance(layer, ArkvLayer)]
