"""Writes the tables of ``README.md`` out of ``parity.json``: ``python -m tests.pytorch.table``."""

import json
import re
from pathlib import Path

HERE = Path(__file__).parent


def written():
    """Return the tables."""
    found = json.loads((HERE / "parity.json").read_text(encoding="utf-8"))
    versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    lines = [f"{found['date']}, Python {found['python']}, {versions}.", ""]
    lines += [
        "| score | greatest difference, of the greatest score | the same quarter is kept |",
        "|---|---:|---:|",
    ]
    for name, one in found["scores"].items():
        apart = "ranks only" if one["difference"] is None else f"{one['difference']:.1e}"
        lines.append(f"| {name} | {apart} | {one['kept_equal']:.2%} |")
    same = "the same tokens" if found["ada_kv_keeps_the_same"] else "other tokens"
    apart = f"{found['pyramid_kv_tokens_apart']} tokens from `PyramidKVPress` where no limit is met"
    lines += ["", f"`budgets.adaptive` keeps {same} as `AdaKVPress`; `budgets.pyramid` is {apart}.", ""]
    lines += ["| codes of KIVI | others in its float16 | others in float32 |", "|---|---:|---:|"]
    lines += [
        f"| {name} | {a:.2%} | {b:.2%} |" for name, (a, b) in found["kivi_codes_that_are_others"].items()
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    path = HERE / "README.md"
    text = path.read_text(encoding="utf-8")
    marks = r"(<!-- parity:begin -->\n).*?(<!-- parity:end -->)"
    path.write_text(
        re.sub(marks, lambda mark: f"{mark[1]}{written()}\n{mark[2]}", text, flags=re.DOTALL),
        encoding="utf-8",
    )
