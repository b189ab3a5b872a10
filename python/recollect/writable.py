"""The writes of a memory, with their documentation."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Unpack

import numpy.typing as npt

from recollect import forgetting, writing
from recollect.filters import Filter
from recollect.handle import Handle
from recollect.options import AddManyOptions, Duplicates
from recollect.records import Outcome, Receipt
from recollect.times import Duration, Time

__all__ = ["Writable"]


class Writable:
    """What changes a namespace; a part of :class:`Memory`."""

    __slots__ = ()

    _handle: Handle

    def add(
        self,
        text: str,
        *,
        kind: str = "episodic",
        at: Time | None = None,
        until: Time | None = None,
        speaker: str | None = None,
        session: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        tags: Sequence[str] = (),
        turn: int | None = None,
        importance: float = 0.5,
        confidence: float = 1.0,
        vector: npt.ArrayLike | None = None,
        key: str | None = None,
        ttl: Duration | None = None,
        sliding: bool = False,
        source: str = "",
        principal: str = "",
        trust: float = 1.0,
        parents: Sequence[str] = (),
        duplicates: Duplicates = "noop",
        now: Time | None = None,
    ) -> Outcome:
        """Add a memory.

        Parameters
        ----------
        text
            What is remembered.
        kind
            ``episodic``, ``semantic``, ``procedural``, ``core``, ``working`` or ``instruction``.
        at, until
            When it happened, as the half-open interval from `at` to `until`; `at` alone is an instant.
        speaker, session
            Who said it, and the conversation, document or day it belongs to. With a speaker, ``"speaker:
            text"`` is what is embedded.
        metadata
            A JSON object.
        tags
            Labels.
        turn
            A counter of the caller's; without one the store counts.
        importance, confidence, trust
            Numbers between 0 and 1.
        vector
            ``[d]``, or several keys ``[m, d]`` of which the best counts; it replaces the embedder for this
            text.
        key
            Idempotency key: a second write with it changes nothing and returns the first outcome.
        ttl, sliding
            How long it lives (a timedelta or seconds), and whether each recall starts that time anew.
        source, principal, parents
            Where it comes from: the channel, who is answerable, the memories it was derived from.
        duplicates
            ``"noop"`` counts a mention where the same is known already (text up to white space, kind, time,
            speaker, session, tags and metadata); ``"keep"`` adds it again.
        now
            The time of this call, instead of the clock's.

        Returns
        -------
        Outcome
            What was done, under which uid.

        Raises
        ------
        InvalidArgument, WrongType
            If an argument cannot be read.
        DimensionMismatch, SpaceMismatch
            If the vector does not belong to the embedding space of the namespace.
        EmbedderFailure
            If the embedder fails.
        DiskFull, StorageFailure
            If the file cannot be written; nothing was.
        CommitUnknown
            If it is not known whether the write took place: repeat it with the same `key`.
        """
        return writing.add(
            self._handle,
            [text],
            single=True,
            kind=kind,
            at=at,
            until=until,
            speaker=speaker,
            session=session,
            metadata=metadata,
            tags=tags,
            turn=turn,
            importance=importance,
            confidence=confidence,
            vectors=vector,
            keys=key,
            ttl=ttl,
            sliding=sliding,
            source=source,
            principal=principal,
            trust=trust,
            parents=parents,
            duplicates=duplicates,
            now=now,
        )[0]

    def add_many(
        self, texts: Iterable[str], *, kind: str = "episodic", **options: Unpack[AddManyOptions]
    ) -> list[Outcome]:
        """Add many memories in one transaction: all of them, or none.

        Parameters
        ----------
        texts
            What is remembered.
        kind
            As of :meth:`add`, for all.
        **options
            As of :meth:`add`. Of `at`, `until`, `speaker`, `session`, `metadata`, `tags`, `turn`,
            `importance`, `confidence` and `parents` one value serves all texts, or a list or an array brings
            one for each. `keys` is a list. `vectors` is an array ``[n, d]``, or a list with ``[d]``, ``[m_i,
            d]`` or None for each text. `progress` is called with the number of texts embedded and of all
            texts.

        Returns
        -------
        list of Outcome
            One for each text, in order.

        Raises
        ------
        InvalidArgument, WrongType
            If an argument cannot be read; the message names its index and nothing is written.
        """
        return writing.add(self._handle, texts, single=False, kind=kind, **options)

    def update(
        self,
        uid: str,
        *,
        text: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        tags: Sequence[str] | None = None,
        at: Time | None = None,
        until: Time | None = None,
        importance: float | None = None,
        confidence: float | None = None,
        vector: npt.ArrayLike | None = None,
        kind: str | None = None,
        expect_version: int | None = None,
        key: str | None = None,
        reason: str = "",
        now: Time | None = None,
    ) -> Outcome:
        """Write a new version of a memory; the old one stays in the history.

        Parameters
        ----------
        uid
            The memory.
        text, metadata, tags, at, until, importance, confidence, kind
            The new values; None leaves a field as it is, ``{}`` and ``()`` empty it.
        vector
            The new vector key or keys; a new text without one is embedded.
        expect_version
            Refuse if the memory has another version by now.
        key
            Idempotency key.
        reason
            Kept in the history. Never put the text of a memory here: a reason outlives an erasure.
        now
            The time of this call.

        Raises
        ------
        UnknownMemory
            If no memory has this uid.
        InvalidArgument, WrongType
            If an argument cannot be read, or the version is another than expected.
        """
        return writing.update(
            self._handle,
            uid,
            text=text,
            metadata=metadata,
            tags=tags,
            at=at,
            until=until,
            importance=importance,
            confidence=confidence,
            vector=vector,
            kind=kind,
            expect_version=expect_version,
            key=key,
            reason=reason,
            now=now,
        )

    def delete(self, uid: str | Sequence[str], *, reason: str = "", now: Time | None = None) -> list[Outcome]:
        """Take one memory or several out of recall, in one transaction; their history stays.

        Raises
        ------
        UnknownMemory
            If no memory has one of these uids; nothing is written.
        """
        return writing.delete(self._handle, uid, reason=reason, now=now)

    def noop(self, reason: str, *, uid: str | None = None, now: Time | None = None) -> Outcome:
        """Record a decision not to write, and its reason."""
        return writing.noop(self._handle, reason, uid=uid, now=now)

    def forget(
        self,
        uid: str | Sequence[str] | None = None,
        *,
        filter: Filter | None = None,
        erase: bool = False,
        reason: str = "",
        now: Time | None = None,
    ) -> Receipt:
        """Forget memories, given by uid or by filter.

        Parameters
        ----------
        uid
            One or several.
        filter
            All that it keeps; an empty one is refused.
        erase
            False takes them out of recall and keeps their history; True leaves no byte of their content in
            any file.
        reason
            Kept in the history of what is not erased.
        now
            The time of this call.

        Raises
        ------
        UnknownMemory
            If no memory has one of these uids; nothing is forgotten.
        """
        return forgetting.forget(self._handle, uid, filter=filter, erase=erase, reason=reason, now=now)
