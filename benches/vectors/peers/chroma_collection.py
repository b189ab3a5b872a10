"""Chroma: a collection in memory, searched through a graph."""

# ruff: noqa: D102 - `Engine` says what each method does.

from uuid import uuid4

import chromadb
import numpy as np
from chromadb.config import Settings

from benches.quality.retrieval_set import Array
from benches.vectors.engine import Engine, Ids, Place


class ChromaCollection(Engine):
    """One collection with cosine distance, 16 neighbours and no documents."""

    points = ({"ef": 200},)
    remark = "ef is fixed when a collection is made; a call for many queries picks its own threads"

    def __init__(self, place: Place) -> None:
        self._client = chromadb.EphemeralClient(Settings(anonymized_telemetry=False))
        graph = {"space": "cosine", "max_neighbors": 16, "ef_construction": place.ef_construction}
        graph |= {"ef_search": int(self.points[0]["ef"])}
        self._items = self._client.create_collection(
            f"bench-{uuid4().hex}", configuration={"hnsw": graph}, embedding_function=None
        )

    def build(self, vectors: Array, threads: int) -> None:
        step = self._client.get_max_batch_size()
        for start in range(0, len(vectors), step):
            rows = vectors[start : start + step]
            self._items.add(ids=[str(start + at) for at in range(len(rows))], embeddings=rows)

    def search(self, query: Array, k: int) -> Ids:
        return self._found(query[None], k)[0]

    def search_many(self, queries: Array, k: int, threads: int) -> Ids:
        return self._found(queries, k)

    def insert(self, key: int, vector: Array) -> None:
        self._items.add(ids=[str(key)], embeddings=vector[None])

    def delete(self, key: int) -> None:
        self._items.delete(ids=[str(key)])

    def close(self) -> None:
        self._client.delete_collection(self._items.name)

    def _found(self, queries: Array, k: int) -> Ids:
        found = self._items.query(query_embeddings=queries, n_results=k, include=[])
        return np.array(found["ids"]).astype(np.int64)
