"""Embeddings of a server that speaks the protocol of OpenAI; the only embedder that leaves this machine."""

from importlib import import_module
from typing import Any

import numpy as np

from recollect.embedding.protocol import Vectors
from recollect.errors import EmbedderMissing, InvalidArgument

__all__ = ["OpenAIEmbedder"]


class OpenAIEmbedder:
    """Asks a server for the vectors, through a client that the caller configured.

    Parameters
    ----------
    model
        Name of the model on the server.
    dim
        Components of a vector; sent to the server where `shorten` is set.
    client
        An ``openai.OpenAI``; without one it is made on first use, with the settings of the environment.
    batch_size
        Most texts in one request.
    shorten
        Whether to ask the server for `dim` components, which only some models can give.

    Raises
    ------
    EmbedderMissing
        On first use without a client, if the library is not installed.
    """

    metric = "cosine"

    def __init__(
        self,
        model: str,
        dim: int,
        *,
        client: object = None,
        batch_size: int = 512,
        shorten: bool = False,
    ) -> None:
        if batch_size < 1:
            raise InvalidArgument(f"batch_size: expected an int above 0, found {batch_size}")
        self._client: Any = client
        self._model = model
        self._batch_size = batch_size
        self._options = {"dimensions": dim} if shorten else {}
        self.name = f"openai:{model}"
        self.dim = dim

    def embed(self, texts: list[str]) -> Vectors:
        """Return one row for each text, float32 ``[len(texts), dim]``."""
        if self._client is None:
            self._client = _client()
        rows: list[list[float]] = []
        for start in range(0, len(texts), self._batch_size):
            batch = texts[start : start + self._batch_size]
            answer = self._client.embeddings.create(
                model=self._model, input=batch, encoding_format="float", **self._options
            )
            rows.extend(item.embedding for item in sorted(answer.data, key=lambda item: item.index))
        return np.array(rows, dtype=np.float32).reshape(len(rows), -1)


def _client() -> Any:  # noqa: ANN401 -- a class of a library that may be absent
    try:
        library = import_module("openai")
    except ImportError as error:
        raise EmbedderMissing("this embedder needs its library: pip install openai") from error
    return library.OpenAI()
