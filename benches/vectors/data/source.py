"""Which vectors stand for a size and a dimension."""

from pathlib import Path

from benches.vectors.data.made_up import made_up
from benches.vectors.data.minilm import joined, minilm
from benches.vectors.data.static import static
from benches.vectors.data.vector_set import VectorSet, vector_set

DIMS = (256, 384, 768, 1536)
_NAMES = {384: "MiniLM", 768: "MiniLM of two lines", 1536: "MiniLM of four lines"}
_NEARLY = 0.9


class Source:
    """Gives vectors of a size and a dimension, the same whenever it is asked.

    Parameters
    ----------
    folder
        Folder of sets; None for vectors made up from a seed.
    cache
        A folder where static vectors are kept from one run to the next.
    """

    def __init__(self, folder: Path | None, cache: Path | None) -> None:
        self._folder, self._cache = folder, cache
        self._last: tuple[tuple[int, int], VectorSet] | None = None

    def vectors(self, count: int, dim: int) -> VectorSet:
        """Return as many vectors, or up to a tenth fewer where the sets hold no more.

        Raises
        ------
        ValueError
            If the sets hold fewer.
        """
        if self._last is None or self._last[0] != (count, dim):
            self._last = None  # two large sets need not fit into memory at once
            self._last = (count, dim), self._made(count, dim)
        return self._last[1]

    def _made(self, count: int, dim: int) -> VectorSet:
        if self._folder is None:
            return vector_set("made up from a seed", *made_up(count, dim))
        if dim != 256:
            base, asked = minilm(self._folder) if dim == 384 else joined(self._folder, dim // 384)
            if len(base) >= _NEARLY * count:
                return vector_set(_NAMES[dim], base[:count], asked)
        if dim in (256, 384):
            base, asked = static(self._folder, count, dim, self._cache)
            if len(base) >= _NEARLY * count:
                name = "static" if dim == 256 else "static, 256 and 128 of the next sentence"
                return vector_set(name, base, asked)
        raise ValueError(f"the sets hold too few texts for {count:,} vectors of {dim} numbers")
