"""The reads of a memory, with their documentation."""

import builtins
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Unpack

import numpy.typing as npt

from recollect import apportioning, escalating, reading, recalling
from recollect.embedding.protocol import Vectors
from recollect.errors import InvalidArgument
from recollect.filters import Filter
from recollect.handle import Handle
from recollect.options import Between, Fusion, Order, RecallOptions, Scope
from recollect.packing import CountTokens
from recollect.records import Change, Recall, Record
from recollect.times import Time

if TYPE_CHECKING:
    from recollect.absence import Absence
    from recollect.duplicates import NearDuplicate

__all__ = ["Readable"]


class Readable:
    """What asks a namespace; a part of :class:`Memory`."""

    __slots__ = ()

    _handle: Handle

    def get(self, uid: str, *, version: int | None = None) -> Record:
        """Return a memory, or one version of it; deleted ones only with a version.

        Raises
        ------
        UnknownMemory
            If no memory has this uid, or no such version.
        """
        return reading.get(self._handle, uid, version=version)

    def vectors(self, uid: str) -> Vectors:
        """Return the vector keys of a memory as they are kept: float32 ``[m, d]``, no rows without any.

        With ``keep="f32"`` they are what was given, with the other forms what searches score: rounded, and of
        length one where the space measures by the cosine.

        Raises
        ------
        UnknownMemory
            If no memory has this uid.
        """
        return reading.vectors(self._handle, uid)

    def history(self, uid: str) -> builtins.list[Change]:
        """Return everything that happened to a memory, oldest first.

        Raises
        ------
        UnknownMemory
            If no memory ever had this uid.
        """
        return reading.history(self._handle, uid)

    def count(
        self,
        filter: Filter | None = None,
        *,
        kind: str | Sequence[str] | None = None,
        between: Between | None = None,
        valid_at: Time | None = None,
        known_at: Time | None = None,
        now: Time | None = None,
    ) -> int:
        """Return how many memories :meth:`list` would return without a limit."""
        times = {"valid_at": valid_at, "known_at": known_at, "now": now}
        return reading.count(self._handle, filter, kind=kind, between=between, **times)

    def recall(
        self,
        query: str | None,
        k: int = 10,
        *,
        vector: npt.ArrayLike | None = None,
        filter: Filter | None = None,
        kinds: str | Sequence[str] | None = None,
        between: Between | None = None,
        budget: int | None = None,
        budgets: Mapping[str, int] | None = None,
        count_tokens: CountTokens | None = None,
        extract: bool = False,
        ordered: bool = False,
        fusion: Fusion = "adaptive",
        weight: float | None = None,
        signals: Sequence[str] = recalling.SIGNALS,
        base_level: float = 0.0,
        min_base_level: float | None = None,
        reinforce: bool = False,
        scope: Scope = "exact",
        recall_target: float = 0.99,
        explain: bool = True,
        valid_at: Time | None = None,
        known_at: Time | None = None,
        now: Time | None = None,
    ) -> Recall:
        """Return the best memories for a query, and why each was found.

        Parameters
        ----------
        query
            A text; None where `vector` says it all.
        k
            Most hits to return; with a budget, the number of candidates to choose from, at least 64.
        vector
            ``[d]``; replaces the embedder for this query.
        filter, kinds, between
            Which memories take part: see :meth:`list`.
        budget
            Tokens the result may have. Where everything in scope fits, all of it comes back and
            ``trace["exhaustive"]`` is True; else the candidates of greatest worth that fit together, where
            the worth falls fast with the score and grows with the length.
        budgets
            Hits for each kind, such as ``{"semantic": 4, "episodic": 6}``, in place of `k` and `kinds`; they
            come kind by kind, each best first.
        count_tokens
            Returns the tokens of a text; the default estimates one for four bytes.
        extract
            Whether each hit says where its sentences stand that speak of the query (:attr:`Hit.spans`,
            :attr:`Hit.excerpt`), word for word. A budget then counts those alone, unless everything in scope
            fits it.
        ordered
            Whether the hits come in the order of reading and not by score: what holds always (instructions,
            core, notes, procedures), then what happened, each in the order of time.
        fusion
            How words and vectors are joined: ``"adaptive"``, ``"rrf"`` (reciprocal ranks) or ``"convex"``.
        weight
            Share of the vectors in ``"convex"``, between 0 and 1.
        signals
            Which of these take part. ``"words"`` and ``"vectors"``, one of which must, find memories. With
            the fusion ``"adaptive"`` eight more add to them: ``"links"`` lead from the best, and from
            memories whose title the query names, to what belongs to them (:attr:`Hit.path` says over which);
            ``"replies"`` lead from questions to their answers, what another named speaker says next;
            ``"speakers"`` favours whom the query speaks of, by name or as "I" and "you"; ``"recency"``
            favours the latest of all sessions where the query is a turn of three sentences or more;
            ``"dates"`` favours what lies in a time that the query speaks of ("last week", "in May", "before
            June 2023"), by `now` and in the language of this namespace; ``"neighbours"`` and ``"session"``
            add what the two memories on either side in the session, and the best of the whole session, share
            with the words of the query; ``"context"`` weighs, where memories are short, the similarity of
            those around them against their own. Two more take part only where they are named: ``"order"``
            prefers the first or the last of the best where the query asks for it ("first time", "latest"),
            and ``"anchors"`` takes the time of what stands after "before" or "after" ("before I moved") from
            another memory, by a recall within this one.
        base_level
            Weight of the base-level activation (frequency and recency of use) beside the other signals, both
            as standard scores; only with the fusion ``"adaptive"``.
        min_base_level
            Memories below it are held back; pinned ones and instructions are exempt. :meth:`suppressed` shows
            what is.
        reinforce
            Whether the hits are noted as used, see :meth:`reinforce`; a write after each recall, and never in
            a store that is open for reading only. ``trace["reinforced"]`` says how many were.
        scope
            ``"exact"`` (this namespace), ``"below"`` (and all below it but summaries), or a list of paths
            relative to this one.
        recall_target
            The share of the nearest vectors that a search of many memories is to find, above 0 and up to 1;
            at 1 it finds all. ``trace["vector_search"]`` says how it went and what share is to be expected;
            it is empty where every memory in scope was scored.
        explain
            Whether hits bring their signals.
        valid_at
            What held then: statements whose time (`at` to `until`, for ever without `until`, always without
            `at`) contains it, and of what happened all that had begun.
        known_at
            What would have been recalled then: the store as it was, with the statistics, links and uses it
            had. Erased memories are gone from there too. The first call for a time reads the whole journal of
            the namespace; two times stay in memory.
        now
            The time of this call, or `known_at`: expired memories are not recalled. What the query says of
            time is read as of then, with days of its time zone (UTC for a time without one, and where it is
            not given).

        Returns
        -------
        Recall
            A sequence of hits, best first; :attr:`Recall.state` says whether they seem to hold an answer.
            ``trace["lexical_only"]`` says why no vectors took part, or is None; ``trace["space"]`` in which
            embedding space they did, and how many of the memories have one there; ``trace["migration"]`` how
            far a migration is, see :meth:`Memory.start_migration`; ``trace["time"]`` what was understood of
            time, None where nothing was: the ranges (each with its phrase, the times or, for ``every_year``,
            the months and days from which and to which it goes, None where it is open, and the memories in
            scope that lie there), the memories in any of them, the order and the anchor.

        Raises
        ------
        InvalidArgument, WrongType
            If an argument cannot be read.
        DimensionMismatch, SpaceMismatch
            If the vector does not belong to the embedding space of the namespace.
        EmbedderMissing, EmbedderFailure
            If vectors alone are asked for without an embedder, or the embedder fails.
        """
        options: dict[str, Any] = {
            "vector": vector,
            "filter": filter,
            "kinds": kinds,
            "between": between,
            "budget": budget,
            "count_tokens": count_tokens,
            "extract": extract,
            "ordered": ordered,
            "fusion": fusion,
            "weight": weight,
            "signals": signals,
            "base_level": base_level,
            "min_base_level": min_base_level,
            "reinforce": reinforce,
            "scope": scope,
            "recall_target": recall_target,
            "explain": explain,
            "valid_at": valid_at,
            "known_at": known_at,
            "now": now,
        }
        if budgets is not None:
            return apportioning.apportioned(self._handle, query, budgets, options)
        return recalling.recall(self._handle, query, k, **options)

    def escalate(
        self,
        query: str | None,
        k: int = 10,
        *,
        stages: Sequence[str] = escalating.STAGES,
        sufficient: escalating.Sufficient | None = None,
        on_reconsolidate: escalating.OnReconsolidate | None = None,
        **options: Unpack[RecallOptions],
    ) -> Recall:
        """Recall stage by stage, from notes to episodes to a wider scope, until one stage suffices.

        Parameters
        ----------
        query, k
            As of :meth:`recall`.
        stages
            A kind of memory, ``"all"`` for every kind, or ``"below"`` for every kind here and in all
            namespaces below.
        sufficient
            Is called with the recall of each stage and says whether it answers the query; by default one
            whose state is ``"known"`` does.
        on_reconsolidate
            Is called where notes (``"semantic"``) did not suffice and episodes did, with what
            :attr:`Recall.reconsolidate` then is.
        **options
            As of :meth:`recall`, for each stage; `scope` is that of a stage.

        Returns
        -------
        Recall
            That of the stage that sufficed; where none did, of the one with the greatest confidence.
            :attr:`Recall.stages` names those that ran, and ``trace["stages"]`` says how each went.

        Raises
        ------
        InvalidArgument, WrongType
            If an argument cannot be read.
        """
        if "scope" in options:
            raise InvalidArgument("scope: each stage has its own")
        return escalating.escalate(
            self._handle, query, k, stages, sufficient, on_reconsolidate, dict(options)
        )

    def suppressed(
        self,
        query: str | None,
        k: int = 10,
        *,
        kinds: str | Sequence[str] | None = None,
        **options: Unpack[RecallOptions],
    ) -> Recall:
        """Return what :meth:`recall` with the same arguments holds back, best first.

        That is what has outlived its time to live, and what is below `min_base_level` where one is given.

        Raises
        ------
        InvalidArgument, WrongType
            If an argument cannot be read; `budget` has no meaning here.
        """
        if options.get("budget") is not None:
            raise InvalidArgument("budget: what is held back has none")
        return recalling.recall(self._handle, query, k, kinds=kinds, held_back=True, **options)

    def why_not(
        self,
        uid: str | Record,
        query: str | None,
        k: int = 10,
        *,
        kinds: str | Sequence[str] | None = None,
        **options: Unpack[RecallOptions],
    ) -> "Absence":
        """Say why :meth:`recall` with the same arguments leaves a memory of this namespace out.

        It recalls anew, and looks further down and through all vectors where that does not settle it: slower
        than a recall, for people and for tests.

        Raises
        ------
        UnknownMemory
            If no memory ever had this uid.
        InvalidArgument, WrongType
            If an argument cannot be read.
        """
        from recollect import absence

        return absence.why_not(self._handle, uid, query, k, options, kinds)

    def near_duplicates(
        self,
        threshold: float = 0.95,
        *,
        miss: float = 0.01,
        filter: Filter | None = None,
        kind: str | Sequence[str] | None = None,
        now: Time | None = None,
    ) -> builtins.list["NearDuplicate"]:
        """Return the pairs of memories that say nearly the same, the nearest first.

        Parameters
        ----------
        threshold
            Least cosine of their vectors, above 0 and at most 1. Memories without a vector are in no pair.
        miss
            Greatest probability that a pair at the threshold is missed; nearer ones are missed less, equal
            ones never. See :meth:`recollect.lsh.LshIndex.near_duplicates`.
        filter, kind
            Which memories take part: see :meth:`list`.
        now
            The time of this call.

        Raises
        ------
        InvalidArgument, WrongType
            If an argument cannot be read.
        LimitExceeded
            If there are more than ten million pairs, or too much crowds just below the threshold.
        """
        from recollect import duplicates

        return duplicates.near_duplicates(
            self._handle, threshold, miss=miss, filter=filter, kind=kind, now=now
        )

    def list(
        self,
        filter: Filter | None = None,
        *,
        kind: str | Sequence[str] | None = None,
        between: Between | None = None,
        order: Order = "time",
        limit: int | None = None,
        offset: int = 0,
        valid_at: Time | None = None,
        known_at: Time | None = None,
        now: Time | None = None,
    ) -> builtins.list[Record]:
        """Return memories in an order.

        Parameters
        ----------
        filter
            Such as ``{"speaker": "Ilse", "importance": {"$gte": 0.7}}``; fields of a record, or paths into
            the metadata.
        kind
            One kind or several.
        between
            ``(start, end)``: those whose time shares an instant with the half-open interval.
        order
            ``"time"`` or ``"ingested"``, with a minus for the latest first.
        limit, offset
            How many to return, and how many to leave out before them.
        valid_at, known_at
            What held then, and the namespace as it was known then: see :meth:`recall`.
        now
            The time of this call: expired memories are left out.
        """
        times = {"valid_at": valid_at, "known_at": known_at, "now": now}
        return reading.listed(
            self._handle, filter, kind=kind, between=between, order=order, limit=limit, offset=offset, **times
        )
