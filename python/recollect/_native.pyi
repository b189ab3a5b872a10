"""Types of the native half; `mypy.stubtest` proves them."""

import builtins
from collections.abc import Callable
from os import PathLike
from typing import final

import numpy as np
import numpy.typing as npt

from recollect.rows import (
    AsOfRow,
    ChangeRow,
    ClaimRow,
    HitRow,
    KeysRow,
    OutcomeRow,
    PendingRow,
    RecordRow,
    SpaceRow,
    WhenRow,
)

__all__ = [
    "Claims",
    "Facts",
    "Graph",
    "History",
    "Links",
    "LshIndex",
    "Migration",
    "Namespace",
    "RabitqCodes",
    "Segmenter",
    "Store",
    "Timeline",
    "Uses",
    "VectorIndex",
    "activation_lowest",
    "activation_of_ages",
    "activation_rehearse",
    "activation_sampled_below",
    "graph_standing_out",
    "kvcache_attend",
    "kvcache_cosines",
    "kvcache_decoded",
    "kvcache_directions",
    "kvcache_float8_codes",
    "kvcache_gather",
    "kvcache_lag_relative",
    "kvcache_lengths",
    "kvcache_move_front",
    "kvcache_products",
    "kvcache_received",
    "kvcache_select",
    "kvcache_turned_codes",
    "kvcache_weighted_sums",
    "kvcache_whole_codes",
    "lsh_collision",
    "pack",
    "recall",
    "segmentation_merge",
    "segmentation_segment",
    "sentences",
    "version",
]

def recall(
    namespace: Namespace,
    *,
    text: str | None = None,
    vector: npt.NDArray[np.float32] | None = None,
    space: SpaceRow | None = None,
    k: int = 10,
    now: int,
    filter: str | None = None,
    kinds: list[str] | None = None,
    start: int | None = None,
    end: int | None = None,
    fusion: str = "adaptive",
    weight: float | None = None,
    words: bool = True,
    vectors: bool = True,
    links: bool = True,
    replies: bool = True,
    speakers: bool = True,
    recency: bool = True,
    neighbours: bool = True,
    session: bool = True,
    context: bool = True,
    when: WhenRow | None = None,
    base_level: float = 0.0,
    least: float | None = None,
    held_back: bool = False,
    recall_target: float = ...,
    explain: bool = True,
    scope: list[list[str]] | None = None,
    below: bool = False,
    as_of: AsOfRow = ...,
) -> tuple[list[HitRow], str, str, float]: ...

@final
class Store:
    @staticmethod
    def open(
        path: str | None, *, create: bool, read_only: bool, durability: str, language: str | None, keep: str
    ) -> Store: ...
    @property
    def path(self) -> PathLike[str] | None: ...
    @property
    def read_only(self) -> bool: ...
    @property
    def closed(self) -> bool: ...
    def namespace(self, path: list[str], keep: str | None = None) -> Namespace: ...
    def namespaces(self, prefix: list[str]) -> list[list[str]]: ...
    def verify(self) -> tuple[int, int, int, list[str]]: ...
    def backup(self, path: str, progress: Callable[[int, int], object] | None = None) -> None: ...
    def stats(self) -> str: ...
    def checkpoint(self) -> None: ...
    def close(self) -> None: ...

