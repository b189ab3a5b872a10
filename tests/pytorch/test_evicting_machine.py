"""Whatever is done to a cache that lets tokens go, it is full attention under the mask of what it holds."""

import numpy as np
import torch
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from transformers import DynamicCache, LlamaConfig, LlamaForCausalLM

from recollect.kvcache import budgets
from recollect.kvcache.transformers import ArkvKVCache, EvictingKVCache, MixedKVCache, use_attention
from tests.pytorch.running import ALLOWED, forward, seen_by

CONFIG = {
    "vocab_size": 40, "hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 2,
    "num_attention_heads": 4, "num_key_value_heads": 2, "initializer_range": 0.3, "pad_token_id": 0,
}  # fmt: skip
SCORES = st.sampled_from(["key_diff", "window_attention", "heavy_hitter", "last_query", "lag_relative"])
BUDGETS = st.sampled_from([6, [5, 11], [[4, 9], [8, 8]], lambda found: budgets.adaptive(found, 7)])


class Machine(RuleBasedStateMachine):
    """A cache under test, and one of everything with the same tokens."""

    @initialize(
        score=SCORES, budget=BUDGETS, n_recent=st.integers(0, 4), interval=st.integers(0, 5),
        queries=st.integers(1, 9), kind=st.sampled_from(["evicting", "mixed", "on codes", "arkv"]),
        padding=st.lists(st.integers(0, 6), min_size=1, max_size=3),
        length=st.integers(7, 20), right=st.booleans(), seed=st.integers(0, 9),
    )  # fmt: skip
    def begin(self, score, budget, n_recent, interval, queries, kind, padding, length, right, seed):
        torch.manual_seed(seed)
        weights = LlamaForCausalLM(LlamaConfig(**CONFIG)).eval().state_dict()
        self.ours, self.whole = (LlamaForCausalLM(LlamaConfig(**CONFIG)).eval() for _ in range(2))
        for model in (self.ours, self.whole):
            model.load_state_dict(weights)
        use_attention(self.ours)
        self.whole.set_attn_implementation("told")
        if kind == "arkv":
            self.most = 1 + n_recent + queries + interval
            self.cache = ArkvKVCache(
                self.ours.config, 1 + n_recent + queries, settings=budgets.Arkv(window=1 + n_recent),
                keys="plain", values="plain", interval=interval,
            )  # fmt: skip
        elif kind in ("mixed", "on codes"):
            self.cache = MixedKVCache(
                self.ours.config, 80.0, codecs={16: ("plain", "plain")}, n_sink=1, residual=interval,
                block=1 + n_recent, queries=queries, on_codes=kind == "on codes",
            )  # fmt: skip
        else:
            self.cache = EvictingKVCache(
                self.ours.config, budget, score=score, n_sink=2, n_recent=n_recent, interval=interval,
                queries=queries,
            )  # fmt: skip
        self.full = DynamicCache(config=self.whole.config)
        self.mask = torch.ones(len(padding), 0, dtype=torch.int64)
        new = torch.arange(length) >= torch.tensor(padding)[:, None]
        self.step(seed, (new.flip(1) if right else new).long())

    def step(self, seed, new):
        """Give new tokens to both and compare what comes out."""
        for at, layer in enumerate(self.cache.layers):
            allowed = torch.zeros(len(new), 2, self.mask.shape[1], dtype=torch.bool)
            for batch, rows in enumerate(seen_by(layer)):
                for head, columns in enumerate(rows):
                    allowed[batch, head, torch.as_tensor(columns, dtype=torch.int64)] = True
            ALLOWED[at] = allowed
        self.mask = torch.cat([self.mask, new], 1)
        ids = torch.from_numpy(np.random.default_rng(seed).integers(1, 40, new.shape)) * new
        found, expected = (
            forward(model, cache, ids, self.mask)
            for model, cache in ((self.ours, self.cache), (self.whole, self.full))
        )
        np.testing.assert_allclose(found[new.bool()], expected[new.bool()], rtol=0, atol=5e-4)

    @rule(seed=st.integers(0, 99), width=st.sampled_from([1, 1, 1, 2, 5]))
    def go_on(self, seed, width):
        self.step(seed, torch.ones(len(self.mask), width, dtype=torch.int64))

    @rule(data=st.data())
    def choose_sequences(self, data):
        count = len(self.mask)
        chosen = torch.tensor(data.draw(st.lists(st.integers(0, count - 1), min_size=1, max_size=3)))
        for cache in (self.cache, self.full):
            cache.batch_select_indices(chosen)
        self.mask = self.mask[chosen]

    @precondition(lambda self: len(self.mask) < 3)
    @rule()
    def repeat(self):
        for cache in (self.cache, self.full):
            cache.batch_repeat_interleave(2)
        self.mask = self.mask.repeat_interleave(2, 0)

    @precondition(lambda self: self.mask.shape[1] > 6)
    @rule(count=st.integers(1, 6))
    def take_back(self, count):
        before = [seen_by(layer) for layer in self.cache.layers]
        try:
            self.cache.crop(-count)
        except ValueError:
            # Refused by the first layer that could not, or by none.
            assert [seen_by(layer) for layer in self.cache.layers] == before
            return
        self.full.crop(-count)
        self.mask = self.mask[:, :-count]
        left = self.mask.shape[1]
        assert [seen_by(layer) for layer in self.cache.layers] == [
            [[[one for one in row if one < left] for row in rows] for rows in layer] for layer in before
        ]

    @invariant()
    def columns_go_on(self):
        if hasattr(self, "mask"):
            assert self.cache.get_seq_length() == self.mask.shape[1]
            assert all(layer.batch_size == len(self.mask) for layer in self.cache.layers)
            if isinstance(self.cache, ArkvKVCache):
                # No head of any layer holds more or fewer tokens than another.
                counts = np.array([layer.counts for layer in self.cache.layers])
                assert (counts == counts[:1, :, :1]).all()
                assert counts.max() <= self.most


Machine.TestCase.settings = settings(max_examples=40, stateful_step_count=15, deadline=None)
TestMachine = Machine.TestCase
