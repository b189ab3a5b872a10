"""Which embedder is meant by what a caller gives."""

from collections.abc import Callable
from typing import TypeAlias, cast

import numpy.typing as npt

from recollect.embedding.callable import CallableEmbedder
from recollect.embedding.protocol import Embedder
from recollect.errors import InvalidArgument, WrongType

__all__ = ["EmbedderLike", "as_embedder"]

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
        return CallableEmbedder(value)
    raise WrongType(f"embedder: expected 'local', an Embedder or a callable, found {type(value).__name__}")