@final
class Namespace:
    @property
    def path(self) -> builtins.list[str]: ...
    @property
    def migration(self) -> Migration: ...
    @property
    def links(self) -> Links: ...
    @property
    def uses(self) -> Uses: ...
    @property
    def claims(self) -> Claims: ...
    def add(
        self,
        texts: builtins.list[str],
        *,
        now: int,
        kind: str,
        starts: builtins.list[int | None] | None = None,
        ends: builtins.list[int | None] | None = None,
        speakers: builtins.list[str | None] | None = None,
        sessions: builtins.list[str | None] | None = None,
        metadata: builtins.list[str | None] | None = None,
        tags: builtins.list[builtins.list[str]] | None = None,
        turns: builtins.list[int | None] | None = None,
        importance: builtins.list[float] | None = None,
        confidence: builtins.list[float] | None = None,
        keys: builtins.list[str | None] | None = None,
        ttl: int | None = None,
        sliding: bool = False,
        source: str = ...,
        principal: str = ...,
        trust: float = 1.0,
        parents: builtins.list[builtins.list[str]] | None = None,
        vectors: npt.NDArray[np.float32] | None = None,
        owners: npt.NDArray[np.int64] | None = None,
        space: SpaceRow | None = None,
        beside: KeysRow | None = None,
        keep_duplicates: bool = False,
        claim: ClaimRow | None = None,
    ) -> builtins.list[OutcomeRow]: ...
    def update(
        self,
        uid: str,
        *,
        now: int,
        text: str | None = None,
        kind: str | None = None,
        metadata: str | None = None,
        tags: builtins.list[str] | None = None,
        start: int | None = None,
        end: int | None = None,
        importance: float | None = None,
        confidence: float | None = None,
        vectors: npt.NDArray[np.float32] | None = None,
        space: SpaceRow | None = None,
        beside: KeysRow | None = None,
        expect_version: int | None = None,
        key: str | None = None,
        reason: str = ...,
    ) -> OutcomeRow: ...
    def delete(
        self, uids: builtins.list[str], *, now: int, reason: str = ""
    ) -> builtins.list[OutcomeRow]: ...
    def noop(self, reason: str, *, uid: str | None = None, now: int) -> OutcomeRow: ...
    def forget(self, uids: builtins.list[str], *, now: int) -> str: ...
    def get(self, uid: str, *, version: int | None = None, now: int) -> RecordRow: ...
    def vectors(
        self, uids: builtins.list[str], *, now: int
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64], SpaceRow | None]: ...
    def history(self, uid: str) -> builtins.list[ChangeRow]: ...
    def list(
        self,
        *,
        now: int,
        filter: str | None = None,
        kinds: builtins.list[str] | None = None,
        start: int | None = None,
        end: int | None = None,
        order: str = "time",
        limit: int | None = None,
        offset: int = 0,
        as_of: AsOfRow = ...,
    ) -> builtins.list[RecordRow]: ...
    def count(
        self,
        *,
        now: int,
        filter: str | None = None,
        kinds: builtins.list[str] | None = None,
        start: int | None = None,
        end: int | None = None,
        as_of: AsOfRow = ...,
    ) -> int: ...
    def around(
        self,
        *,
        at: int | None = None,
        uid: str | None = None,
        k: int = 10,
        kinds: builtins.list[str] | None = None,
        now: int,
    ) -> builtins.list[RecordRow]: ...
    def language(self) -> str | None: ...
    def stats(self) -> str: ...

@final
class Migration:
    def spaces(self) -> tuple[SpaceRow | None, SpaceRow | None, int, int]: ...
    def start(self, space: SpaceRow, *, now: int) -> bool: ...
    def pending(self, space: SpaceRow, limit: int) -> builtins.list[PendingRow]: ...
    def embed(
        self,
        memories: builtins.list[tuple[str, int]],
        *,
        vectors: npt.NDArray[np.float32],
        owners: npt.NDArray[np.int64],
        space: SpaceRow,
        now: int,
    ) -> None: ...
    def abandon(self, *, now: int) -> bool: ...

@final
class Claims:
    def about(
        self,
        subject: str,
        *,
        predicate: str | None = None,
        as_of: AsOfRow = ...,
        between: tuple[int | None, int | None] = ...,
        limit: int | None = None,
        now: int,
    ) -> list[RecordRow]: ...
    def conflicts(
        self, metadata: str, *, start: int | None = None, end: int | None = None, now: int
    ) -> list[RecordRow]: ...
    def ever(self, subject: str, predicate: str | None = None) -> list[str]: ...
    def supported_only_by(self, uids: list[str], *, now: int) -> list[str]: ...

@final
class Links:
    def link(
        self,
        src: list[str],
        dst: list[str],
        *,
        relation: list[str],
        weight: list[float],
        at: list[int | None],
        source: str,
        trust: float,
        now: int,
    ) -> None: ...
    def unlink(self, src: str, dst: str, *, relation: str | None = None, now: int) -> int: ...
    def strengthen(self, src: str, dst: str, *, relation: str, by: float, now: int) -> float: ...
    def neighbours(
        self, uid: str, *, direction: str = "both", relations: list[str] | None = None, now: int
    ) -> list[tuple[str, bool, str, float, int, bool]]: ...
    def all(
        self, *, now: int
    ) -> tuple[list[tuple[str, bool]], list[tuple[int, int, str, float, int, bool]]]: ...

