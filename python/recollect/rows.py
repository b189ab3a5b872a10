"""The shapes of the tuples that cross between Python and the native half."""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = [
    "AsOfRow",
    "ChangeRow",
    "ClaimRow",
    "HitRow",
    "KeysRow",
    "OnceRow",
    "OutcomeRow",
    "PendingRow",
    "RecordRow",
    "SignalRow",
    "SpaceRow",
    "StepRow",
    "WhenRow",
    "YearlyRow",
]

RecordRow: TypeAlias = tuple[
    str,  # uid
    int,  # version
    str,  # kind
    str,  # status
    str,  # text
    str,  # metadata, JSON
    tuple[str, ...],  # tags
    str | None,  # speaker
    str | None,  # session
    int | None,  # start, microseconds since 1970 UTC, as all times
    int | None,  # end
    int,  # ingested
    int,  # turn
    float,  # importance
    float,  # confidence
    str,  # source
    str,  # principal
    float,  # trust
    tuple[str, ...],  # parents
    int | None,  # ttl, microseconds
    bool,  # sliding
    int | None,  # expires
    int,  # mentions
    tuple[str, ...],  # namespace
]
"""A record."""

OutcomeRow: TypeAlias = tuple[str, int, str, str, int]
"""uid, version, operation, reason, mentions."""

AsOfRow: TypeAlias = tuple[int | None, int | None]
"""When it held, when it was known; None for now."""

ClaimRow: TypeAlias = tuple[list[str], str, list[tuple[str, int, str]] | None]
"""Evidence, policy, and the verdicts of a policy that judged: uid, version, word."""

ChangeRow: TypeAlias = tuple[int, int, str, int, str, RecordRow | None]
"""sequence number, time, operation, version, reason, the record after it."""

SignalRow: TypeAlias = tuple[str, int, float, float]
"""name, rank, score, share."""

StepRow: TypeAlias = tuple[str, str, str, bool]
"""from, to, relation, whether the link leads the same way."""

HitRow: TypeAlias = tuple[RecordRow, float, list[SignalRow], list[StepRow]]
"""record, score, signals, the links that led to it."""

SpaceRow: TypeAlias = tuple[str, int, str]
"""Identity of an embedding space: name, dimensions, metric."""

KeysRow: TypeAlias = tuple[npt.NDArray[np.float32], npt.NDArray[np.int64], SpaceRow]
"""Vectors, the position of the text each belongs to, their space."""

PendingRow: TypeAlias = tuple[str, int, str, str | None]
"""uid, version, text, speaker."""

OnceRow: TypeAlias = tuple[int, int]
"""A half-open range of microseconds."""

YearlyRow: TypeAlias = tuple[int, int, int, int]
"""The first month and day and the last, both inside, of every year."""

WhenRow: TypeAlias = tuple[
    list[OnceRow | YearlyRow],
    tuple[int, list[int], list[int], int | None] | None,  # the zone, see `zones`
    str | None,  # earliest or latest
]
"""What a question says of time."""
