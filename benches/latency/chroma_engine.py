"""Chroma as a store of memories: vectors in a graph, the texts beside them."""

from pathlib import Path
from uuid import uuid4

import chromadb
from chromadb.config import Settings

from benches.quality.retrieval_set import Array


class ChromaEngine:
    """One collection with cosine distance and its default settings.

    Parameters
    ----------
    path
        A folder; None for memory.
    """

    def __init__(self, path: Path | None) -> None:
        quiet = Settings(anonymized_telemetry=False)
        client = (
            chromadb.EphemeralClient(quiet)
            if path is None
            else chromadb.PersistentClient(str(path), settings=quiet)
        )
        self._client = client
        self._size = 0
        self._items = client.create_collection(
            f"bench-{uuid4().hex}", configuration={"hnsw": {"space": "cosine"}}, embedding_function=None
        )

    def add(self, texts: list[str], rows: Array) -> None:
        """Add texts with their vectors, in the largest batches it takes."""
        step = self._client.get_max_batch_size()
        for start in range(0, len(texts), step):
            batch = texts[start : start + step]
            names = [str(self._size + at) for at in range(len(batch))]
            self._items.add(ids=names, documents=batch, embeddings=rows[start : start + step])
            self._size += len(batch)

    def nearest(self, vector: Array, k: int) -> list[int]:
        """Return the positions of the nearest vectors."""
        found = self._items.query(query_embeddings=[vector], n_results=k, include=["distances"])
        return [int(name) for name in found["ids"][0]]

    def recall(self, vector: Array, k: int) -> list[str]:
        """Return the texts with the nearest vectors."""
        found = self._items.query(query_embeddings=[vector], n_results=k, include=["documents"])
        documents = found["documents"]
        assert documents is not None
        return documents[0]

    def close(self) -> None:
        """Drop the collection."""
        self._client.delete_collection(self._items.name)
