"""The tables of accuracy against bytes."""

from collections.abc import Sequence

from benches.kv_quality.policies import KINDS, Kinds
from benches.kv_quality.trial import Row
from benches.readme import table

_EVERY = "all tokens"
_MIXED = ("mixed", "mixed")


def markdown(rows: Sequence[Row], shares: Sequence[float], contexts: int) -> str:
    """Return the tables of a run in Markdown."""
    methods = dict.fromkeys(row.method for row in rows if row.method != _EVERY and row.keys != _MIXED[0])
    mixed = dict.fromkeys(row.method for row in rows if row.keys == _MIXED[0])
    blocks = [
        f"Accuracy over {contexts} contexts of 497 tokens, 16 questions each; with the full cache it is 1.",
        f"**Every token kept**\n\n{_full(rows)}",
    ]
    for share in sorted(shares):
        head = ["tokens kept by", *(f"{keys}/{values}" for keys, values in KINDS)]
        lines = [[name, *(_cell(rows, name, kinds, share) for kinds in KINDS)] for name in methods]
        blocks.append(f"**{share:.4g} of the bytes**, keys/values\n\n{table(head, lines)}")
    if mixed:
        order = sorted(shares, reverse=True)
        head = ["bits by token", *(f"{share:.4g} of the bytes" for share in order)]
        lines = [[name, *(_cell(rows, name, _MIXED, share) for share in order)] for name in mixed]
        blocks.append(f"**Bits by token**\n\n{table(head, lines)}")
    return "\n\n".join(blocks)


def _full(rows: Sequence[Row]) -> str:
    lines = [
        [f"{row.keys}/{row.values}", f"{row.bytes_share:.3f}", f"{row.accuracy:.2f}"]
        for row in rows
        if row.method == _EVERY
    ]
    return table(["keys/values", "bytes", "accuracy"], lines)


def _cell(rows: Sequence[Row], method: str, kinds: Kinds, share: float) -> str:
    """Return the accuracy of the most bytes within a share: where all tokens fit, more bytes are the same."""
    found = [
        row
        for row in rows
        if (row.method, row.keys, row.values) == (method, *kinds) and row.bytes_share <= share * 1.0001
    ]
    return f"{max(found, key=lambda row: row.bytes_share).accuracy:.2f}" if found else ""
