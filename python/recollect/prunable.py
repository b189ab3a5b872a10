"""What lets memories go by rule, with its documentation."""

import builtins
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from recollect.filters import Filter
from recollect.handle import Handle
from recollect.records import Receipt, Record
from recollect.times import Time

if TYPE_CHECKING:
    from recollect.retention import Decay

__all__ = ["Prunable"]


class Prunable:
    """What keeps a namespace small; a part of :class:`Memory`.

    Pinned memories and those of the kind ``instruction`` are never let go. What goes leaves recall and keeps
    its history; ``erase=True`` leaves no byte of it. Each call raises `UnknownMemory`, and lets nothing go,
    if another thread forgot one of the same memories meanwhile.
    """

    __slots__ = ()

    _handle: Handle

    def prune(
        self,
        *,
        below: float | None = None,
        share: float | None = None,
        sampled: bool = False,
        decay: "Decay | None" = None,
        filter: Filter | None = None,
        kind: str | Sequence[str] | None = None,
        seed: int = 0,
        erase: bool = False,
        now: Time | None = None,
    ) -> Receipt:
        """Let go of memories of which little is left.

        Parameters
        ----------
        below
            Those of which less than this is left, in the units of `decay`; one of `below`, `share` and
            `sampled` is given.
        share
            This share of them, rounded down, of which least is left.
        sampled
            Each with a chance of one minus its retention, as in MemoryBank; needs ``Ebbinghaus``.
        decay
            What says how much is left: :class:`recollect.activation.BaseLevel` (the default), ``Ebbinghaus``
            or ``PowerLaw``.
        filter, kind
            Which memories may go: see :meth:`list`.
        seed
            Where the chance comes from.
        erase
            See :meth:`forget`.
        now
            The time of this call.

        Raises
        ------
        InvalidArgument, WrongType
            If an argument cannot be read.
        """
        from recollect import retention

        return retention.prune(
            self._handle,
            below=below,
            share=share,
            sampled=sampled,
            decay=decay,
            filter=filter,
            kind=kind,
            seed=seed,
            erase=erase,
            now=now,
        )

    def prune_by_utility(
        self,
        *,
        min_judged: int = 5,
        max_success_rate: float = 0.5,
        erase: bool = False,
        now: Time | None = None,
    ) -> Receipt:
        """Let go of memories that were judged at least so often and of help at most this share of times.

        The rule is that of ReMe (2025); :meth:`feedback` judges.

        Raises
        ------
        InvalidArgument, WrongType
            If an argument cannot be read.
        """
        from recollect import retention

        return retention.prune_by_utility(
            self._handle, min_judged=min_judged, max_success_rate=max_success_rate, erase=erase, now=now
        )

    def evict(
        self,
        capacity: int,
        policy: Literal[
            "base_level", "fifo", "lifo", "lru", "mvfo", "lvfo", "frequency_age", "utility"
        ] = "base_level",
        *,
        sinks: int = 0,
        recent: int = 0,
        weight: float = 0.5,
        filter: Filter | None = None,
        kind: str | Sequence[str] | None = None,
        erase: bool = False,
        now: Time | None = None,
    ) -> Receipt:
        """Let go of the memories that a policy values least, until `capacity` of them are left.

        Parameters
        ----------
        capacity
            How many stay, pinned ones included and instructions not.
        policy
            What goes first: least ``base_level``; ``fifo`` or ``lifo``, learned first or last; ``lru``, used
            longest ago; ``mvfo`` or ``lvfo``, used most or least often; ``frequency_age``, least of
            ``weight * uses - (1 - weight) * age``, both as shares of the greatest; least ``utility``.
        sinks, recent
            The first and the last so many always stay, as in SirLLM.
        weight
            For ``frequency_age``, between 0 and 1.
        filter, kind
            Which memories count, and may go: see :meth:`list`.
        erase
            See :meth:`forget`.
        now
            The time of this call.

        Raises
        ------
        InvalidArgument, WrongType
            If an argument cannot be read, or more memories than `capacity` must stay.
        """
        from recollect import retention

        return retention.evict(
            self._handle,
            capacity,
            policy,
            sinks=sinks,
            recent=recent,
            weight=weight,
            filter=filter,
            kind=kind,
            erase=erase,
            now=now,
        )

    def rehearse(
        self,
        m: int,
        exponent: float = 1.0,
        *,
        filter: Filter | None = None,
        kind: str | Sequence[str] | None = None,
        seed: int = 0,
        now: Time | None = None,
    ) -> builtins.list[Record]:
        """Return `m` memories to go over again, each drawn with a chance by ``age ** -exponent``.

        The age is that since the last use, at least a second. Nothing is noted: see :meth:`reinforce`.

        Raises
        ------
        InvalidArgument, WrongType
            If an argument cannot be read.
        """
        from recollect import retention

        return retention.rehearse(self._handle, m, exponent, filter=filter, kind=kind, seed=seed, now=now)
