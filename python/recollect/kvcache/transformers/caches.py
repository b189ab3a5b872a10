"""The caches: a layer of ours for each one of full attention, the model's own for others."""

import math
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import torch
from transformers.cache_utils import Cache, DynamicCache, DynamicLayer

from recollect.errors import InvalidArgument
from recollect.kvcache.arrays import Foreign
from recollect.kvcache.layer import Layer
from recollect.kvcache.quantized_cache import QuantizedCache
from recollect.kvcache.quantizers.codec import Codec
from recollect.kvcache.quantizers.kinds import codec_of
from recollect.kvcache.scores.window_attention import window_attention
from recollect.kvcache.transformers.evicting import Budget, EvictingLayer
from recollect.kvcache.transformers.layer import KVLayer
from recollect.kvcache.transformers.mixed import Allocate, MixedLayer, States, within
from recollect.kvcache.transformers.quantized import QuantizedLayer
from recollect.kvcache.transformers.scoring import Score

__all__ = ["EvictingKVCache", "KVCache", "MixedKVCache", "QuantizedKVCache"]

CODECS: States = {16: ("plain", "plain"), 4: ("rot4", "int4"), 1: ("rot1", "int2")}
"""States of :class:`MixedKVCache` unless others are given, by bits."""


class KVCache(Cache):
    """What the caches share: layers that are kept small, and how many bytes they hold.

    Parameters
    ----------
    config
        ``model.config``, and no copy of it.
    make
        Makes the layer of a number out of the config of the text model; layers with another kind of
        attention, a sliding window say, stay as Transformers has them.
    """

    def __init__(self, config: Foreign, make: Callable[[Foreign, int], KVLayer]) -> None:
        text = config.get_text_config(decoder=True)
        layers = [
            make(text, at) if type(layer) is DynamicLayer else layer
            for at, layer in enumerate(DynamicCache(config=config).layers)
        ]
        super().__init__(layers=layers)

    def crop(self, tokens_to_remove: int) -> None:
        """Forget the newest tokens of all layers, or of none; see :meth:`KVLayer.crop`."""
        for layer in self.layers:
            if isinstance(layer, KVLayer):
                layer.check_crop(tokens_to_remove)
        super().crop(tokens_to_remove)

    @property
    def nbytes(self) -> int:
        """Bytes held between steps, by all layers."""
        total = 0
        for layer in self.layers:
            if isinstance(layer, KVLayer):
                total += layer.nbytes
            else:
                parts = (getattr(layer, name, None) for name in ("keys", "values"))
                total += sum(part.nbytes for part in parts if isinstance(part, torch.Tensor))
        return total


class QuantizedKVCache(KVCache):
    """Every token stays: sinks and the newest ones in full, those between quantized once, in aligned blocks.

    It works with any attention. With :func:`~recollect.kvcache.transformers.use_attention` padding is not
    stored, so that no code of a sequence depends on what else is in the batch; with another one padding
    counts as tokens.

    Parameters
    ----------
    config
        ``model.config``.
    keys, values
        Quantizers by name, one of :data:`recollect.kvcache.quantizers.KINDS`, or made by hand.
    n_sink, residual
        First tokens, and newest tokens at least, that stay as they came.
    block
        Tokens that are quantized together; by default 32, or more where the quantizers need it.
    on_codes
        Attend to the codes themselves in steps of one token, where our attention runs: the rows that they
        stand for are never made.
    """

    def __init__(
        self,
        config: Foreign,
        keys: str | Codec = "rot4",
        values: str | Codec = "int4",
        *,
        n_sink: int = 4,
        residual: int = 128,
        block: int | None = None,
        on_codes: bool = False,
    ) -> None:
        codecs = codec_of(keys, "keys"), codec_of(values, "values")
        size = math.lcm(32, *(codec.block for codec in codecs)) if block is None else block

        def cache() -> QuantizedCache:
            return QuantizedCache(*codecs, n_sink=n_sink, residual=residual, block=size)

        # What is wrong with the arguments is wrong now.
        cache()
        super().__init__(config, lambda text, at: QuantizedLayer(text, cache, on_codes=on_codes))


