"""What happened: memories with a time and a place in a conversation."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Unpack

from recollect import reading, recalling, writing
from recollect.handle import Handle
from recollect.options import LEVELS, AddManyOptions, AddOptions, RecallOptions, TimelineOptions
from recollect.records import Outcome, Recall, Record
from recollect.times import Time
from recollect.zones import Zone

if TYPE_CHECKING:
    from recollect.memory_timeline import MemoryTimeline

__all__ = ["EpisodicStore"]

_KIND = "episodic"


class EpisodicStore:
    """The episodic memories of one namespace; reached as :attr:`Memory.episodic`."""

    __slots__ = ("_handle",)

    def __init__(self, handle: Handle) -> None:
        self._handle = handle

    def record(self, text: str, **options: Unpack[AddOptions]) -> Outcome:
        """Record what happened.

        Parameters
        ----------
        text
            What is remembered.
        **options
            As of :meth:`Memory.add`; `at`, `speaker` and `session` matter most here. Without `at` the memory
            has no place in time beside when it was ingested.

        Returns
        -------
        Outcome
            What the write did.

        Raises
        ------
        InvalidArgument, WrongType
            If an argument cannot be read; nothing is written.
        """
        arguments = {**options, "vectors": options.get("vector"), "keys": options.get("key")}
        arguments.pop("vector", None)
        arguments.pop("key", None)
        return writing.add(self._handle, [text], single=True, kind=_KIND, **arguments)[0]  # type: ignore[arg-type]

    def record_many(self, texts: Iterable[str], **options: Unpack[AddManyOptions]) -> list[Outcome]:
        """Record many texts in one transaction; the options are those of :meth:`Memory.add_many`.

        Raises
        ------
        InvalidArgument, WrongType
            If an argument cannot be read; the message names its index and nothing is written.
        """
        return writing.add(self._handle, texts, single=False, kind=_KIND, **options)

    def between(self, start: Time | None, end: Time | None, limit: int | None = None) -> list[Record]:
        """Return what happened in the half-open interval from `start` to `end`, in the order of time.

        Parameters
        ----------
        start, end
            Times; None leaves a side open.
        limit
            Most memories to return.

        Raises
        ------
        InvalidArgument, WrongType
            If a time cannot be read, or the end does not lie after the start.
        """
        return reading.listed(self._handle, kind=_KIND, between=(start, end), limit=limit)

    def around(self, moment: str | datetime | int | Record, k: int = 10) -> list[Record]:
        """Return the `k` memories nearest in time to a moment, or around a memory in its session.

        Parameters
        ----------
        moment
            A uid or a record, or a time (datetime, ISO 8601 text, microseconds).
        k
            Most memories to return.

        Raises
        ------
        UnknownMemory
            If no memory has this uid.
        InvalidArgument, WrongType
            If the moment can be read neither as a uid nor as a time.
        """
        return reading.around(self._handle, moment, k, kinds=_KIND)

    def timeline(
        self, levels: Sequence[str] = LEVELS, zone: Zone = "UTC", **options: Unpack[TimelineOptions]
    ) -> "MemoryTimeline":
        """Return the temporal tree of the episodic memories: sessions, days, weeks, months, and all.

        It follows every write, update and deletion from then on; keep it, as making it anew reads all.

        Parameters
        ----------
        levels
            Of the tree, from the finest to the coarsest, as of :class:`recollect.Timeline`.
        zone
            Where days begin: a name or a tzinfo.
        **options
            As of :meth:`Memory.timeline`.

        Raises
        ------
        InvalidArgument, WrongType
            If an argument cannot be read.
        """
        from recollect.memory_timeline import MemoryTimeline

        return MemoryTimeline(self._handle, levels=levels, zone=zone, kinds=_KIND, **options)

    def recall(self, query: str | None, k: int = 10, **options: Unpack[RecallOptions]) -> Recall:
        """Recall episodic memories; the options are those of :meth:`Memory.recall`.

        Raises
        ------
        InvalidArgument, WrongType
            If an argument cannot be read.
        EmbedderFailure
            If the embedder fails.
        """
        return recalling.recall(self._handle, query, k, kinds=_KIND, **options)
