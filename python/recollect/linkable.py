"""The links of a memory, with their documentation."""

import builtins
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy.typing as npt

from recollect import linking
from recollect.handle import Handle
from recollect.linking import Neighbour
from recollect.options import Each
from recollect.records import Record
from recollect.times import Time

if TYPE_CHECKING:
    from recollect.graph import Graph

__all__ = ["Linkable"]


class Linkable:
    """What links memories; a part of :class:`Memory`.

    The store itself links a memory with a title (``metadata={"title": ..., "aliases": [...]}``) from every
    memory whose text names it, capitalised or as ``[[title]]``, with the relation ``mentions``; and memories
    that state facts of the same entity (``metadata={"facts": [[subject, predicate, object], ...]}``) with one
    another, as ``shares``. Other links are made here. Recall follows all of them.
    """

    __slots__ = ()

    _handle: Handle

    def link(
        self,
        src: str | Record | Sequence[str | Record],
        dst: str | Record | Sequence[str | Record],
        relation: str | Sequence[str] = linking.RELATED,
        *,
        weight: npt.ArrayLike = 1.0,
        at: Each[Time] | None = None,
        source: str = "",
        trust: float = 1.0,
        now: Time | None = None,
    ) -> None:
        """Link memories, all or none; a link of these ends and relation that is there gets the new values.

        Parameters
        ----------
        src, dst
            Uids or records: one each, or lists of the same length.
        relation
            What kind of link: one for all, or one for each. It stays when a memory is erased, so never put
            text of a memory there. ``"mentions"`` and ``"shares"`` belong to the store.
        weight
            How strong, above 0: one for all, or one for each.
        at
            When it came to be; by default now.
        source
            Where it comes from.
        trust
            Between 0 and 1; below a half, recall never follows it.
        now
            The time of this call.

        Raises
        ------
        UnknownMemory
            If no memory has one of these uids; nothing is linked.
        InvalidArgument, WrongType, LimitExceeded
            If an argument cannot be read, or a memory is linked to itself.
        """
        linking.link(
            self._handle, src, dst, relation, weight=weight, at=at, source=source, trust=trust, now=now
        )

    def unlink(
        self, src: str | Record, dst: str | Record, relation: str | None = None, *, now: Time | None = None
    ) -> int:
        """Take away the link of a relation from one memory to another, or all; return how many.

        Those that the store itself makes stay.

        Raises
        ------
        UnknownMemory
            If no memory has one of these uids.
        """
        return linking.unlink(self._handle, src, dst, relation, now=now)

    def strengthen(
        self,
        src: str | Record,
        dst: str | Record,
        relation: str = linking.RELATED,
        by: float = 1.0,
        *,
        now: Time | None = None,
    ) -> float:
        """Add to the weight of a link and return the new weight.

        Raises
        ------
        UnknownMemory
            If no memory has one of these uids, or there is no such link.
        InvalidArgument
            If the weight would not stay above 0.
        """
        return linking.strengthen(self._handle, src, dst, relation, by, now=now)

    def neighbours(
        self,
        uid: str | Record,
        *,
        direction: Literal["out", "in", "both"] = "both",
        relations: str | Sequence[str] | None = None,
        now: Time | None = None,
    ) -> builtins.list[Neighbour]:
        """Return what stands next to a memory: the edges that lead away, then those that come to it.

        Raises
        ------
        UnknownMemory
            If no memory has this uid.
        """
        return linking.neighbours(self._handle, uid, direction=direction, relations=relations, now=now)

    def graph(self, *, now: Time | None = None) -> "Graph":
        """Return a copy of all links as a :class:`recollect.Graph` over uids, for its walks and communities.

        Memories without a link are not in it; what is not trusted is marked so.
        """
        return linking.graph(self._handle, now=now)
