"""One figure of one library in this bench."""

from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphRow:
    """What a library took on a graph.

    Parameters
    ----------
    graph, nodes, edges
        On which.
    engine
        The library, with its setting.
    p50_ms, p95_ms
        Of a query: medians over the rounds.
    agreement
        Share of the true 20 best that it found.
    tied
        The same, where a score within a thousandth of that of the 20th counts as among them.
    build_s
        Building it from arrays.
    bytes_per_edge
        Memory, where it can be told.
    insert_us, insert_p99_us
        Median and 99th per cent of taking one edge in through Python.
    """

    graph: str
    nodes: int
    edges: int
    engine: str
    p50_ms: float
    p95_ms: float
    agreement: float
    tied: float
    build_s: float | None = None
    bytes_per_edge: float | None = None
    insert_us: float | None = None
    insert_p99_us: float | None = None

    def as_dict(self) -> dict[str, object]:
        """Return the figures by name."""
        return asdict(self)
