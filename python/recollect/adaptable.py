"""What a memory learns from being used, with its documentation."""

import builtins
from collections.abc import Sequence
from typing import TYPE_CHECKING, Unpack

from recollect import using
from recollect.handle import Handle
from recollect.options import RecallOptions
from recollect.records import Recall, Record
from recollect.times import Time
from recollect.using import Use

if TYPE_CHECKING:
    from recollect.activation import BaseLevel
    from recollect.selecting import Cases

__all__ = ["Adaptable"]


class Adaptable:
    """What notes the uses of memories and goes by them; a part of :class:`Memory`.

    Each call here is one event of the journal, whatever the number of memories; a memory that was never used
    costs nothing.
    """

    __slots__ = ()

    _handle: Handle

    def reinforce(
        self, uid: str | Record | Sequence[str | Record], *, together: float = 0.0, now: Time | None = None
    ) -> None:
        """Note that memories were of use: their base level rises.

        Parameters
        ----------
        uid
            One or several. ``recall(..., reinforce=True)`` does it for all of its hits.
        together
            Above 0, each two of them are linked as ``used with``, or that link gets so much stronger: Hebbian
            learning. At most 64 memories at once.
        now
            When.

        Raises
        ------
        UnknownMemory
            If no memory has one of these uids; nothing is noted.
        """
        using.reinforce(self._handle, uid, together=together, now=now)

    def feedback(
        self, uid: str | Record | Sequence[str | Record], reward: float, *, now: Time | None = None
    ) -> None:
        """Note what came of using memories: the utility of each moves by 0.3 of the way to the reward.

        Parameters
        ----------
        uid
            One or several.
        reward
            From -1 (it misled) to 1 (it helped); above 0 counts as a success.
        now
            When.

        Raises
        ------
        UnknownMemory
            If no memory has one of these uids; nothing is noted.
        InvalidArgument
            If the reward is outside its range.
        """
        using.feedback(self._handle, uid, reward, now=now)

    def pin(self, uid: str | Record | Sequence[str | Record], *, now: Time | None = None) -> None:
        """Exempt memories from pruning, eviction and any least base level.

        Raises
        ------
        UnknownMemory
            If no memory has one of these uids.
        """
        using.pin(self._handle, uid, True, now=now)

    def unpin(self, uid: str | Record | Sequence[str | Record], *, now: Time | None = None) -> None:
        """Take the exemption back; :meth:`pin`."""
        using.pin(self._handle, uid, False, now=now)

    def uses(
        self,
        uid: str | Record | Sequence[str | Record],
        *,
        level: "BaseLevel | None" = None,
        now: Time | None = None,
    ) -> builtins.list[Use]:
        """Return how memories were used, in the order of the uids.

        Parameters
        ----------
        uid
            One or several.
        level
            The decay by which :attr:`Use.base_level` is reckoned.
        now
            The time at which it is.

        Raises
        ------
        UnknownMemory
            If no memory has one of these uids.
        """
        return using.uses(self._handle, uid, level=level, now=now)

    def select(
        self,
        query: str | None,
        k: int = 3,
        *,
        candidates: int = 5,
        least: float | None = None,
        utility_weight: float = 0.5,
        floor: float = -0.8,
        epsilon: float = 0.0,
        seed: int = 0,
        **options: Unpack[RecallOptions],
    ) -> Recall:
        """Recall memories that are similar and were of use: the two-phase selection of MemRL.

        Parameters
        ----------
        query, k
            As of :meth:`recall`.
        candidates
            How many are recalled, to choose from.
        least
            Least similarity of their vectors to the query; None for any.
        utility_weight
            Share of the utility beside the score, between 0 and 1; both as standard scores of the candidates.
        floor
            Candidates of less utility are left out.
        epsilon
            The chance that the order is drawn instead, between 0 and 1.
        seed
            Where that chance comes from.
        **options
            As of :meth:`recall`; the scope is this namespace.

        Raises
        ------
        InvalidArgument, WrongType
            If an argument cannot be read.
        """
        from recollect import selecting

        return selecting.select(
            self._handle,
            query,
            k,
            candidates=candidates,
            least=least,
            utility_weight=utility_weight,
            floor=floor,
            epsilon=epsilon,
            seed=seed,
            **options,
        )

    def cases(self, query: str | None, k: int = 4, **options: Unpack[RecallOptions]) -> "Cases":
        """Recall what went well and what went badly, `k` of each, by the sign of their utility.

        Raises
        ------
        InvalidArgument, WrongType
            If an argument cannot be read.
        """
        from recollect import selecting

        return selecting.cases(self._handle, query, k, **options)
