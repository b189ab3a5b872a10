"""The vectors of a write: those given, those the embedder makes, and which text each belongs to."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from recollect.checks import matrix
from recollect.embedding.protocol import Embedder, Vectors, embed, space_of
from recollect.errors import DimensionMismatch, InvalidArgument, WrongType
from recollect.handle import Progress
from recollect.rows import KeysRow, SpaceRow

__all__ = ["GIVEN", "Keys", "embedded_text", "keys_of_many", "keys_of_one", "space_of_given"]

GIVEN = "given"
"""Name of the embedding space of vectors that come without an embedder."""
_BATCH = 1024
_ROLES = frozenset({"user", "assistant", "system", "human", "ai", "tool", "bot"})
"""Speakers that say nothing about a text, as the lexical index has them too."""


@dataclass(frozen=True, slots=True)
class Keys:
    """Vector keys: `vectors` float32 ``[m, d]``, `owners` int64 ``[m]`` (positions of texts), the space."""

    vectors: Vectors | None = None
    owners: npt.NDArray[np.int64] | None = None
    space: SpaceRow | None = None

    def row(self) -> KeysRow | None:
        """Return the three of them, or None where there are no vectors."""
        if self.vectors is None or self.owners is None or self.space is None:
            return None
        return self.vectors, self.owners, self.space


def embedded_text(text: str, speaker: str | None) -> str:
    """Return what is embedded for a text: with its speaker in front, if that is somebody and no role."""
    return f"{speaker}: {text}" if speaker and speaker.strip().lower() not in _ROLES else text


def space_of_given(embedder: Embedder | None, dim: int) -> SpaceRow:
    """Return the space of vectors that the caller gives: the embedder's, or one of their dimension alone."""
    return (GIVEN, dim, "cosine") if embedder is None else space_of(embedder)


def keys_of_one(embedder: Embedder | None, text: str, vector: npt.ArrayLike | None) -> Keys:
    """Return the keys of one text: the vector or the vectors given, else what the embedder makes of it."""
    if vector is None:
        return keys_of_many(embedder, [text], None)
    rows = matrix(vector, "vector", None if embedder is None else space_of(embedder)[1])
    return Keys(rows, np.zeros(len(rows), dtype=np.int64), space_of_given(embedder, rows.shape[1]))


def keys_of_many(
    embedder: Embedder | None,
    texts: Sequence[str],
    vectors: npt.ArrayLike | Sequence[npt.ArrayLike | None] | None,
    progress: Progress | None = None,
) -> Keys:
    """Return the keys of many texts.

    Parameters
    ----------
    embedder
        Embeds the texts without given vectors; without an embedder those get none.
    texts
        What is embedded.
    vectors
        None, an array ``[n, d]``, or a list with an array ``[d]`` or ``[m_i, d]`` or None for each text.
    progress
        Called with the number of texts embedded and of all texts.

    Raises
    ------
    InvalidArgument
        If there are more or fewer than texts, or a component is not finite.
    DimensionMismatch
        If the vectors do not all have the dimension of the space; the message names the index.
    EmbedderFailure
        If the embedder fails.
    """
    if vectors is not None and not isinstance(vectors, np.ndarray) and not isinstance(vectors, Sequence):
        vectors = np.asarray(vectors)
    if isinstance(vectors, np.ndarray) and vectors.ndim == 0:
        raise WrongType(f"vectors: expected an array or a list of arrays, found {vectors.dtype}")
    if isinstance(vectors, np.ndarray) and vectors.ndim == 2 and len(vectors) == len(texts) and len(texts):
        rows = matrix(vectors, "vectors", None if embedder is None else space_of(embedder)[1])
        return Keys(rows, None, space_of_given(embedder, rows.shape[1]))
    given = _given(embedder, len(texts), vectors)
    made = _made(embedder, texts, [at for at in range(len(texts)) if at not in given], progress)
    blocks = {**given, **made}
    if not blocks:
        return Keys()
    order = sorted(blocks)
    owners = np.repeat(np.array(order, dtype=np.int64), [len(blocks[at]) for at in order])
    stacked = np.concatenate([blocks[at] for at in order])
    return Keys(stacked, owners, space_of_given(embedder, stacked.shape[1]))


def _given(
    embedder: Embedder | None, count: int, vectors: npt.ArrayLike | Sequence[npt.ArrayLike | None] | None
) -> dict[int, Vectors]:
    if vectors is None:
        return {}
    assert isinstance(vectors, (Sequence, np.ndarray))
    if len(vectors) != count:
        raise InvalidArgument(f"vectors: expected one for each of {count} texts, found {len(vectors)}")
    dim = None if embedder is None else space_of(embedder)[1]
    blocks: dict[int, Vectors] = {}
    for at, one in enumerate(vectors):
        if one is None:
            continue
        block = matrix(one, f"vectors[{at}]")
        dim = dim or block.shape[1]
        if block.shape[1] != dim:
            raise DimensionMismatch(f"vectors[{at}]: expected {dim} dimensions, found {block.shape[1]}")
        blocks[at] = block
    return blocks


def _made(
    embedder: Embedder | None, texts: Sequence[str], positions: list[int], progress: Progress | None
) -> dict[int, Vectors]:
    if embedder is None:
        return {}
    blocks: dict[int, Vectors] = {}
    for start in range(0, len(positions), _BATCH):
        batch = positions[start : start + _BATCH]
        rows = embed(embedder, [texts[at] for at in batch])
        # A row of zeros has no direction: such a text is found by its words alone.
        blocks |= {at: row[None] for at, row in zip(batch, rows, strict=True) if row.any()}
        if progress is not None:
            progress(start + len(batch), len(positions))
    return blocks
