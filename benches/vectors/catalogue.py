"""All engines by name, with the sizes at which a row of theirs takes sane time."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from benches.vectors.engine import Engine, Place

MILLION, HUNDRED_THOUSAND, TEN_THOUSAND = 1_000_000, 100_000, 10_000
OURS = "recollect"


@dataclass(frozen=True, slots=True)
class Entry:
    """How an engine comes about.

    Parameters
    ----------
    name
        Its name in the tables.
    module, kind
        The file under `benches.vectors` and the class in it.
    options
        What the class takes besides its place.
    most
        The largest size that it is measured at.
    every_dim
        Whether it is measured at other dimensions than the main one.
    hnsw
        Whether it is a graph of that kind.
    search, mix, lsh, pauses
        In which works it takes part.
    """

    name: str
    module: str
    kind: str
    options: tuple[object, ...] = ()
    most: int = HUNDRED_THOUSAND
    every_dim: bool = False
    hnsw: bool = False
    search: bool = True
    mix: bool = True
    lsh: bool = False
    pauses: bool = False

    def make(self, place: Place) -> Engine:
        """Return the engine, empty; importing its library is part of it."""
        module = import_module(f"benches.vectors.{self.module}")
        make: Callable[..., Engine] = getattr(module, self.kind)
        return make(place, *self.options)


ENTRIES = (
    Entry(
        "recollect", "recollect_index", "RecollectIndex", ("f32",), most=MILLION, every_dim=True, pauses=True
    ),
    Entry("recollect f16", "recollect_index", "RecollectIndex", ("f16",)),
    Entry("recollect int8", "recollect_index", "RecollectIndex", ("int8",), most=MILLION, pauses=True),
    *(
        Entry(
            f"recollect LSH {family} {bits} x {tables}",
            "recollect_lsh",
            "RecollectLsh",
            (family, bits, tables),
            search=False,
            mix=False,
            lsh=True,
        )
        for family, bits, tables in (
            ("cross-polytope", 8, 16),
            ("cross-polytope", 9, 16),
            ("cross-polytope", 9, 32),
            ("hyperplane", 8, 16),
            ("hyperplane", 10, 32),
            ("fly", 640, 1),
        )
    ),
    Entry("faiss flat", "peers.faiss_flat", "FaissFlat", most=MILLION, every_dim=True, pauses=True),
    Entry("faiss HNSW", "peers.faiss_hnsw", "FaissHnsw", most=MILLION, every_dim=True, hnsw=True),
    Entry("faiss IVF", "peers.faiss_ivf", "FaissIvf"),
    Entry(
        "faiss IVFPQ fast-scan + refine",
        "peers.faiss_ivf",
        "FaissIvfPq",
        most=MILLION,
        every_dim=True,
        mix=False,
    ),
    Entry("faiss IVF RaBitQ + refine", "peers.faiss_ivf", "FaissIvfRabitq", mix=False),
    Entry(
        "faiss IVF RaBitQ fast-scan + refine",
        "peers.faiss_ivf",
        "FaissIvfRabitqFastScan",
        most=MILLION,
        every_dim=True,
        mix=False,
    ),
    Entry("faiss LSH + refine", "peers.faiss_lsh", "FaissLsh", mix=False, lsh=True),
    Entry(
        "faiss LSH, 2 bits + refine", "peers.faiss_lsh", "FaissLsh", (2,), mix=False, search=False, lsh=True
    ),
    Entry(
        "hnswlib", "peers.hnswlib_graph", "HnswlibGraph", most=MILLION, every_dim=True, hnsw=True, pauses=True
    ),
    *(
        Entry(f"usearch {kind}", "peers.usearch_graph", "UsearchGraph", (kind,), hnsw=True)
        for kind in ("f32", "f16", "i8")
    ),
    Entry("qdrant-edge", "peers.qdrant_shard", "QdrantShard", hnsw=True),
    Entry("chroma", "peers.chroma_collection", "ChromaCollection", hnsw=True),
    Entry("lancedb HNSW", "peers.lancedb_table", "LancedbHnsw", hnsw=True, mix=False),
    Entry("lancedb", "peers.lancedb_table", "LancedbTable"),
    Entry("sqlite-vec", "peers.sqlite_vec_table", "SqliteVecTable"),
    Entry("numpy", "peers.numpy_scan", "NumpyScan"),
)
