"""One figure of one engine."""

from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """What an engine took for a work; None where a column has no meaning."""

    work: str
    engine: str
    n: int
    dim: int | None = None
    recall: float | None = None
    p50_us: float | None = None
    p95_us: float | None = None
    build_s: float | None = None
    bytes_per_item: float | None = None
    ops_per_s: float | None = None

    def as_dict(self) -> dict[str, str | float]:
        """Return the columns that mean something, rounded to four digits."""
        return {name: _short(value) for name, value in asdict(self).items() if value is not None}


def _short(value: str | float) -> str | float:
    return float(f"{value:.4g}") if isinstance(value, float) else value