@final
class Uses:
    def reinforce(self, uids: list[str], *, together: float, now: int) -> None: ...
    def feedback(self, uids: list[str], reward: float, *, now: int) -> None: ...
    def pin(self, uids: list[str], pinned: bool, *, now: int) -> None: ...
    def of(
        self, uids: list[str], *, decay: float, now: int
    ) -> list[tuple[int, int, list[int], float, int, int, float, bool]]: ...
    def all(
        self,
        *,
        decay: float,
        now: int,
        filter: str | None = None,
        kinds: list[str] | None = None,
        start: int | None = None,
        end: int | None = None,
    ) -> tuple[
        list[str],
        npt.NDArray[np.int64],
        npt.NDArray[np.int64],
        npt.NDArray[np.uint32],
        npt.NDArray[np.float64],
        npt.NDArray[np.float32],
        npt.NDArray[np.bool_],
    ]: ...

def sentences(
    namespace: Namespace, query: str, texts: builtins.list[str]
) -> builtins.list[builtins.list[tuple[int, int]]]: ...
def pack(scores: list[float], tokens: list[int], budget: int) -> list[int]: ...
def version() -> str: ...

@final
class LshIndex:
    def __new__(
        cls, dim: int, *, family: str, bits: int, active: int, tables: int, metric: str, seed: int
    ) -> LshIndex: ...
    def __len__(self) -> int: ...
    def contains(self, id: int) -> bool: ...
    def add(
        self, vectors: npt.NDArray[np.float32], ids: npt.NDArray[np.int64] | None = None
    ) -> npt.NDArray[np.int64]: ...
    def remove(self, ids: npt.NDArray[np.int64]) -> None: ...
    def update(self, ids: npt.NDArray[np.int64], vectors: npt.NDArray[np.float32]) -> None: ...
    def search(
        self, queries: npt.NDArray[np.float32], k: int, *, probes: int, most: int | None = None
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32], npt.NDArray[np.int64]]: ...
    def candidates(
        self, query: npt.NDArray[np.float32], *, probes: int, most: int | None = None
    ) -> npt.NDArray[np.int64]: ...
    def near_duplicates(
        self, threshold: float, miss: float, most: int
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]: ...
    def stats(self) -> tuple[int, int, int, int, int, int, int]: ...

@final
class VectorIndex:
    def __new__(cls, dim: int, metric: str, keep: str) -> VectorIndex: ...
    @staticmethod
    def load(path: str) -> VectorIndex: ...
    def save(self, path: str) -> None: ...
    @property
    def dim(self) -> int: ...
    @property
    def metric(self) -> str: ...
    @property
    def keep(self) -> str: ...
    def __len__(self) -> int: ...
    def contains(self, id: int) -> bool: ...
    def ids(self) -> npt.NDArray[np.int64]: ...
    def vectors(self, ids: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]: ...
    def add(
        self, vectors: npt.NDArray[np.float32], ids: npt.NDArray[np.int64] | None = None
    ) -> npt.NDArray[np.int64]: ...
    def update(self, ids: npt.NDArray[np.int64], vectors: npt.NDArray[np.float32]) -> None: ...
    def remove(self, ids: npt.NDArray[np.int64]) -> int: ...
    def search(
        self,
        query: npt.NDArray[np.float32],
        k: int,
        recall: float | None = None,
        allow: npt.NDArray[np.int64] | None = None,
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]: ...
    def search_many(
        self,
        queries: npt.NDArray[np.float32],
        k: int,
        recall: float | None = None,
        allow: npt.NDArray[np.int64] | None = None,
        threads: int | None = None,
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]: ...
    def plan(
        self, k: int, recall: float | None = None, allow: npt.NDArray[np.int64] | None = None
    ) -> tuple[str, int, int, float, float]: ...
    def stats(self) -> tuple[int, int, int, str]: ...

def lsh_collision(
    family: str, similarity: float, bits: int, active: int, tables: int
) -> tuple[float, float]: ...

