"""What an embedder is, and the checks of what it returns."""

from collections.abc import Sequence
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np
import numpy.typing as npt

from recollect.errors import EmbedderFailure, RecollectError
from recollect.rows import SpaceRow

__all__ = ["Embedder", "Vectors", "checked", "embed", "space_of"]

Vectors: TypeAlias = npt.NDArray[np.float32]


@runtime_checkable
class Embedder(Protocol):
    """Turns texts into vectors; its identity `(name, dim, metric)` is stored with the vectors."""

    @property
    def name(self) -> str:
        """Name of the model; another name is another embedding space."""
        ...

    @property
    def dim(self) -> int:
        """Components of a vector."""
        ...

    @property
    def metric(self) -> str:
        """How vectors are compared: ``cosine``."""
        ...

    def embed(self, texts: list[str]) -> Vectors:
        """Return one row for each text, float32 ``[len(texts), dim]``."""
        ...


def space_of(embedder: Embedder) -> SpaceRow:
    """Return the identity of the embedding space: name, dimensions, metric.

    Raises
    ------
    EmbedderFailure
        If the embedder states no usable identity.
    """
    name, dim, metric = embedder.name, embedder.dim, embedder.metric
    if not isinstance(name, str) or not name:
        raise EmbedderFailure(f"embedder: its name must be a text that is not empty, found {name!r}")
    if isinstance(dim, bool) or not isinstance(dim, (int, np.integer)) or dim < 1:
        raise EmbedderFailure(f"embedder {name}: its dim must be an int above 0, found {dim!r}")
    if not isinstance(metric, str):
        raise EmbedderFailure(
            f"embedder {name}: its metric must be a text such as 'cosine', found {metric!r}"
        )
    return name, int(dim), metric


def embed(embedder: Embedder, texts: Sequence[str]) -> Vectors:
    """Embed texts in one batch and check what comes back.

    Returns
    -------
    numpy.ndarray
        float32 ``[len(texts), dim]``, C-contiguous, finite.

    Raises
    ------
    EmbedderFailure
        If the embedder raises, or returns another shape, another type or a component that is not finite; the
        message names the embedder and the index of the text.
    """
    name, dim, _ = space_of(embedder)
    try:
        raw = embedder.embed(list(texts))
    except RecollectError:
        raise
    except Exception as error:
        raise EmbedderFailure(f"embedder {name}: {type(error).__name__}: {error}") from error
    return checked(raw, name, len(texts), dim)


def checked(raw: object, name: str, count: int, dim: int | None) -> Vectors:
    """Return what an embedder gave as float32 ``[count, dim]``, or raise `EmbedderFailure`."""
    try:
        found = np.asarray(raw)
    except Exception as error:
        raise EmbedderFailure(f"embedder {name}: returned no array: {error}") from error
    if found.dtype.kind not in "fiu":
        raise EmbedderFailure(f"embedder {name}: returned an array of {found.dtype}, expected float32")
    if found.ndim != 2 or found.shape[0] != count or (dim is not None and found.shape[1] != dim):
        wanted = f"({count}, {'any' if dim is None else dim})"
        raise EmbedderFailure(f"embedder {name}: returned the shape {found.shape}, expected {wanted}")
    with np.errstate(over="ignore"):
        vectors = np.ascontiguousarray(found, dtype=np.float32)
    finite = np.isfinite(vectors).all(axis=1)
    if not finite.all():
        raise EmbedderFailure(f"embedder {name}: texts[{int(np.argmin(finite))}]: a component is not finite")
    return vectors