class EvictingKVCache(KVCache):
    """The best tokens of each head stay; positions go on as if nothing had gone.

    The model needs :func:`~recollect.kvcache.transformers.use_attention`.

    Parameters
    ----------
    config
        ``model.config``.
    budget
        Tokens of a head after a cut: one number for all; or one entry a layer, a number or an array
        ``[heads]``, as a list or an array ``[layers]`` or ``[layers, heads]``; or a function of the scores
        ``[batch, heads, tokens]``, as :func:`recollect.kvcache.budgets.adaptive` is with an average.
    score
        A name, such as ``"key_diff"`` or ``"window_attention"``; a function of a
        :class:`recollect.kvcache.Layer`, with its own settings; or a class such as
        :class:`recollect.kvcache.scores.HeavyHitters`, which is kept up with every step.
    n_sink, n_recent
        First and newest tokens that stay before others, within the budget.
    interval
        Tokens above the budget that a head may hold until all heads are cut again; for a budget that is a
        function, tokens since the last cut. 0 cuts in every step.
    queries
        Newest queries that are held for the score; by default 64 where the score is a function or asks for
        them. Their bytes count.

    Notes
    -----
    A cut comes after the attention of a step, so a prompt in one piece is seen in full by all its tokens.
    Heads that hold different numbers of tokens are given to the score as sequences of their own.
    """

    def __init__(
        self,
        config: Foreign,
        budget: Budget | Sequence[int | npt.NDArray[np.integer]],
        *,
        score: Score = "key_diff",
        n_sink: int = 4,
        n_recent: int = 32,
        interval: int = 64,
        queries: int | None = None,
    ) -> None:
        budgets = _by_layer(budget, config.get_text_config(decoder=True).num_hidden_layers)

        def layer(text: Foreign, at: int) -> EvictingLayer:
            return EvictingLayer(
                text,
                budgets[at],
                score=score,
                n_sink=n_sink,
                n_recent=n_recent,
                interval=interval,
                queries=queries,
            )

        super().__init__(config, layer)


def _by_layer(budget: Foreign, layers: int) -> list[Budget]:
    if callable(budget):
        return [budget] * layers
    many = isinstance(budget, (list, tuple)) or np.ndim(budget) > 0
    found = [np.asarray(one) for one in budget] if many else [np.asarray(budget)] * layers
    if len(found) != layers:
        raise InvalidArgument(f"budget: {len(found)} for {layers} layers")
    for at, one in enumerate(found):
        if one.dtype.kind not in "iu" or one.ndim > 1 or one.size == 0 or one.min() < 1:
            raise InvalidArgument(f"budget[{at}]: expected whole numbers of tokens, 1 or more, found {one}")
    return list(found)


class MixedKVCache(KVCache):
    """Each token of a head gets a state as it ages, once and for all: gone, or in so many bits.

    The newest tokens are as they came. Of what is older, whole blocks get states at so many bytes a token, at
    the least distortion that these buy: what matters stays in full, what matters less in few bits, and the
    rest goes. The model needs :func:`~recollect.kvcache.transformers.use_attention`.

    Parameters
    ----------
    config
        ``model.config``.
    nbytes
        Of an older token of one head, key, value and position, on average over the heads of a layer; or a
        function of a :class:`recollect.kvcache.Layer` and a number that gives the states ``[batch, heads,
        number]`` of its first tokens.
    codecs
        Quantizers of keys and values by state, a number of bits; ``"plain"`` leaves rows as they are.
    score
        A function of a layer that gives weights, none below zero; by default
        :func:`recollect.kvcache.scores.window_attention`.
    n_sink, residual
        First tokens that get the highest state, and newest ones that stay as they came, at least.
    block
        Columns that get their states together.
    queries
        Newest queries that are held for the score. Their bytes count.
    on_codes
        Attend to the codes themselves in steps of one token: the rows that they stand for are never made.
    """

    def __init__(
        self,
        config: Foreign,
        nbytes: float | Allocate,
        *,
        codecs: States | None = None,
        score: Callable[[Layer], Foreign] = window_attention,
        n_sink: int = 4,
        residual: int = 128,
        block: int = 128,
        queries: int = 64,
        on_codes: bool = False,
    ) -> None:
        table = CODECS if codecs is None else codecs
        allocate = nbytes if callable(nbytes) else within(float(nbytes), table, score)

        def layer(text: Foreign, at: int) -> MixedLayer:
            return MixedLayer(
                text, allocate, table, n_sink=n_sink, residual=residual, block=block, queries=queries,
                on_codes=on_codes,
            )  # fmt: skip

        super().__init__(config, layer)