@final
class RabitqCodes:
    @staticmethod
    def encode(vectors: npt.NDArray[np.float32], dim: int, bits: int, seed: int) -> RabitqCodes: ...
    @staticmethod
    def of_parts(
        planes: npt.NDArray[np.uint64],
        factors: npt.NDArray[np.float32],
        norms: npt.NDArray[np.float32],
        cosines: npt.NDArray[np.float32],
        dim: int,
        bits: int,
        seed: int,
    ) -> RabitqCodes: ...
    def __len__(self) -> int: ...
    def parts(
        self,
    ) -> tuple[
        npt.NDArray[np.uint64],
        npt.NDArray[np.float32],
        npt.NDArray[np.float32],
        npt.NDArray[np.float32],
    ]: ...
    def estimate(
        self, query: npt.NDArray[np.float32]
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]: ...
    def search(
        self, queries: npt.NDArray[np.float32], k: int
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]: ...

_Id = str | int
_Ids = npt.NDArray[np.int64] | list[_Id]
_EdgeRow = tuple[_Id, _Id, str, float, int, str | None, bool]
_Follow = tuple[list[str] | None, str, bool]
_Spread = tuple[int, float, float, str, float, int, str]
_Which = tuple[list[tuple[str, float]] | None, bool, int | None, int | None]
_Limits = tuple[int | None, float, int, bool]
_Found = tuple[list[_Id], npt.NDArray[np.float32], int, int, int, bool, float, float | None]

@final
class Graph:
    def __new__(cls, max_degree: int | None = None) -> Graph: ...
    @staticmethod
    def load(path: str) -> Graph: ...
    def save(self, path: str) -> None: ...
    def __len__(self) -> int: ...
    def contains(self, node: _Id) -> bool: ...
    def nodes(self) -> list[_Id]: ...
    def add_nodes(self, nodes: _Ids, trusted: bool) -> int: ...
    def set_trusted(self, nodes: _Ids, trusted: bool) -> None: ...
    def link(
        self,
        src: _Id,
        dst: _Id,
        relation: str,
        weight: float,
        time: int,
        source: str | None,
        trusted: bool,
    ) -> tuple[str, _EdgeRow | None]: ...
    def link_many(
        self,
        src: _Ids,
        dst: _Ids,
        relations: list[str],
        codes: npt.NDArray[np.uint32],
        weights: npt.NDArray[np.float32],
        times: npt.NDArray[np.int64],
        source: str | None,
        trusted: bool,
    ) -> tuple[int, int, list[_EdgeRow]]: ...
    def unlink(self, src: _Id, dst: _Id, relation: str) -> bool: ...
    def strengthen(self, src: _Id, dst: _Id, relation: str, by: float, time: int) -> float: ...
    def edge(self, src: _Id, dst: _Id, relation: str) -> _EdgeRow | None: ...
    def edges(self, node: _Id, into: bool) -> list[_EdgeRow]: ...
    def remove(self, nodes: _Ids) -> int: ...
    def merge(self, into: _Id, node: _Id) -> list[_EdgeRow]: ...
    def insert_hyperedge(self, id: _Id, members: _Ids, text: str, time: int, trusted: bool) -> None: ...
    def update_hyperedge(self, id: _Id, text: str | None, add: _Ids, remove: _Ids) -> None: ...
    def merge_hyperedges(self, parents: _Ids, id: _Id, text: str, time: int) -> None: ...
    def hyperedge(self, id: _Id) -> tuple[list[_Id], str, int, list[_Id], bool, bool] | None: ...
    def incident(self, nodes: _Ids) -> list[tuple[_Id, int]]: ...
    def stats(self) -> tuple[int, int, int, int, int, list[str]]: ...
    def neighbours(self, nodes: _Ids, hops: int, how: _Follow) -> list[tuple[_Id, int]]: ...
    def closure(self, node: _Id, how: _Follow) -> list[_Id]: ...
    def shortest_path(
        self, src: _Id, dst: _Id, length: str, how: _Follow
    ) -> tuple[list[_Id], float] | None: ...
    def toposort(self, how: _Follow) -> list[_Id]: ...
    def propagate(self, node: _Id, how: _Follow) -> list[_Id]: ...
    def dirty(self) -> list[_Id]: ...
    def clean(self, nodes: _Ids) -> int: ...
    def requirements(
        self, item: _Id, amount: float, relation: str, yields: list[tuple[_Id, float]]
    ) -> list[tuple[_Id, float, int]]: ...
    def communities(self, method: str, resolution: float, seed: int, how: _Follow) -> list[list[_Id]]: ...
    def activate(
        self,
        seeds: list[tuple[_Id, float]],
        spread: _Spread,
        which: _Which,
        limits: _Limits,
        max_microseconds: int | None,
    ) -> _Found: ...
    def activate_many(
        self,
        queries: list[list[tuple[_Id, float]]],
        spread: _Spread,
        which: _Which,
        limits: _Limits,
        threads: int | None,
    ) -> list[_Found]: ...
    def activate_exactly(
        self, seeds: list[tuple[_Id, float]], spread: _Spread, which: _Which
    ) -> tuple[list[_Id], npt.NDArray[np.float64]]: ...
    def evoke(
        self,
        seeds: list[tuple[_Id, float]],
        table: list[list[tuple[str, str, int]]],
        factor: float,
        trusted: bool,
    ) -> list[tuple[_Id, float, _Id, int]]: ...

