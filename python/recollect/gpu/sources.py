"""The text of the CUDA kernels, of which there is one copy, in the folder ``cuda`` of the repository."""

import re
from functools import cache
from importlib import resources

from recollect.errors import InvalidArgument

__all__ = ["SOURCES", "source"]

SOURCES = (
    "activation",
    "attend_rows",
    "attend_units",
    "attention_decode",
    "attention_expected",
    "attention_received",
    "compaction",
    "compaction_pages",
    "compaction_rotary",
    "decode",
    "decode_attention",
    "decode_channel",
    "decode_logits",
    "decode_rotated",
    "decode_sums",
    "decode_turned",
    "hamming",
    "hopper",
    "logits_units",
    "quantize_channel",
    "quantize_float8",
    "quantize_rotated",
    "quantize_token",
    "quantize_wide",
    "queries",
    "rescore",
    "scan",
    "scores_chain",
    "scores_directions",
    "scores_lag",
    "scores_pages",
    "scores_places",
    "scores_rows",
    "scores_selection",
    "scores_shares",
    "scores_smooth",
    "scores_sound",
    "scores_votes",
    "scores_windows",
    "selection",
    "sums_units",
)
"""What can be compiled."""

_INCLUDE = re.compile(r'#include "(\w+\.cuh)"')


@cache
def source(name: str) -> str:
    """Return the text of a source, with what it includes in its place, each once.

    Raises
    ------
    InvalidArgument
        If there is no such source (also a ``ValueError``).
    """
    if name not in SOURCES:
        raise InvalidArgument(f"name: expected one of {', '.join(SOURCES)}, found {name!r}")
    return _whole(f"{name}.cu", set())


def _whole(file: str, seen: set[str]) -> str:
    lines = []
    for line in resources.files(__package__).joinpath(file).read_text(encoding="utf-8").splitlines():
        included = _INCLUDE.fullmatch(line.strip())
        if included is None:
            lines.append("" if line == "#pragma once" else line)
        elif included[1] not in seen:
            seen.add(included[1])
            lines.append(_whole(included[1], seen))
    return "\n".join(lines)
