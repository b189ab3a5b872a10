"""What facts answer: named tuples, which are quick to make, compare and pickle."""

from typing import NamedTuple, TypedDict

from recollect.time_arguments import OPEN

__all__ = ["Added", "Fact", "FactsStats"]


class Fact(NamedTuple):
    """A fact.

    Parameters
    ----------
    number
        Its place in the order of records, from 0.
    subject, predicate, object
        Of whom, what is said, of what.
    since, until
        When it holds: microseconds since 1970 in UTC, half-open; ``-2**63`` and ``2**63 - 1`` are open ends.
    recorded, closed
        When it stood on record, half-open; ``2**63 - 1`` while it does.
    confidence
        How sure it is, 0 to 1; kept as float32.
    sources
        Where it comes from.
    """

    number: int
    subject: str
    predicate: str
    object: str
    since: int
    until: int
    recorded: int
    closed: int
    confidence: float
    sources: tuple[str, ...]

    @property
    def stands(self) -> bool:
        """Whether it is still on record."""
        return self.closed == OPEN


class Added(NamedTuple):
    """What a change did, as numbers of facts.

    `facts` were added (several where a surer one says the same in between, none where that says it all),
    `closed` stand no more, and `remain` is what is left of these. `archived`: it is only on record.
    """

    facts: tuple[int, ...]
    closed: tuple[int, ...]
    remain: tuple[int, ...]
    archived: bool


class FactsStats(TypedDict):
    """What is on record, what of it stands, and the memory it takes."""

    facts: int
    standing: int
    bytes: int
