"""One figure of one library in this bench."""

from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeRow:
    """What a library took for a kind of work.

    Parameters
    ----------
    work
        What was done.
    items
        Events or facts that were there.
    engine
        The library, with its setting.
    p50_us, p95_us
        Of a call: medians over the rounds.
    agreement
        Share of the questions that it answered as they are answered by looking at everything.
    build_s
        Building it from arrays.
    bytes_per_item
        Memory, where it can be told.
    """

    work: str
    items: int
    engine: str
    p50_us: float
    p95_us: float
    agreement: float | None = None
    build_s: float | None = None
    bytes_per_item: float | None = None

    def as_dict(self) -> dict[str, object]:
        """Return the figures by name."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentRow:
    """How well a method finds where sessions end.

    Parameters
    ----------
    method
        With its setting.
    precision, recall, f1
        Of cuts at the exact place, over all conversations.
    near_f1
        The same where a cut one item off counts.
    us_per_item
        Microseconds.
    """

    method: str
    precision: float
    recall: float
    f1: float
    near_f1: float
    us_per_item: float

    def as_dict(self) -> dict[str, object]:
        """Return the figures by name."""
        return asdict(self)
