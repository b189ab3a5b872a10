"""One figure of one engine in this bench."""

from dataclasses import dataclass

from benches.latency.row import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorRow(Row):
    """What an engine took for a work with vectors.

    Parameters
    ----------
    data
        Which vectors they were.
    aim
        The recall that its operating point was chosen for; 1 for exact engines.
    setting
        The operating point.
    threads
        Threads of the building; searches have one.
    batch_per_s
        Queries a second in one call for many, with two threads.
    p99_us, insert_p50_us, insert_p99_us, delete_p50_us, delete_p99_us
        Of the searches (p99), the inserts and the deletes of a mix.
    p999_us, longest_ms, second_ms
        Of the inserts of an index that grows: the 99.9th per cent, and the two longest.
    over_5_ms, pauses_at
        How many inserts took longer, and how many vectors there were before them.
    deleted_returned
        How often an answer named a vector that was deleted before.
    hnsw
        Whether it is a graph of that kind.
    remark
        What a reader of the row has to know.
    failed
        Why there are no figures.
    """

    data: str | None = None
    aim: float | None = None
    setting: str | None = None
    threads: int | None = None
    batch_per_s: float | None = None
    p99_us: float | None = None
    insert_p50_us: float | None = None
    insert_p99_us: float | None = None
    delete_p50_us: float | None = None
    delete_p99_us: float | None = None
    p999_us: float | None = None
    longest_ms: float | None = None
    second_ms: float | None = None
    over_5_ms: int | None = None
    pauses_at: str | None = None
    deleted_returned: int | None = None
    hnsw: bool | None = None
    remark: str | None = None
    failed: str | None = None