@final
class History:
    def __new__(cls, at: int, turn: int) -> History: ...
    def touch(self, at: int, turn: int) -> None: ...
    def summary(self) -> tuple[int, int, list[int], float, int, int]: ...
    def base_level(self, now: int, decay: float, recent: int, optimised: bool) -> float: ...
    def ebbinghaus(self, now: int, unit: float) -> float: ...
    def exponential(self, turn: int, scale: float, rate: float, bonus: float, window: int) -> float: ...
    def power_law(self, now: int, exponent: float, unit: float) -> float: ...

def activation_lowest(activations: list[float], share: float) -> list[int]: ...
def activation_of_ages(ages: list[float], decay: float) -> float: ...
def activation_rehearse(ages: list[float], m: int, exponent: float, seed: int) -> list[int]: ...
def activation_sampled_below(retentions: list[float], seed: int) -> list[int]: ...
def graph_standing_out(scores: list[float]) -> list[int]: ...

_NodeKey = tuple[int, int, int, int]
_NodeRow = tuple[
    _NodeKey,
    str,
    _NodeKey | None,
    int,
    int,
    int,
    int,
    float,
    str,
    str | None,
    tuple[str | None, int | None],
]
_ItemRow = tuple[int | None, _NodeRow | None]
_Words = list[tuple[str, int]]
_ZoneRow = tuple[int, list[int], list[int], int | None]
_Int64 = npt.NDArray[np.int64]
_Float32 = npt.NDArray[np.float32]

@final
class Timeline:
    def __new__(cls, levels: list[str], gap: int, dim: int, terms: int, changes: _ZoneRow) -> Timeline: ...
    @staticmethod
    def load(path: str) -> Timeline: ...
    def save(self, path: str) -> None: ...
    def __len__(self) -> int: ...
    def contains(self, id: int) -> bool: ...
    def settings(self) -> tuple[list[str], int]: ...
    def stats(self) -> tuple[int, int, list[tuple[str, int, int, int]]]: ...
    def append(
        self,
        start: int,
        end: int,
        salience: float,
        session: str | None,
        segment: int | None,
        id: int | None,
        vector: _Float32 | None,
        words: _Words | None,
    ) -> tuple[int, int]: ...
    def extend(
        self,
        starts: _Int64,
        ends: _Int64,
        salience: _Float32,
        sessions: list[str],
        codes: _Int64 | None,
        segments: _Int64 | None,
        ids: _Int64 | None,
        vectors: _Float32 | None,
        words: list[_Words] | None,
    ) -> tuple[_Int64, int]: ...
    def remove(self, ids: _Int64) -> int: ...
    def event(self, id: int) -> tuple[int, int, float]: ...
    def between(self, start: int, end: int, limit: int, backwards: bool) -> _Int64: ...
    def count(self, start: int, end: int) -> int: ...
    def nearest(self, at: int, k: int) -> _Int64: ...
    def ids(self) -> _Int64: ...
    def advance(self, watermark: int) -> list[_NodeRow]: ...
    def unfinished(self) -> list[_NodeRow]: ...
    def nodes(self, level: int, start: int, end: int) -> list[_NodeRow]: ...
    def node(self, node: _NodeKey) -> _NodeRow: ...
    def ancestors(self, which: int | _NodeKey) -> list[_NodeRow]: ...
    def children(self, node: _NodeKey) -> list[_ItemRow]: ...
    def events_of(self, node: _NodeKey, limit: int) -> _Int64: ...
    def neighbours(self, which: int | _NodeKey, count: int) -> tuple[list[_ItemRow], list[_ItemRow]]: ...
    def previous(self, node: _NodeKey, count: int) -> list[_NodeRow]: ...
    def set_text(self, node: _NodeKey, text: str | None) -> None: ...
    def mean(self, node: _NodeKey) -> _Float32: ...
    def terms(self, node: _NodeKey) -> _Words: ...
    def step(
        self,
        found: list[int | _NodeKey] | None,
        query: tuple[_Float32 | None, list[str], float, tuple[int, int] | None],
        beam: int,
    ) -> tuple[int, int, list[tuple[_ItemRow, float]]]: ...
    def climb(self, events: _Int64, scores: _Float32, budgets: list[int]) -> list[tuple[_NodeRow, float]]: ...
    def with_neighbours(
        self, hits: _Int64, budget: int, reach: int, share: float
    ) -> list[tuple[int, int | None]]: ...
    def blocks(self, size: int, by: str, count: int) -> tuple[_Int64, _Int64, _Int64, _Int64, _Float32]: ...
    def node_blocks(
        self, level: int, by: str, count: int
    ) -> tuple[_Int64, _Int64, _Int64, _Int64, _Float32]: ...
    def vectors(self, events: _Int64) -> _Float32: ...
    def vectors_of(self, node: _NodeKey) -> tuple[_Int64, _Float32]: ...
    @staticmethod
    def following(
        levels: list[str],
        gap: int,
        terms: int,
        changes: _ZoneRow,
        vectors: bool,
        row: tuple[float, float, int, int, int, int | None],
        kinds: list[str] | None,
    ) -> Timeline: ...
    def follow(self, namespace: Namespace, now: int) -> bool: ...
    def records(self, namespace: Namespace, events: _Int64) -> list[tuple[int, RecordRow]]: ...
    def events(self, namespace: Namespace, uids: list[str]) -> _Int64: ...
    def digest(self, namespace: Namespace, node: _NodeKey) -> str: ...
    def terms_in(self, namespace: Namespace, text: str) -> list[str]: ...

