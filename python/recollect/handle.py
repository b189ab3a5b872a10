"""What every operation of one namespace needs: the native halves, the embedder and the clock."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, TypeAlias

from recollect.checks import text_of
from recollect.embedding.protocol import Embedder
from recollect.extracting import Extract
from recollect.times import Time, to_micros

if TYPE_CHECKING:
    from recollect._native import Namespace, Store

__all__ = ["Clock", "Handle", "Progress"]

Clock: TypeAlias = Callable[[], datetime | int]
"""Tells the time: a datetime or microseconds since 1970 in UTC."""

Progress: TypeAlias = Callable[[int, int], object]
"""Called with how much is done and how much there is."""


@dataclass(frozen=True, slots=True)
class Handle:
    """One namespace of an open store."""

    store: "Store"
    namespace: "Namespace"
    path: tuple[str, ...]
    embedder: Embedder | None
    clock: Clock | None
    others: list[Embedder] = field(default_factory=list)
    """Embedders of spaces that namespaces leave or move to; one list for all handles of a store."""
    extract: Extract | None = None
    """What finds facts in texts."""

    @classmethod
    def root(
        cls,
        store: "Store",
        embedder: Embedder | None,
        clock: Clock | None,
        others: list[Embedder],
        extract: Extract | None = None,
    ) -> "Handle":
        """Return the handle of the namespace that holds all others."""
        return cls(store, store.namespace([]), (), embedder, clock, others, extract)

    def child(
        self, segments: tuple[object, ...], argument: str = "namespace", keep: str | None = None
    ) -> "Handle":
        """Return the handle of a namespace below this one, its vectors kept as `keep` if that is given."""
        path = self.path + tuple(text_of(segment, f"{argument}[{at}]") for at, segment in enumerate(segments))
        native = self.store.namespace(list(path), keep)
        return Handle(self.store, native, path, self.embedder, self.clock, self.others, self.extract)

    def now(self, now: Time | None) -> int:
        """Return the time of a call in microseconds: the one given, else the clock's."""
        if now is not None:
            return to_micros(now, "now")
        if self.clock is None:
            return time.time_ns() // 1000
        return to_micros(self.clock(), "clock")
