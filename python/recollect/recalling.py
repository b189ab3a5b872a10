"""Recall in one namespace or in several: the query is embedded here, then the store is entered once."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import numpy.typing as npt

from recollect import _native
from recollect.checks import count_of, kinds_of, matrix, number_of, one_of, text_of, texts_of, unit
from recollect.derived import BELOW
from recollect.embedding.protocol import Vectors, embed, space_of
from recollect.errors import EmbedderMissing, InvalidArgument, WrongType
from recollect.filters import Filter, filter_text
from recollect.handle import Handle
from recollect.locale_words import may_speak_of_time
from recollect.migrating import aside
from recollect.packing import CountTokens, everything, in_order, packed, token_counter
from recollect.reading import interval, listed, times_asked, told
from recollect.records import Hit, Recall, Record, State
from recollect.rows import SpaceRow
from recollect.spaces import Open, for_query, for_vector, opened
from recollect.times import Time

if TYPE_CHECKING:
    from recollect.asked_time import Asked

__all__ = ["recall"]

FUSIONS = ("adaptive", "rrf", "convex")
SIGNALS = (
    "words",
    "vectors",
    "links",
    "replies",
    "speakers",
    "recency",
    "neighbours",
    "session",
    "context",
    "dates",
)
_DEFAULT = frozenset(SIGNALS)
_OF_TIME = ("dates", "order", "anchors")
MORE = ("order", "anchors")
"""Signals that take part where they are asked for."""
NATIVE = SIGNALS[2:-1]
"""Signals that the native half switches."""
CANDIDATES = 64
"""Least number of hits that a budget chooses from; up to it the choice is exact."""
MOST_HITS = 10_000
"""Most hits that the store returns; what does not fit in follows in the order of time."""
_PAGE = 256


def recall(
    handle: Handle,
    query: str | None,
    k: int = 10,
    *,
    vector: npt.ArrayLike | None = None,
    filter: Filter | None = None,
    kinds: object = None,
    between: object = None,
    budget: int | None = None,
    count_tokens: CountTokens | None = None,
    extract: bool = False,
    ordered: bool = False,
    fusion: str = "adaptive",
    weight: float | None = None,
    signals: Sequence[str] = SIGNALS,
    base_level: float = 0.0,
    min_base_level: float | None = None,
    reinforce: bool = False,
    held_back: bool = False,
    scope: object = "exact",
    recall_target: float = 0.99,
    explain: bool = True,
    valid_at: Time | None = None,
    known_at: Time | None = None,
    now: Time | None = None,
) -> Recall:
    """Return the best memories for a query; `held_back`: of those that decay or time to live hold back."""
    text = None if query is None else text_of(query, "query")
    wanted = count_of(k, "k", 1)
    as_of = times_asked(valid_at, known_at)
    if as_of[1] is not None and reinforce:
        raise InvalidArgument("reinforce: what was known at an earlier time cannot be used now")
    time = handle.now(now) if now is not None or as_of[1] is None else as_of[1]
    paths, below = _scope(handle, scope)
    named = _signals(signals)
    words, vectors = "words" in named, "vectors" in named
    limit = None if budget is None else count_of(budget, "budget", 1)
    tokens = token_counter(count_tokens)
    if extract and not text:
        raise InvalidArgument("extract: expected a query with words")
    if weight is not None and fusion != "convex":
        raise InvalidArgument("weight: only the fusion 'convex' has a weight")
    start, end = interval(between)
    asked = _asked_time(handle, text, now, time, named) if words and fusion == "adaptive" else None
    arguments: dict[str, Any] = {
        "text": text,
        "now": time,
        "filter": filter_text(filter),
        "kinds": kinds_of(kinds),
        "start": start,
        "end": end,
        "fusion": one_of(fusion, FUSIONS, "fusion"),
        "weight": None if weight is None else unit(weight, "weight"),
        "scope": paths,
        "below": below,
        **{name: name in named for name in NATIVE},
        "when": None if asked is None else asked.row(),
        "base_level": number_of(base_level, "base_level"),
        "least": None if min_base_level is None else number_of(min_base_level, "min_base_level"),
        "held_back": held_back,
        "recall_target": _recall_target(recall_target),
        "explain": bool(explain),
        "as_of": as_of,
    }
    if asked is not None and asked.clause is not None:
        same: dict[str, Any] = {"filter": filter, "kinds": kinds, "between": between, "scope": scope}
        same |= {"held_back": held_back, "now": time, "explain": False}
        same |= {"valid_at": as_of[0], "known_at": as_of[1]}
        alone = [name for name in ("words", "vectors") if name in named]
        known = recall(handle, asked.clause.text, 2, signals=alone, **same)
        asked.anchor_at(known.hits)
        arguments["when"] = asked.row()
    found, space, why_not = _query_vector(handle, text, vector, words, vectors, (paths, below))

    def ask(number: int) -> tuple[list[Hit], dict[str, Any], State, float]:
        rows, trace, state, confidence = _native.recall(
            handle.namespace,
            vector=found,
            space=space,
            words=words and text is not None,
            vectors=found is not None,
            k=number,
            **arguments,
        )
        found_hits = [Hit.from_native(row, rank) for rank, row in enumerate(rows, 1)]
        return found_hits, json.loads(trace), cast(State, state), confidence

    if limit is None:
        hits, trace, state, confidence = ask(wanted)
        hits = _extracted(handle, text, hits) if extract else hits
        exhaustive = False
    else:
        selection = {"filter": filter, "kind": kinds, "between": between, "now": time}
        selection |= {"valid_at": as_of[0], "known_at": as_of[1]}
        whole = everything(_pages(handle, paths, below, selection), tokens, limit)
        exhaustive = whole is not None
        if whole is not None:
            hits, trace, state, confidence = ask(min(max(len(whole), 1), MOST_HITS))
            hits = _completed(hits, whole)
            used, candidates = sum(tokens(hit.text) for hit in hits), len(hits)
        else:
            hits, trace, state, confidence = ask(max(wanted, CANDIDATES))
            candidates = len(hits)
            hits = _extracted(handle, text, hits) if extract else hits
            hits, used = packed(hits, tokens, limit)
        trace["budget"] = {"tokens": used, "of": limit, "candidates": candidates, "kept": len(hits)}
    trace["exhaustive"] = exhaustive
    trace["as_of"] = told(as_of)
    trace["time"] = _told(asked, trace.pop("dates"))
    trace["lexical_only"] = why_not
    trace["migration"] = aside(handle)
    trace["reinforced"] = _reinforce(handle, hits, time) if reinforce else 0
    return Recall(tuple(in_order(hits) if ordered else hits), trace, text, state, confidence)


def _extracted(handle: Handle, query: str | None, hits: list[Hit]) -> list[Hit]:
    """Return the hits with the places of the sentences that speak of the query."""
    assert query is not None
    found = _native.sentences(handle.namespace, query, [hit.text for hit in hits])
    return [replace(hit, spans=tuple(spans)) for hit, spans in zip(hits, found, strict=True)]


def _asked_time(
    handle: Handle, text: str | None, now: Time | None, time: int, signals: frozenset[str]
) -> "Asked | None":
    if text is None or signals.isdisjoint(_OF_TIME):
        return None
    language = handle.namespace.language()
    if language is None or not may_speak_of_time(text, language):
        return None
    # Only here: most questions have no time, and its patterns take a while to compile.
    from recollect.asked_time import asked_time, zone_in

    return asked_time(text, time, zone_in(now), language, signals)


def _told(asked: "Asked | None", counted: dict[str, Any]) -> dict[str, Any] | None:
    """Return what was understood of time, with the memories in scope that lie there."""
    if asked is None:
        return None
    each = zip(asked.spans, counted["each"], strict=True)
    return {
        "ranges": [{**span.as_dict(), "memories": count} for span, count in each],
        "memories": counted["memories"],
        "anchor": asked.anchor,
        "order": None if asked.order is None else dict(zip(("phrase", "prefers"), asked.order, strict=True)),
    }


def _reinforce(handle: Handle, hits: list[Hit], now: int) -> int:
    """Note that the hits were of use, except in a store that is open for reading only."""
    if handle.store.read_only:
        return 0
    by_namespace: dict[tuple[str, ...], list[str]] = {}
    for hit in hits:
        by_namespace.setdefault(hit.record.namespace, []).append(hit.uid)
    for path, uids in by_namespace.items():
        handle.store.namespace(list(path)).uses.reinforce(uids, together=0.0, now=now)
    return len(hits)


def _recall_target(value: object) -> float:
    target = unit(value, "recall_target")
    if target == 0:
        raise InvalidArgument("recall_target: expected a number above 0 and up to 1, found 0")
    return target


def _signals(signals: Sequence[str]) -> frozenset[str]:
    if signals is SIGNALS:
        return _DEFAULT
    named = texts_of(signals, "signals")
    for at, name in enumerate(named):
        one_of(name, (*SIGNALS, *MORE), f"signals[{at}]")
    if not {"words", "vectors"}.intersection(named):
        raise InvalidArgument("signals: expected at least one of words, vectors")
    return frozenset(named)


def _query_vector(
    handle: Handle,
    text: str | None,
    vector: npt.ArrayLike | None,
    words: bool,
    vectors: bool,
    scope: tuple[list[list[str]] | None, bool],
) -> tuple[Vectors | None, SpaceRow | None, str | None]:
    """Return the vector of a query, its space, and why there is none."""
    if not text and vector is None:
        raise InvalidArgument("query: expected a text, or a vector in `vector`")
    if vector is not None and not vectors:
        raise InvalidArgument("vector: `signals` leaves vectors out")
    if not vectors:
        return None, None, "signals leaves vectors out"
    spaces = _spaces(handle, *scope) if handle.others else []
    if vector is not None:
        one = None if handle.others else handle.embedder
        rows = matrix(vector, "vector", None if one is None else space_of(one)[1])
        if len(rows) != 1:
            raise InvalidArgument(f"vector: expected the shape (d,), found {rows.shape}")
        return rows[0], for_vector(handle, spaces, rows.shape[1]), None
    embedder, common = for_query(handle, spaces)
    if not common and len(spaces) > 1 and words:
        return None, None, "the namespaces in scope have no embedding space in common"
    if embedder is None:
        if not words:
            raise EmbedderMissing(
                "a recall by vectors alone needs `vector`, or a store opened with an embedder"
            )
        return None, None, "the store was opened without an embedder"
    assert text is not None
    row = embed(embedder, [text])[0]
    if not row.any():
        return None, None, "the embedder finds nothing in the query"
    return row, space_of(embedder), None


def _spaces(handle: Handle, paths: list[list[str]] | None, below: bool) -> list[Open]:
    """Return the spaces that are open in each namespace in scope."""
    if paths is None:
        if not below:
            return [opened(handle)]
        paths = handle.store.namespaces(list(handle.path))
    return [opened(replace(handle, namespace=handle.store.namespace(path))) for path in paths]


def _scope(handle: Handle, scope: object) -> tuple[list[list[str]] | None, bool]:
    if isinstance(scope, str):
        if one_of(scope, ("exact", "below"), "scope") == "exact":
            return None, False
        all_paths = handle.store.namespaces(list(handle.path))
        told = [path for path in all_paths if BELOW not in path[len(handle.path) :]]
        # Summaries say again what memories say; who wants them names their namespace.
        return (told or [list(handle.path)], False) if all_paths else (None, True)
    if not isinstance(scope, Sequence):
        raise WrongType(f"scope: expected 'exact', 'below' or a list of paths, found {type(scope).__name__}")
    if not scope:
        raise InvalidArgument("scope: expected at least one path")
    paths: list[list[str]] = []
    for at, path in enumerate(scope):
        absolute = [*handle.path, *texts_of(path, f"scope[{at}]")]
        if absolute not in paths:
            paths.append(absolute)
    return paths, False


def _pages(
    handle: Handle, paths: list[list[str]] | None, below: bool, selection: dict[str, Any]
) -> Iterator[list[Record]]:
    """Yield all memories in scope, in pages."""
    if paths is None:
        paths = handle.store.namespaces(list(handle.path)) if below else [list(handle.path)]
    for path in paths:
        one = Handle(handle.store, handle.store.namespace(path), tuple(path), None, handle.clock)
        offset = 0
        while page := listed(one, **selection, limit=_PAGE, offset=offset):
            yield page
            offset += len(page)
            if len(page) < _PAGE:
                break


def _completed(hits: list[Hit], whole: list[Record]) -> list[Hit]:
    """Return the hits, and after them whatever is in scope and was not found, in the order of time."""
    found = {hit.uid for hit in hits}
    rest = (record for record in whole if record.uid not in found)
    return hits + [Hit(record, 0.0, rank) for rank, record in enumerate(rest, len(hits) + 1)]
