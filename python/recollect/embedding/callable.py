"""A function from texts to vectors as an embedder."""

from collections.abc import Callable
from threading import Lock

import numpy.typing as npt

from recollect.embedding.protocol import Vectors, checked
from recollect.errors import EmbedderFailure, WrongType

__all__ = ["CallableEmbedder"]


class CallableEmbedder:
    """Wraps a function ``list[str] -> array [n, dim]``.

    Parameters
    ----------
    function
        Called with a list of texts; returns one row for each.
    name
        Identity of the model, stored with the vectors. Without one it is the qualified name of the function:
        give a name if the function may be renamed, or if one function may stand for several models.
    dim
        Components of a vector. Without it, the first use embeds one short text to find out.
    metric
        How vectors are compared.

    Examples
    --------
    >>> import numpy as np
    >>> embedder = CallableEmbedder(lambda texts: np.ones((len(texts), 3)), name="ones")
    >>> embedder.dim
    3
    """

    def __init__(
        self,
        function: Callable[[list[str]], npt.ArrayLike],
        *,
        name: str | None = None,
        dim: int | None = None,
        metric: str = "cosine",
    ) -> None:
        if not callable(function):
            raise WrongType(f"function: expected a callable, found {type(function).__name__}")
        self._function = function
        self._dim = dim
        self._lock = Lock()
        self.name = name or _qualified(function)
        self.metric = metric

    @property
    def dim(self) -> int:
        """Components of a vector.

        Raises
        ------
        EmbedderFailure
            If the function has to be asked and fails.
        """
        if self._dim is None:
            with self._lock:
                if self._dim is None:
                    try:
                        probe = self._function(["dimension"])
                    except Exception as error:
                        raise EmbedderFailure(
                            f"embedder {self.name}: {type(error).__name__}: {error}"
                        ) from error
                    self._dim = int(checked(probe, self.name, 1, None).shape[1])
        return self._dim

    def embed(self, texts: list[str]) -> Vectors:
        """Return one row for each text, float32 ``[len(texts), dim]``."""
        return checked(self._function(texts), self.name, len(texts), self._dim)


def _qualified(function: object) -> str:
    kind = function if hasattr(function, "__qualname__") else type(function)
    return f"{getattr(kind, '__module__', None)}.{getattr(kind, '__qualname__', 'callable')}"