_FactRow = tuple[int, str, str, str, int, int, int, int, float, list[str]]
_PatternRow = tuple[str | None, str | None, str | None]
_ClaimRow = tuple[str, str, str, int, int, float, str | None]
_AddedRow = tuple[list[int], list[int], list[int], bool]

@final
class Facts:
    def __new__(cls) -> Facts: ...
    @staticmethod
    def load(path: str) -> Facts: ...
    def save(self, path: str) -> None: ...
    def __len__(self) -> int: ...
    def stats(self) -> tuple[int, int, int]: ...
    def set_many(self, predicate: str, many: bool) -> None: ...
    def conflicts(self, new: _ClaimRow) -> list[_FactRow]: ...
    def put(
        self, new: _ClaimRow, policy: str, verdicts: list[tuple[int, str]] | None, now: int
    ) -> _AddedRow: ...
    def put_many(
        self,
        names: tuple[list[str], list[str], list[str]],
        starts: _Int64,
        ends: _Int64,
        times: _Int64,
        confidence: _Float32,
        sources: list[str | None] | None,
        policy: str,
    ) -> int: ...
    def retract(self, which: _PatternRow, start: int, end: int, now: int) -> _AddedRow: ...
    def find(self, which: _PatternRow, start: int, end: int, recorded: int) -> list[_FactRow]: ...
    def value(self, subject: str, predicate: str, valid: int, recorded: int) -> str | None: ...
    def history(self, which: _PatternRow) -> list[_FactRow]: ...
    def contradictions(self, which: _PatternRow, recorded: int) -> list[tuple[_FactRow, _FactRow]]: ...
    def fact(self, number: int) -> _FactRow: ...
    def supported_by(self, source: str) -> list[_FactRow]: ...
    def withdraw(self, source: str) -> list[_FactRow]: ...

_RulesRow = tuple[float, float, int, int, int, int | None]

@final
class Segmenter:
    def __new__(cls, row: _RulesRow) -> Segmenter: ...
    def __len__(self) -> int: ...
    def surprise(self) -> float | None: ...
    def push(
        self, vector: _Float32 | None, surprise: float | None, time: int | None, size: int
    ) -> tuple[int, list[str]] | None: ...

