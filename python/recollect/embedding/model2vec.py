"""Static models of the library `model2vec`."""

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from recollect.embedding.protocol import Vectors
from recollect.errors import EmbedderMissing

__all__ = ["Model2VecEmbedder"]


class Model2VecEmbedder:
    """Embeds with a static model of model2vec.

    Parameters
    ----------
    model
        A loaded ``StaticModel``, or the folder of one on this machine.
    name
        Identity stored with the vectors; without one it is taken from the model.

    Raises
    ------
    EmbedderMissing
        If the library is not installed.
    """

    metric = "cosine"

    def __init__(self, model: object, *, name: str | None = None) -> None:
        loaded: Any = _load(model) if isinstance(model, str) else model
        self._model = loaded
        self.dim = int(self._model.dim)
        self.name = name or f"model2vec:{getattr(self._model, 'base_model_name', None) or self.dim}"

    def embed(self, texts: list[str]) -> Vectors:
        """Return unit rows, float32 ``[len(texts), dim]``; a row of zeros where a text has no token."""
        vectors = np.array(self._model.encode(texts), dtype=np.float32)
        length = np.linalg.norm(vectors, axis=-1, keepdims=True)
        np.divide(vectors, length, out=vectors, where=length > 0)
        return vectors


def _load(folder: str) -> Any:  # noqa: ANN401 -- a class of a library that may be absent
    try:
        library = import_module("model2vec")
    except ImportError as error:
        raise EmbedderMissing("this embedder needs its library: pip install model2vec") from error
    if not Path(folder).is_dir():
        raise EmbedderMissing(f"there is no folder {folder!r}; load the model with StaticModel and pass it")
    return library.StaticModel.from_pretrained(folder)
