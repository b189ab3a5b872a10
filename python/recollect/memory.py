"""The public face of one namespace."""

import builtins
import json
import os
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, Self, Unpack

from recollect.adaptable import Adaptable
from recollect.checks import KEEPS, one_of
from recollect.embedding.protocol import Embedder
from recollect.episodic import EpisodicStore
from recollect.handle import Handle, Progress
from recollect.linkable import Linkable
from recollect.migrating import status
from recollect.movable import Movable
from recollect.options import LEVELS, Keep, TimelineOptions
from recollect.prunable import Prunable
from recollect.readable import Readable
from recollect.records import Verification
from recollect.semantic import SemanticStore
from recollect.writable import Writable
from recollect.zones import Zone

if TYPE_CHECKING:
    from recollect.memory_timeline import MemoryTimeline
    from recollect.mirroring import MemoryMirror

__all__ = ["Memory"]


class Memory(Writable, Linkable, Adaptable, Prunable, Movable, Readable):
    """A namespace of an open store; made by :func:`recollect.open` and :meth:`namespace`.

    Handles are cheap and may be shared between threads. Every handle of a store closes all of them. Arguments
    are checked before anything is written: `InvalidArgument` and `WrongType` name the argument and its index.
    Every call on a closed store raises `StoreClosed`, every write to a store open for reading
    `StoreReadOnly`.
    """

    __slots__ = ("__weakref__", "_handle")

    def __init__(self, handle: Handle) -> None:
        self._handle = handle

    @property
    def path(self) -> str | None:
        """The file, or None for a store in memory."""
        path = self._handle.store.path
        return None if path is None else os.fspath(path)

    @property
    def namespace_path(self) -> tuple[str, ...]:
        """Where this namespace lies, from the root."""
        return self._handle.path

    @property
    def closed(self) -> bool:
        """Whether the store was closed."""
        return self._handle.store.closed

    @property
    def read_only(self) -> bool:
        """Whether the store was opened for reading only."""
        return self._handle.store.read_only

    @property
    def embedder(self) -> Embedder | None:
        """What embeds texts and queries, or None."""
        return self._handle.embedder

    @property
    def episodic(self) -> EpisodicStore:
        """What happened."""
        return EpisodicStore(self._handle)

    @property
    def semantic(self) -> SemanticStore:
        """What is known."""
        return SemanticStore(self._handle)

    def namespace(self, *segments: str, keep: Keep | None = None) -> "Memory":
        """Return the namespace at a path below this one; nothing is made before the first write.

        Parameters
        ----------
        *segments
            Names such as ``"user", "42"``; a name may hold any text, a slash has no meaning in it.
        keep
            The form in which its vectors are kept, see :func:`recollect.open`; None for that of the store,
            or whatever it has. Its first vectors settle it, for this namespace and not for those below it.

        Raises
        ------
        InvalidArgument, LimitExceeded
            If a segment is empty, holds NUL, or is too long, or there are too many; if its vectors are kept
            in another form than `keep`, here or, where another call was quicker, at the next write of them.
        """
        form = None if keep is None else one_of(keep, KEEPS, "keep")
        return Memory(self._handle.child(segments, keep=form))

    def namespaces(self) -> builtins.list[tuple[str, ...]]:
        """Return the paths below this namespace that hold data, relative to it, in order."""
        own = self._handle.path
        found = self._handle.store.namespaces(list(own))
        return [tuple(path[len(own) :]) for path in found if len(path) > len(own)]

    def stats(self) -> dict[str, Any]:
        """Return counts and sizes: of this namespace, and under ``"store"`` of the whole file.

        ``keep`` is the form of the vectors, None before the first. ``vector_bytes``, ``lexical_bytes``,
        ``graph_bytes`` (``links`` and what finds them) and ``entry_bytes`` (the table of memories, without
        names and metadata) are bytes of memory reserved;
        ``bytes_per_memory`` is their sum over the memories. ``store["bytes_on_disk"]`` counts all files.
        ``migration`` is None, or how far the namespace has moved: see :meth:`start_migration`.
        """
        found: dict[str, Any] = json.loads(self._handle.namespace.stats())
        far = status(self._handle)
        return {**found, "migration": far, "store": json.loads(self._handle.store.stats())}

    def verify(self) -> Verification:
        """Check every row of the file against its hash, and return what is damaged."""
        namespaces, events, contents, damage = self._handle.store.verify()
        return Verification(not damage, namespaces, events, contents, tuple(damage))

    def backup(self, path: str | os.PathLike[str], progress: Progress | None = None) -> None:
        """Write a copy of the whole store to a new file, while it stays in use.

        Raises
        ------
        StorageFailure, DiskFull
            If the copy cannot be written.
        """
        self._handle.store.backup(os.fspath(path), progress)

    def checkpoint(self) -> None:
        """Write the index segments, so that the next opening is fast."""
        self._handle.store.checkpoint()

    def export(self, path: str | os.PathLike[str], progress: Progress | None = None) -> int:
        """Write the memories of this namespace and of those below it as JSON Lines, and return how many.

        Summaries of timelines are left out.

        Raises
        ------
        StorageFailure, DiskFull
            If the file cannot be written; a file that was there stays as it was.
        """
        from recollect import exchange

        return exchange.export(self._handle, path, progress)

    def import_file(
        self, path: str | os.PathLike[str], format: str | None = None, progress: Progress | None = None
    ) -> int:
        """Read memories from a file and return how many lines were read.

        Parameters
        ----------
        path
            The file.
        format
            ``"jsonl"`` (what :meth:`export` writes, or any objects with a ``text``) or ``"text"`` (a memory a
            line); by default the suffix decides.
        progress
            Called with bytes read and bytes in all.

        Raises
        ------
        InvalidArgument, LimitExceeded
            If a line cannot be read; the message names it, and nothing of its batch is written.
        StoreMissing, StorageFailure
            If there is no such file, or it cannot be read.
        """
        from recollect import exchange

        return exchange.import_file(self._handle, path, format, progress)

    def timeline(
        self,
        levels: Sequence[str] = LEVELS,
        zone: Zone = "UTC",
        *,
        kinds: str | Sequence[str] | None = None,
        **options: Unpack[TimelineOptions],
    ) -> "MemoryTimeline":
        """Return the temporal tree of what happened: segments, sessions, days, weeks, months, and all.

        It follows every write, update and deletion from then on; keep it, as making it anew reads all.

        Parameters
        ----------
        levels
            Of the tree, from the finest to the coarsest, as of :class:`recollect.Timeline`.
        zone
            Where days begin: a name or a tzinfo.
        kinds
            Only memories of these kinds.
        **options
            Of :class:`TimelineOptions`.

        Raises
        ------
        InvalidArgument, WrongType
            If an argument cannot be read.
        """
        from recollect.memory_timeline import MemoryTimeline

        return MemoryTimeline(self._handle, levels=levels, zone=zone, kinds=kinds, **options)

    def to_gpu(self, *, backend: str | None = None) -> "MemoryMirror":
        """Return a mirror of the vectors of this namespace, for many queries at once on a GPU.

        It follows what is added and forgotten. `backend` is ``"cuda"`` or ``"numpy"``; by default the GPU if
        there is one.

        Raises
        ------
        GpuUnavailable
            If the GPU is asked for and there is none, or no CuPy.
        """
        from recollect.mirroring import MemoryMirror

        if backend == "cuda":
            from recollect.gpu.device import cupy_module

            cupy_module()
        return MemoryMirror(self._handle, backend)

    def close(self) -> None:
        """Close the store for every handle; calling it again does nothing."""
        self._handle.store.close()

    def __enter__(self) -> Self:
        """Return the memory itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the store."""
        self.close()

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled or copied."""
        raise TypeError(
            "a Memory cannot be pickled or copied: share the path, and open the store again there "
            "(one writer; others with read_only=True)"
        )

    def __repr__(self) -> str:
        """Return where the store lies and which namespace this is."""
        state = "closed" if self.closed else "read-only" if self.read_only else "open"
        return f"<Memory {self.path or 'in memory'!r} namespace={self.namespace_path!r} {state}>"
