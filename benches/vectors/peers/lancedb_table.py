"""LanceDB: a table in a folder, scanned or with an index over it."""

# ruff: noqa: D102 - `Engine` says what each method does.

from itertools import product
from typing import Any

import lancedb
import numpy as np
import pyarrow as pa
from lancedb.index import HnswSq

from benches.quality.retrieval_set import Array
from benches.vectors.engine import Engine, Ids, Place, Point


class LancedbTable(Engine):
    """Ids and vectors, every search a scan."""

    exact_points = ({},)
    remark = "its files lie in the cache of the system"

    def __init__(self, place: Place) -> None:
        self.path = place.folder / "lance"
        self._place = place
        self._point: Point = {}
        self._table = lancedb.connect(str(self.path)).create_table(
            "vec",
            schema=pa.schema(
                [("id", pa.int64()), ("vector", pa.list_(pa.float32(), place.dim))],
            ),
        )

    def build(self, vectors: Array, threads: int) -> None:
        self._table.add(_rows(np.arange(len(vectors)), vectors))

    def use(self, point: Point) -> None:
        self._point = point

    def search(self, query: Array, k: int) -> Ids:
        return self._asked(query, k).column("id").to_numpy()

    def search_many(self, queries: Array, k: int, threads: int) -> Ids:
        found = self._asked(list(queries), k)
        order = np.argsort(found.column("query_index").to_numpy(), kind="stable")
        return found.column("id").to_numpy()[order].reshape(len(queries), -1)

    def insert(self, key: int, vector: Array) -> None:
        self._table.add(_rows(np.array([key]), vector[None]))

    def delete(self, key: int) -> None:
        self._table.delete(f"id = {key}")

    def _asked(self, asked: Array | list[Array], k: int) -> pa.Table:
        query: Any = self._table.search(asked, vector_column_name="vector").distance_type("cosine")
        if self._point:
            query = query.ef(int(self._point["ef"])).refine_factor(int(self._point["refine"]))
        return query.select(["id", "_distance"]).limit(k).to_arrow()


class LancedbHnsw(LancedbTable):
    """The same with a graph over quantised vectors in one partition, and plain vectors to rank candidates."""

    exact_points = ()
    points = tuple({"ef": ef, "refine": factor} for ef, factor in product((40, 80, 160, 320), (1, 2, 4)))
    remark = "its files lie in the cache of the system; new rows are scanned"

    def build(self, vectors: Array, threads: int) -> None:
        super().build(vectors, threads)
        config = HnswSq(
            distance_type="cosine", num_partitions=1, m=16, ef_construction=self._place.ef_construction
        )
        self._table.create_index("vector", config=config)


def _rows(keys: Ids, vectors: Array) -> pa.Table:
    flat = pa.array(np.ascontiguousarray(vectors).reshape(-1))
    return pa.table(
        {
            "id": pa.array(keys, pa.int64()),
            "vector": pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1]),
        }
    )
