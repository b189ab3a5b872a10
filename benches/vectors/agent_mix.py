"""Reads and writes mixed, one operation a call: operations a second, recall at that moment, slow calls."""

import dataclasses
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from benches.vectors.catalogue import OURS, Entry
from benches.vectors.contender import AIMS, LESS, THREADS, contender, place_of, reason
from benches.vectors.data.vector_set import Asked, VectorSet
from benches.vectors.engine import label
from benches.vectors.exact import nearest
from benches.vectors.mix_player import BLOCK, MixPlayer, Tally
from benches.vectors.operating_points import Choice
from benches.vectors.operations import SHARES, Kind, operations
from benches.vectors.row import VectorRow

WORK = "agent mix"

_FINER = (0.97, 0.997)
"""More recalls for recollect: peers end a little above what they aim at, and are met by one above theirs."""

_BLOCKS = len(AIMS) + len(_FINER)
"""The most of an engine in a round."""


def spare_for(rounds: int) -> int:
    """Return how many vectors are held back to be inserted in so many rounds."""
    return int(rounds * _BLOCKS * BLOCK * SHARES[Kind.INSERT] * 1.1) + 100


def agent_mix(
    entries: Iterable[Entry],
    vectors: VectorSet,
    rounds: int,
    folder: Path,
    seconds: float,
    ef_construction: int,
) -> list[VectorRow]:
    """Return the rows of all engines for each aim.

    Parameters
    ----------
    entries
        The engines.
    vectors
        Those of the start, and behind them as many as `spare_for` says, to be inserted.
    rounds
        In each every engine does a block of operations for each aim; recollect has two aims more.
    folder
        For engines with files.
    seconds
        The most that a block may take.
    ef_construction
        Of the graphs; their inserts get slower with it.
    """
    start = len(vectors.base) - spare_for(rounds)
    beginning = _beginning(vectors, start)
    print(f"{WORK}, {start} x {vectors.base.shape[1]}", file=sys.stderr, flush=True)
    queries = np.concatenate([vectors.choosing.queries, vectors.asked.queries])
    listed = operations(rounds * _BLOCKS * BLOCK, start, len(queries))
    every = vectors.base[: len(listed.inserted_at)]
    players: list[MixPlayer] = []
    rows: list[VectorRow] = []
    for entry in entries:
        place = place_of(entry, vectors.base.shape[1], len(vectors.base), folder, ef_construction)
        try:
            ready = contender(entry, beginning, place, sorted(_aims_of(entry)))
            players.append(MixPlayer(ready, every, queries, listed))
        except Exception as error:  # a peer that fails is a row of the tables
            rows.append(_failed(entry, vectors, start, reason(error)))
    for turn in range(rounds):
        print(f"  round {turn + 1} of {rounds}", file=sys.stderr, flush=True)
        for at in range(len(players)):
            player = players[(at + turn) % len(players)]
            try:
                for choice in player.ready.chosen if player.failed is None else ():
                    if choice.reached:
                        player.play(choice, seconds)
            except Exception as error:  # so is one that fails on its way
                player.failed = reason(error)
    for player in players:
        if player.failed is not None:
            rows.append(_failed(player.ready.entry, vectors, start, player.failed))
        for choice in player.ready.chosen if player.failed is None else ():
            rows.append(
                _row(player, choice, vectors, start) if choice.reached else _missed(player, choice, start)
            )
        player.ready.close()
    return rows


def _aims_of(entry: Entry) -> tuple[float, ...]:
    return (*AIMS, *_FINER) if entry.name.startswith(OURS) else AIMS


def _beginning(vectors: VectorSet, start: int) -> VectorSet:
    """Return the vectors of the start, with the true neighbours among them."""
    base = vectors.base[:start]
    choosing, asked = (
        Asked(part.queries, nearest(base, part.queries)[0]) for part in (vectors.choosing, vectors.asked)
    )
    return dataclasses.replace(vectors, base=base, choosing=choosing, asked=asked)


def _failed(entry: Entry, vectors: VectorSet, start: int, why: str) -> VectorRow:
    return VectorRow(WORK, entry.name, start, vectors.base.shape[1], data=vectors.name, failed=why)


def _missed(player: MixPlayer, choice: Choice, start: int) -> VectorRow:
    found = choice.found
    return VectorRow(
        WORK,
        player.ready.entry.name,
        start,
        player.rows.shape[1],
        found.recall,
        aim=choice.aim,
        setting=label(found.point),
        failed=LESS,
    )


def _row(player: MixPlayer, choice: Choice, vectors: VectorSet, start: int) -> VectorRow:
    ready, tally = player.ready, player.tallies[choice.aim]
    search, insert, delete = (_percentiles(tally, kind) for kind in Kind)
    return VectorRow(
        WORK,
        ready.entry.name,
        start,
        vectors.base.shape[1],
        float(np.mean(tally.recalls)),
        search[0],
        search[1],
        ready.build_s,
        ready.bytes_per_item,
        float(np.median(tally.rates)),
        data=vectors.name,
        aim=choice.aim,
        setting=label(choice.found.point),
        threads=THREADS,
        p99_us=search[2],
        insert_p50_us=insert[0],
        insert_p99_us=insert[2],
        delete_p50_us=delete[0],
        delete_p99_us=delete[2],
        deleted_returned=tally.deleted_returned,
        hnsw=ready.entry.hnsw,
        remark=ready.engine.remark,
    )


def _percentiles(tally: Tally, kind: Kind) -> tuple[float | None, float | None, float | None]:
    times = tally.times[kind]
    if not times:
        return None, None, None
    p50, p95, p99 = (float(value) for value in np.percentile(times, [50, 95, 99]))
    return p50, p95, p99
