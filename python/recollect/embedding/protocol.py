"""What an embedder is, and the checks of what it returns."""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias, cast, runtime_checkable

import numpy as np
import numpy.typing as npt

from recollect.errors import EmbedderFailure, InvalidArgument, RecollectError, WrongType
from recollect.rows import SpaceRow

__all__ = ["Embedder", "EmbedderLike", "Vectors", "as_embedder", "embed", "space_of"]

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


EmbedderLike: TypeAlias = Embedder | Callable[[list[str]], "npt.ArrayLike"] | str | None
"""What is accepted as an embedder: one, a function from texts to an array, the word ``local``, or none."""


def as_embedder(value: EmbedderLike) -> Embedder | None:
    """Return the embedder that is meant.

    Parameters
    ----------
    value
        None, an :class:`Embedder`, a callable from ``list[str]`` to an array ``[n, dim]``, or ``"local"``.

    Raises
    ------
    EmbedderMissing
        If ``"local"`` is asked for and its libraries are not installed.
    InvalidArgument
        If a text other than ``"local"`` is given.
    WrongType
        If it is none of these.
    """
    if value is None:
        return None
    if isinstance(value, str):
        if value != "local":
            raise InvalidArgument(
                f"embedder: expected 'local', an Embedder or a callable, found {value[:40]!r}"
            )
        from recollect.embedding.local import LocalEmbedder

        return LocalEmbedder()
    if not isinstance(value, type) and callable(getattr(value, "embed", None)):
        for attribute in ("name", "dim", "metric"):
            if not hasattr(value, attribute):
                raise WrongType(
                    f"embedder: {type(value).__name__} has embed() but no attribute {attribute!r}"
                )
        return cast("Embedder", value)
    if callable(value) and not isinstance(value, type):
        from recollect.embedding.callable import CallableEmbedder

        return CallableEmbedder(value)
    raise WrongType(f"embedder: expected 'local', an Embedder or a callable, found {type(value).__name__}")


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
