"""Models of the library `sentence-transformers`."""

from importlib import import_module
from typing import Any

import numpy as np

from recollect.embedding.protocol import Vectors
from recollect.errors import EmbedderMissing

__all__ = ["SentenceTransformersEmbedder"]


class SentenceTransformersEmbedder:
    """Embeds with a model of sentence-transformers.

    Parameters
    ----------
    model
        A loaded ``SentenceTransformer``, or the name or the folder of one. A name is looked up on this
        machine only; to download a model, load it yourself and pass it.
    name
        Identity stored with the vectors; of a loaded model without a name it has to be given.
    batch_size
        Texts embedded at a time.
    prompt
        Put before each text, where the model wants one.

    Raises
    ------
    EmbedderMissing
        If the library is not installed, or the model is not on this machine.
    """

    metric = "cosine"

    def __init__(
        self, model: object, *, name: str | None = None, batch_size: int = 64, prompt: str | None = None
    ) -> None:
        loaded: Any = _load(model) if isinstance(model, str) else model
        self._model = loaded
        self._options: dict[str, Any] = {
            "batch_size": batch_size,
            "show_progress_bar": False,
            "convert_to_numpy": True,
        }
        if prompt is not None:
            self._options["prompt"] = prompt
        self.name = name or (model if isinstance(model, str) else _name_of(model))
        self.dim = int(self._model.get_sentence_embedding_dimension())

    def embed(self, texts: list[str]) -> Vectors:
        """Return unit rows, float32 ``[len(texts), dim]``."""
        return np.asarray(
            self._model.encode(texts, normalize_embeddings=True, **self._options), dtype=np.float32
        )


def _load(model: str) -> Any:  # noqa: ANN401 -- a class of a library that may be absent
    try:
        library = import_module("sentence_transformers")
    except ImportError as error:
        raise EmbedderMissing("this embedder needs its library: pip install sentence-transformers") from error
    try:
        return library.SentenceTransformer(model, local_files_only=True)
    except OSError as error:
        raise EmbedderMissing(
            f"the model {model!r} is not on this machine; load it yourself and pass it"
        ) from error


def _name_of(model: object) -> str:
    card = getattr(model, "model_card_data", None)
    name = getattr(card, "base_model", None) or getattr(card, "model_id", None)
    return f"sentence-transformers:{name}" if name else f"sentence-transformers:{type(model).__name__}"
