"""Types of the native half; `mypy.stubtest` proves them."""

import builtins
from collections.abc import Callable
from os import PathLike
from typing import final

import numpy as np
import numpy.typing as npt

from recollect.rows import (
    ChangeRow,
    HitRow,
    KeysRow,
    OutcomeRow,
    PendingRow,
    RecordRow,
    SpaceRow,
)

__all__ = [
    "Graph",
    "History",
    "Links",
    "LshIndex",
    "Migration",
    "Namespace",
    "RabitqCodes",
    "Store",
    "Uses",
    "VectorIndex",
    "activation_lowest",
    "activation_of_ages",
    "activation_rehearse",
    "activation_sampled_below",
    "graph_standing_out",
    "lsh_collision",
    "pack",
    "version",
]

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
    ) -> builtins.list[RecordRow]: ...
    def count(
        self,
        *,
        now: int,
        filter: str | None = None,
        kinds: builtins.list[str] | None = None,
        start: int | None = None,
        end: int | None = None,
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
    def recall(
        self,
        *,
        text: str | None = None,
        vector: npt.NDArray[np.float32] | None = None,
        space: SpaceRow | None = None,
        k: int = 10,
        now: int,
        filter: str | None = None,
        kinds: builtins.list[str] | None = None,
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
        base_level: float = 0.0,
        least: float | None = None,
        held_back: bool = False,
        recall_target: float = ...,
        explain: bool = True,
        scope: builtins.list[builtins.list[str]] | None = None,
        below: bool = False,
    ) -> tuple[builtins.list[HitRow], str]: ...
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
