"""Qdrant Edge: a shard of Qdrant inside the process."""

# ruff: noqa: D102 - `Engine` says what each method does.

import numpy as np
import qdrant_edge as qdrant

from benches.quality.retrieval_set import Array
from benches.vectors.engine import EFS, Engine, Ids, Place, Point

_BATCH = 5_000


class QdrantShard(Engine):
    """One shard with 16 neighbours; what comes after the building waits in a segment that is scanned."""

    points = EFS
    remark = "new points stay in a segment that is scanned; a call for many queries picks its own threads"

    def __init__(self, place: Place) -> None:
        self.path = place.folder / "qdrant"
        self.path.mkdir()
        graph = qdrant.HnswIndexConfig(16, place.ef_construction, 0, max_indexing_threads=2)
        config = qdrant.EdgeConfig(
            vectors=qdrant.EdgeVectorParams(place.dim, qdrant.Distance.Dot),
            hnsw_config=graph,
            optimizers=qdrant.EdgeOptimizersConfig(default_segment_number=1, indexing_threshold=1),
            max_search_threads=1,
        )
        self._shard = qdrant.EdgeShard.create(str(self.path), config)
        self._parameters = qdrant.SearchParams(hnsw_ef=64)

    def build(self, vectors: Array, threads: int) -> None:
        for start in range(0, len(vectors), _BATCH):
            rows = enumerate(vectors[start : start + _BATCH], start)
            self._upsert([qdrant.Point(at, row) for at, row in rows])
        self._shard.optimize()

    def use(self, point: Point) -> None:
        self._parameters = qdrant.SearchParams(hnsw_ef=int(point["ef"]))

    def search(self, query: Array, k: int) -> Ids:
        request = qdrant.SearchRequest(qdrant.Query.Nearest(query), k, params=self._parameters)
        return np.array([hit.id for hit in self._shard.search(request)], dtype=np.int64)

    def search_many(self, queries: Array, k: int, threads: int) -> Ids:
        asked = [
            qdrant.QueryRequest(k, query=qdrant.Query.Nearest(query), params=self._parameters)
            for query in queries
        ]
        found = self._shard.query_batch(qdrant.QueryBatchRequest(asked))
        return np.array([[hit.id for hit in hits] for hits in found], dtype=np.int64)

    def insert(self, key: int, vector: Array) -> None:
        self._upsert([qdrant.Point(key, vector)])

    def delete(self, key: int) -> None:
        self._shard.update(qdrant.UpdateOperation.delete_points([key]))

    def close(self) -> None:
        self._shard.close()

    def _upsert(self, points: list[qdrant.Point]) -> None:
        self._shard.update(qdrant.UpdateOperation.upsert_points(points))
