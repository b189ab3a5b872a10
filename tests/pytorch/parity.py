"""Scores of this package beside those of kvpress, on one attention layer of random weights.

``python -m tests.pytorch.parity --out tests/pytorch/parity.json`` writes the table of ``README.md`` there.
"""

import argparse
import json
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import kvpress
import numpy as np
import torch
from transformers import LlamaConfig
from transformers.models.llama.modeling_llama import (
    LlamaAttention,
    LlamaRotaryEmbedding,
    apply_rotary_pos_emb,
)

from recollect.kvcache import Layer, budgets, scores, select
from tests.pytorch import kivi

TOKENS, SHARE = 512, 0.25


class Case:
    """One layer: hidden states, and what the attention makes of them."""

    def __init__(self, seed=0, batch=2):
        torch.manual_seed(seed)
        self.config = LlamaConfig(
            hidden_size=256, num_attention_heads=8, num_key_value_heads=2, num_hidden_layers=4,
            max_position_embeddings=4096, attn_implementation="sdpa",
        )  # fmt: skip
        self.module = LlamaAttention(self.config, 1).eval()
        self.module.rotary_emb = rotary = LlamaRotaryEmbedding(self.config)
        for weight in self.module.parameters():
            torch.nn.init.normal_(weight, std=0.09)
        self.hidden = torch.randn(batch, TOKENS, 256)
        with torch.no_grad():
            split = [
                layer(self.hidden).view(batch, TOKENS, -1, 32).transpose(1, 2)
                for layer in (self.module.q_proj, self.module.k_proj, self.module.v_proj)
            ]
            self.rope = rotary(self.hidden, torch.arange(TOKENS)[None])
            self.before, self.keys_before, self.values = split
            self.queries, self.keys = apply_rotary_pos_emb(split[0], split[1], *self.rope)
            logits = self.queries @ self.keys.repeat_interleave(4, 1).transpose(2, 3) / 32**0.5
            past = torch.ones(TOKENS, TOKENS, dtype=torch.bool).tril()
            self.paid = logits.masked_fill(~past, -torch.inf).softmax(-1)
        self.layer = Layer(self.keys, self.values, self.queries)
        self.inv_freq = rotary.inv_freq

    def theirs(self, press, attentions=None):
        given = {"position_embeddings": self.rope}
        with torch.no_grad():
            return press.score(
                self.module, self.hidden, self.keys.clone(), self.values.clone(), attentions, given
            ).numpy()

    def expected(self, **options):
        statistics = scores.QueryStats()
        statistics.observe(self.before)
        return scores.expected_attention(
            self.layer, statistics=statistics, inv_freq=self.inv_freq, **options
        ).numpy()


@contextmanager
def projection(matrix):
    """Have kvpress project keys by this matrix, where it would draw one."""
    drawn, torch.randn = torch.randn, lambda *shape, **_: torch.from_numpy(matrix).float().expand(shape)
    try:
        yield
    finally:
        torch.randn = drawn


def standardised(found):
    return (found - found.mean(-1, keepdims=True)) / found.std(-1, keepdims=True)


def leverages(case):
    matrix = np.random.default_rng(0).standard_normal((32, 48))
    with projection(matrix):
        found = kvpress.LeverageScorePress.compute_leverage_scores(case.keys_before, 48).numpy()
    rows = case.keys_before - case.keys_before.mean(2, keepdim=True)
    rows = rows.double().numpy() @ (matrix / 48**0.5)
    mean = (rows**2).sum((2, 3)) / 48
    ours = np.zeros(found.shape)
    for batch, head in np.ndindex(mean.shape):
        # Theirs adds a number to the diagonal, ours a share of its mean.
        one = [part[batch : batch + 1, head : head + 1] for part in (case.keys, case.keys_before)]
        ours[batch, head] = scores.leverage(
            Layer(one[0]), before_rope=one[1], ridge=1e-2 / mean[batch, head]
        )[0, 0]
    return ours, standardised(found)


def q_filters(case):
    filters = scores.calibrated_filters(case.layer)
    press = kvpress.QFilterPress(SHARE)
    press.q_filters = torch.stack([filters * 0, filters])
    return scores.q_filter(case.layer, filters=filters).numpy(), case.theirs(press)


def critical(case):
    base = scores.window_attention(case.layer)
    ours = scores.value_weighted(
        case.layer,
        scores=base,
        output=case.module.o_proj.weight.detach().T.reshape(8, 32, 256),
    ).numpy()
    theirs = case.theirs(kvpress.CriticalKVPress(kvpress.SnapKVPress(1 - SHARE), first_stage_ratio=0.0))
    return ours, theirs


def compactor(case):
    with projection(np.random.default_rng(0).standard_normal((32, 48))):
        theirs = case.theirs(kvpress.CompactorPress(1 - SHARE))
    parts = [
        scores.leverage(case.layer, before_rope=case.keys_before),
        scores.chunk_attention(case.layer, scale=False),
    ]
    return scores.combined(case.layer, scores=parts, weights=[1 - SHARE, 1.0], norm="z").numpy(), theirs