def segmentation_segment(
    count: int,
    vectors: _Float32,
    dim: int,
    surprises: npt.NDArray[np.float64],
    times: _Int64,
    sizes: npt.NDArray[np.uint64],
    row: _RulesRow,
    topics: tuple[int, float] | None,
    refine: str | None,
) -> tuple[_Int64, list[list[str]], _Float32]: ...
def segmentation_merge(
    vectors: _Float32,
    dim: int,
    starts: _Int64,
    ends: _Int64,
    nearest: int,
    cosine: float,
    gap: int,
) -> _Int64: ...
def kvcache_whole_codes(
    rows: npt.NDArray[np.float32] | npt.NDArray[np.uint16],
    form: str,
    lengths: npt.NDArray[np.int64] | None,
    bits: int,
    by_token: bool,
    group: int,
    threads: int,
) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint16], npt.NDArray[np.uint16]] | None: ...
def kvcache_float8_codes(
    rows: npt.NDArray[np.float32] | npt.NDArray[np.uint16],
    form: str,
    lengths: npt.NDArray[np.int64] | None,
    shared: str,
    block: int,
    threads: int,
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint16]] | None: ...
def kvcache_turned_codes(
    rows: npt.NDArray[np.float32] | npt.NDArray[np.uint16],
    form: str,
    lengths: npt.NDArray[np.int64] | None,
    bits: int,
    block: int,
    signs: npt.NDArray[np.float32],
    threads: int,
) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint16], npt.NDArray[np.uint16]] | None: ...

_KvPart = tuple[npt.NDArray[np.float32] | npt.NDArray[np.uint16], str]

def kvcache_lengths(
    keys: _KvPart,
    values: _KvPart | None,
    present: npt.NDArray[np.bool_],
    of_values: bool,
    order: int,
    threads: int,
) -> npt.NDArray[np.float32]: ...
def kvcache_directions(
    keys: _KvPart, values: _KvPart | None, present: npt.NDArray[np.bool_], threads: int
) -> tuple[npt.NDArray[np.float64], list[int]]: ...
def kvcache_cosines(
    keys: _KvPart,
    values: _KvPart | None,
    present: npt.NDArray[np.bool_],
    directions: npt.NDArray[np.float32],
    threads: int,
) -> npt.NDArray[np.float32]: ...
def kvcache_lag_relative(
    keys: _KvPart,
    values: _KvPart,
    present: npt.NDArray[np.bool_],
    n_sink: int,
    lag: int,
    eps: float,
    threads: int,
) -> npt.NDArray[np.float32]: ...
def kvcache_select(
    scores: npt.NDArray[np.float32],
    tokens: int,
    limits: list[int],
    n_sink: int,
    n_recent: int,
    threshold: float | None,
    threads: int,
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]: ...
def kvcache_gather(
    rows: npt.NDArray[np.unsignedinteger],
    places: npt.NDArray[np.int32],
    bounds: npt.NDArray[np.int32],
    threads: int,
) -> npt.NDArray[np.unsignedinteger]: ...
def kvcache_move_front(
    rows: npt.NDArray[np.unsignedinteger],
    places: npt.NDArray[np.int32],
    bounds: npt.NDArray[np.int32],
) -> None: ...

_KvParts = tuple[object, ...]
_KvSegment = tuple[int, int, int, _KvParts, _KvParts, npt.NDArray[np.int64]]

def kvcache_received(
    keys: _KvPart,
    values: _KvPart | None,
    queries: _KvPart,
    present: npt.NDArray[np.bool_],
    window: int,
    decay: float,
    threads: int,
) -> tuple[npt.NDArray[np.float32], list[int]]: ...
def kvcache_products(
    queries: npt.NDArray[np.float32],
    rows: int,
    parts: _KvParts,
    heads: int,
    tokens: int,
    dim: int,
    threads: int,
) -> npt.NDArray[np.float32]: ...
def kvcache_decoded(
    parts: _KvParts, heads: int, tokens: int, dim: int, threads: int
) -> npt.NDArray[np.float32]: ...
def kvcache_weighted_sums(
    weights: npt.NDArray[np.float32],
    rows: int,
    parts: _KvParts,
    heads: int,
    tokens: int,
    dim: int,
    threads: int,
) -> npt.NDArray[np.float32]: ...
def kvcache_attend(
    queries: npt.NDArray[np.float32],
    until: npt.NDArray[np.int64],
    rows: int,
    dim: int,
    value_dim: int,
    segments: list[_KvSegment],
    threads: int,
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]: ...
