"""The vectors of a namespace on a GPU, for many queries at once; they follow what is added and forgotten."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from recollect.checks import count_of, matrix, texts_of
from recollect.embedding.protocol import embed
from recollect.errors import EmbedderMissing, InvalidArgument, SpaceMismatch
from recollect.filters import Filter, filter_text
from recollect.gpu.index import Index
from recollect.gpu.selection import MOST
from recollect.handle import Handle
from recollect.reading import interval
from recollect.rows import SpaceRow
from recollect.vector_index import VectorIndex

__all__ = ["MemoryMirror", "Near"]

_UID: Final = 0
_VERSION: Final = 1
_EXPIRES: Final = 21


@dataclass(frozen=True, slots=True)
class Near:
    """The memories nearest to one query: their uids and scores, the best first."""

    uids: list[str]
    scores: list[float]


class MemoryMirror:
    """The vectors of one namespace, kept for batches; made by :meth:`recollect.Memory.to_gpu`.

    It looks before each search whether anything happened in the namespace, and takes over what came, changed,
    went or expired. Searches look at vectors alone: no words, no sessions.
    """

    def __init__(self, handle: Handle, backend: str | None = None) -> None:
        self._handle, self._backend = handle, backend
        self._space: SpaceRow | None = None
        self._index: Index | None = None
        self._rows: dict[str, tuple[int, npt.NDArray[np.int64]]] = {}
        self._owners: dict[int, str] = {}
        self._seen: tuple[int, int] = (-1, 0)
        self._expires: int | None = None
        self._keep = "f32"

    def __len__(self) -> int:
        """Return the number of memories with vectors, as of now."""
        self._follow(self._handle.now(None))
        return len(self._rows)

    @property
    def backend(self) -> str | None:
        """Where it searches: ``"cuda"`` or ``"numpy"``; None before there is a vector."""
        return None if self._index is None else self._index.backend

    def search(
        self,
        queries: Sequence[str] | npt.ArrayLike,
        k: int = 10,
        *,
        filter: Filter | None = None,
        between: object = None,
    ) -> list[Near]:
        """Return the memories nearest to each query.

        Parameters
        ----------
        queries
            Texts, which the embedder of the store makes vectors of, or vectors ``[q, d]``.
        k
            Memories for each, at least 1.
        filter, between
            As of :meth:`recollect.Memory.list`: only such memories may be found.

        Raises
        ------
        EmbedderMissing
            If texts are given to a store without an embedder.
        SpaceMismatch, DimensionMismatch
            If the vectors of the namespace come from another embedder, or have other dimensions.
        """
        k, now = count_of(k, "k", 1), self._handle.now(None)
        self._follow(now)
        texts = isinstance(queries, (list, tuple)) and all(isinstance(one, str) for one in queries)
        if self._index is None or self._space is None or not len(self._index):
            return [Near([], []) for _ in range(np.asarray(queries).shape[0])]
        if texts:
            asked = self._embedded(texts_of(queries, "queries"))
        else:
            asked = matrix(queries, "queries", self._space[1])
        allow = None
        if filter is not None or between is not None:
            start, end = interval(between)
            kept = self._handle.namespace.list(filter=filter_text(filter), start=start, end=end, now=now)
            mine = [self._rows[row[_UID]][1] for row in kept if row[_UID] in self._rows]
            allow = np.concatenate(mine) if mine else np.zeros(0, dtype=np.int64)
        # A memory with several vectors can come several times.
        several = max(len(ids) for _, ids in self._rows.values())
        wanted = min(k * several, len(self._index))
        if self._index.backend == "cuda" and wanted > MOST:
            raise InvalidArgument(f"k: at most {MOST // several} memories of {several} vectors each on a GPU")
        found, scores = self._index.search(asked, max(wanted, 1), allow=allow)
        return [self._near(*pair, k) for pair in zip(found.tolist(), scores.tolist(), strict=True)]

    def _near(self, ids: list[int], scores: list[float], k: int) -> Near:
        best: dict[str, float] = {}
        for one, score in zip(ids, scores, strict=True):
            if one >= 0 and len(best) < k:
                best.setdefault(self._owners[one], score)
        return Near(list(best), list(best.values()))

    def _embedded(self, texts: list[str]) -> npt.NDArray[np.float32]:
        embedder = self._handle.embedder
        if embedder is None:
            raise EmbedderMissing("a search by texts needs a store opened with an embedder, or vectors")
        assert self._space is not None
        if embedder.name != self._space[0]:
            raise SpaceMismatch(f"the vectors are of {self._space[0]}, the embedder is {embedder.name}")
        return embed(embedder, texts)

    def _follow(self, now: int) -> None:
        events = self._events()
        expired = self._expires is not None and now >= self._expires
        if events == self._seen and not expired:
            return
        rows = self._handle.namespace.list(now=now)
        ends = [row[_EXPIRES] for row in rows]
        self._expires = min((end for end in ends if end is not None), default=None)
        there = {row[_UID]: row[_VERSION] for row in rows}
        if self._rows and self._handle.namespace.vectors([], now=now)[2] != self._space:
            # The namespace has moved to another space, and all vectors are others.
            self._drop(list(self._rows))
        self._drop([uid for uid, (version, _) in self._rows.items() if there.get(uid) != version])
        new = [uid for uid in there if uid not in self._rows]
        if new:
            vectors, owners, space = self._handle.namespace.vectors(new, now=now)
            if space is not None and len(vectors):
                self._take(new, there, vectors, owners, space)
        self._seen = events

    def _events(self) -> tuple[int, int]:
        found = json.loads(self._handle.namespace.stats())
        self._keep = found["keep"] or "f32"
        return found["events"], found["vectors"]

    def _drop(self, uids: list[str]) -> None:
        gone = [self._rows.pop(uid)[1] for uid in uids]
        if gone and self._index is not None:
            ids = np.concatenate(gone)
            self._index.remove(ids)
            for one in ids.tolist():
                del self._owners[one]

    def _take(
        self,
        uids: list[str],
        versions: dict[str, int],
        vectors: npt.NDArray[np.float32],
        owners: npt.NDArray[np.int64],
        space: SpaceRow,
    ) -> None:
        if self._index is None or self._space != space:
            self._space = space
            self._index = Index(VectorIndex(space[1], space[2], self._keep), backend=self._backend)
        ids = self._index.add(vectors)
        for place in np.unique(owners).tolist():
            uid, mine = uids[place], ids[owners == place]
            self._rows[uid] = (versions[uid], mine)
            self._owners.update(dict.fromkeys(mine.tolist(), uid))