CASES = {
    "key_norm": lambda case: (scores.key_norm(case.layer).numpy(), case.theirs(kvpress.KnormPress())),
    "key_diff": lambda case: (scores.key_diff(case.layer).numpy(), case.theirs(kvpress.KeyDiffPress())),
    "window_attention (SnapKV)": lambda case: (
        scores.window_attention(case.layer).numpy(),
        case.theirs(kvpress.SnapKVPress()),
    ),
    "last_query (TOVA)": lambda case: (
        scores.last_query(case.layer).numpy(),
        case.theirs(kvpress.TOVAPress()),
    ),
    "heavy_hitter, exposure (H2O)": lambda case: (
        scores.heavy_hitter(case.layer, norm="exposure").numpy(),
        case.theirs(kvpress.ObservedAttentionPress(), case.paid),
    ),
    "expected_attention": lambda case: (case.expected(), case.theirs(kvpress.ExpectedAttentionPress())),
    "expected_attention, mean alone": lambda case: (
        case.expected(covariance=False, epsilon=0.02),
        case.theirs(kvpress.ExpectedAttentionPress(use_covariance=False, epsilon=0.02)),
    ),
    "lag_relative (LagKV)": lambda case: (
        scores.lag_relative(case.layer, lag=64).numpy(),
        case.theirs(kvpress.LagKVPress(lag_size=64)),
    ),
    "cur (CurDKV)": lambda case: (scores.cur(case.layer).numpy(), case.theirs(kvpress.CURPress())),
    "leverage (Compactor)": leverages,
    "chunk_attention (Compactor)": lambda case: (
        scores.chunk_attention(case.layer, scale=False).numpy(),
        standardised(case.theirs(kvpress.NonCausalAttnPress())),
    ),
    "combined (Compactor)": compactor,
    "q_filter": q_filters,
    "value_weighted (CriticalKV)": critical,
    "streaming": lambda case: (
        scores.streaming(case.layer).numpy(),
        case.theirs(kvpress.StreamingLLMPress(1 - SHARE)),
    ),
}
"""Our scores and theirs; where they only rank, the differences say nothing."""

RANKED = {"streaming", "combined (Compactor)"}


def kept_by(found, count):
    """Return what stays of the best, by places from the first."""
    rows = np.where(np.isnan(found), -np.inf, found)
    return np.argsort(-rows, -1, kind="stable")[..., :count]


def compared(name, case):
    """Return the greatest difference, as a share of the greatest score, and the share of equal choices."""
    ours, theirs = CASES[name](case)
    both = np.isfinite(ours)
    apart = np.abs(np.where(both, ours - theirs, 0)).max() / np.abs(theirs[both]).max()
    # Protected tokens are infinite here and above all others there.
    count = int(TOKENS * SHARE)
    left, right = (kept_by(one, count).reshape(-1, count) for one in (ours, theirs))
    same = np.mean([len(set(one) & set(two)) / count for one, two in zip(left, right, strict=True)])
    return {
        "difference": None if name in RANKED else float(f"{apart:.2g}"),
        "kept_equal": round(float(same), 4),
    }


def head_budgets():
    """Return whether Ada-KV keeps the same tokens of every head, one sequence at a time."""
    one = Case(batch=1)
    press = kvpress.AdaKVPress(kvpress.ExpectedAttentionPress(1 - SHARE))
    with torch.no_grad():
        press.compress(one.module, one.hidden, one.keys, one.values, None, {"position_embeddings": one.rope})
    theirs = np.ones((1, 2, TOKENS), dtype=bool)
    theirs[tuple(part.numpy() for part in one.module.masked_key_indices)] = False
    found = torch.from_numpy(one.expected())
    counts = budgets.adaptive(found, int(TOKENS * SHARE), floor=0.2)
    return bool((select(found, counts, n_sink=0).mask() == theirs).all())


def layer_budgets():
    """Return the most that budgets of layers differ from PyramidKV where no limit is met, in tokens."""
    apart = []
    for average, tokens in ((1400, 8192), (2000, 8192), (4000, 16384)):
        press = kvpress.PyramidKVPress(1 - average / tokens)
        theirs = []
        for at in range(8):
            module = type("Module", (), {"layer_idx": at, "config": LlamaConfig(num_hidden_layers=8)})
            theirs.append(press.get_layer_budget(module, tokens))
        ours = budgets.pyramid(average, 8, tokens=tokens, beta=20, min_share=0.0)
        apart.append(int(np.abs(np.array(theirs) - ours).max()))
    return max(apart)


def measured():
    """Return all of it, with versions and the day."""
    case = Case()
    names = ("kvpress", "torch", "transformers", "numpy")
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "python": sys.version.split()[0],
        "versions": {name: version(name) for name in names},
        "layer": {"tokens": TOKENS, "heads": 2, "query_heads": 8, "dimensions": 32, "batch": 2},
        "kept": SHARE,
        "scores": {name: compared(name, case) for name in CASES},
        "kivi_codes_that_are_others": {
            f"int{bits}, {role}, groups of {group}": [
                float(f"{share:.2g}") for share in kivi.others(bits, group, role)[:2]
            ]
            for bits, group, role in kivi.CASES
        },
        "ada_kv_keeps_the_same": head_budgets(),
        "pyramid_kv_tokens_apart": layer_budgets(),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path)
    found = json.dumps(measured(), indent=1)
    out = parser.parse_args().out
    if out is None:
        print(found)
    else:
        out.write_text(found + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
