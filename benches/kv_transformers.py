"""Caches for Transformers: the bytes they hold and what a step costs, beside those of Transformers.

``.venv-torch/bin/python -m benches.kv_transformers [--tokens 1024 2048] [--rounds 5] [--out rows.json]``
after ``make test-torch``. A Llama of two layers with random weights in bfloat16, one thread, rounds in turn.
"""

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from transformers import Cache, DynamicCache, LlamaConfig, LlamaForCausalLM, QuantizedCache

from recollect.kvcache.transformers import (
    ArkvKVCache,
    EvictingKVCache,
    MixedKVCache,
    QuantizedKVCache,
    use_attention,
)

STEPS = 6

Make = Callable[[LlamaConfig], Cache]
Run = tuple[float, float, int]


def model_of() -> LlamaForCausalLM:
    """Return the model: 8 query heads on 2 heads of 64 dimensions."""
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=512, hidden_size=512, intermediate_size=512, num_hidden_layers=2, num_attention_heads=8,
        num_key_value_heads=2, max_position_embeddings=32768,
    )  # fmt: skip
    return LlamaForCausalLM(config).eval().to(torch.bfloat16)


def caches(tokens: int) -> dict[str, Make]:
    """Return ways to make a cache, by name."""
    eighth = tokens // 8
    return {
        "DynamicCache": lambda config: DynamicCache(config=config),
        "QuantizedCache fp8 (Transformers)": lambda config: QuantizedCache("fp8", config),
        "QuantizedKVCache int8": lambda config: QuantizedKVCache(config, "int8", "int8"),
        "QuantizedKVCache rot4, int4": lambda config: QuantizedKVCache(config),
        "QuantizedKVCache rot4, int4, on codes": lambda config: QuantizedKVCache(config, on_codes=True),
        "EvictingKVCache key_diff, an eighth": lambda config: EvictingKVCache(config, eighth),
        "EvictingKVCache window_attention, an eighth": lambda config: EvictingKVCache(
            config, eighth, score="window_attention"
        ),
        "EvictingKVCache, a budget a head": lambda config: EvictingKVCache(
            config, [[eighth // 2, eighth * 3 // 2]] * 2, score="window_attention"
        ),
        "ArkvKVCache, a quarter": lambda config: ArkvKVCache(config, tokens // 4),
        "ArkvKVCache, a quarter, cut every 32 tokens": lambda config: ArkvKVCache(
            config, tokens // 4, interval=32
        ),
        "MixedKVCache, 80 bytes a token": lambda config: MixedKVCache(config, 80.0),
        "MixedKVCache, 80 bytes a token, on codes": lambda config: MixedKVCache(config, 80.0, on_codes=True),
    }


def bytes_of(cache: Cache) -> int:
    """Return the bytes that a cache holds."""
    if hasattr(cache, "nbytes"):
        return cache.nbytes
    total = 0
    for layer in cache.layers:
        for name in ("keys", "values", "_quantized_keys", "_quantized_values"):
            held = getattr(layer, name, None)
            parts = held if isinstance(held, (tuple, list)) else [held]
            total += sum(part.nbytes for part in parts if isinstance(part, torch.Tensor))
    return total


def one_round(model: LlamaForCausalLM, make: Make, ids: torch.Tensor) -> Run:
    """Return seconds of the prompt and of a step, and the bytes held."""
    cache = make(model.config)
    with torch.no_grad():
        begin = time.perf_counter()
        model(ids, cache=cache)
        prompt = time.perf_counter() - begin
        steps = []
        for _ in range(STEPS):
            begin = time.perf_counter()
            model(ids[:, :1], cache=cache)
            steps.append(time.perf_counter() - begin)
    return prompt, min(steps), bytes_of(cache)


def measured(tokens: int, rounds: int) -> list[dict[str, object]]:
    """Return a row for each cache."""
    plain, ours = model_of(), use_attention(model_of())
    ids = torch.randint(3, 512, (1, tokens))
    found = {name: [] for name in caches(tokens)}
    for _ in range(rounds):
        for name, make in caches(tokens).items():
            found[name].append(one_round(ours if "KVCache" in name else plain, make, ids))
    base = found["DynamicCache"]
    rows = []
    for name, runs in found.items():
        ratios = [
            statistics.median(one[at] / two[at] for one, two in zip(runs, base, strict=True)) for at in (0, 1)
        ]
        rows.append(
            {
                "tokens": tokens,
                "cache": name,
                "prompt": round(ratios[0], 2),
                "step": round(ratios[1], 1),
                "step_ms": round(1e3 * min(run[1] for run in runs), 2),
                "bytes": round(runs[-1][2] / base[-1][2], 3),
            }
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tokens", type=int, nargs="+", default=[1024, 2048])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    rows = [row for tokens in asked.tokens for row in measured(tokens, asked.rounds)]
    for row in rows:
        print(
            "| {tokens} | {cache} | {bytes:.1%} | {prompt:.2f} | {step:.1f} | {step_ms:.1f} ms |".format(
                **row
            )
        )
    print(f"load average {os.getloadavg()[0]:.1f}")
    if asked.out is not None:
        asked.out.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
