"""One figure of one engine on a GPU."""

from dataclasses import asdict, dataclass

KV = "KV cache: "
"""How the works on a KV cache begin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuRow:
    """What an engine took for a work.

    Parameters
    ----------
    work
        What was done.
    engine
        By whom, with its setting.
    form
        The numbers of the rows.
    n, dim, queries, k
        Rows (or nodes), components, queries of one call, and results.
    ms
        Of a call: the median over interleaved rounds, by CUDA events.
    queued_ms
        Of a call that is queued behind other work: what the device does alone.
    product_share
        The time of the matrix product alone in the same form, over that of this call: 1 is as fast.
    agreement
        Share of the best by float64 that it found.
    gb_per_s
        Bytes read and written, where that is what is measured; while the device works on a queued call where
        that is known.
    remark
        What a reader of the row has to know.
    """

    work: str
    engine: str
    form: str
    n: int
    dim: int | None = None
    queries: int | None = None
    k: int | None = None
    ms: float
    queued_ms: float | None = None
    product_share: float | None = None
    agreement: float | None = None
    gb_per_s: float | None = None
    remark: str | None = None

    def as_dict(self) -> dict[str, str | float]:
        """Return the columns that mean something, rounded to four digits."""
        found = {name: value for name, value in asdict(self).items() if value is not None}
        return {name: float(f"{x:.4g}") if isinstance(x, float) else x for name, x in found.items()}
