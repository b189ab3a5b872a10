"""The tables of accuracy against bytes."""

from collections.abc import Sequence

from benches.kv_quality.policies import FULL, KINDS
from benches.kv_quality.trial import Row
from benches.readme import table

_EVERY = "all tokens"


def markdown(rows: Sequence[Row], shares: Sequence[float], contexts: int) -> str:
    """Return the tables of a run in Markdown."""
    found = {(row.method, row.keys, row.values, _nearest(row.bytes_share, shares)): row for row in rows}
    methods = list(dict.fromkeys(row.method for row in rows if row.method != _EVERY))
    plain = [name for name in methods if not _mixed(found, name)]
    least = min(shares)
    blocks = [
        f"Accuracy over {contexts} contexts of 497 tokens, 16 questions each; with the full cache it is 1.",
        f"**Every token kept**\n\n{_full(rows)}",
        f"**{least:.1%} of the bytes**, keys/values\n\n{_at(found, plain, least)}",
    ]
    blocks += [
        f"**{share:.2%} of the bytes**, keys/values\n\n{_at(found, plain, share)}"
        for share in sorted(shares)[1:]
    ]
    mixed = [name for name in methods if _mixed(found, name)]
    if mixed:
        head = ["states of tokens", *(f"{share:.2%}" for share in sorted(shares, reverse=True))]
        lines = [
            [
                name,
                *(
                    _cell(found.get((name, "mixed", "mixed", share)))
                    for share in sorted(shares, reverse=True)
                ),
            ]
            for name in mixed
        ]
        blocks.append(f"**Bits by token**\n\n{table(head, lines)}")
    return "\n\n".join(blocks)


def _full(rows: Sequence[Row]) -> str:
    lines = [
        [f"{row.keys}/{row.values}", f"{row.bytes_share:.1%}", f"{row.accuracy:.2f}"]
        for row in rows
        if row.method == _EVERY
    ]
    return table(["keys/values", "bytes", "accuracy"], lines[: len(FULL)])


def _at(found: dict[tuple[str, str, str, float], Row], methods: Sequence[str], share: float) -> str:
    head = ["tokens kept by", *(f"{keys}/{values}" for keys, values in KINDS)]
    lines = [[name, *(_cell(found.get((name, *kinds, share))) for kinds in KINDS)] for name in methods]
    return table(head, lines)


def _cell(row: Row | None) -> str:
    return "" if row is None else f"{row.accuracy:.2f}"


def _mixed(found: dict[tuple[str, str, str, float], Row], name: str) -> bool:
    return any(key[0] == name and key[1] == "mixed" for key in found)


def _nearest(share: float, shares: Sequence[float]) -> float:
    """Return the target that a share was made for: the least that is not below it."""
    return min((one for one in shares if share <= one * 1.0001), default=1.0)
