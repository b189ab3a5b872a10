"""A memory index for agents, in your process and in one file.

>>> import recollect
>>> with recollect.open() as memory:  # a path keeps it: recollect.open("agent.rcl", embedder="local")
...     outcome = memory.add("We moved to Harbour Lane in March.", speaker="Ilse", at="2026-03-07")
...     [hit.text for hit in memory.recall("when did they move", k=1)]
['We moved to Harbour Lane in March.']
"""

from recollect import activation, errors, lsh, rabitq, segmentation
from recollect._native import version as _version
from recollect.embedding.callable import CallableEmbedder
from recollect.embedding.protocol import Embedder
from recollect.episodic import EpisodicStore
from recollect.errors import (
    InvalidArgument,
    RecollectError,
    StoreLocked,
    StoreMissing,
    UnknownMemory,
)
from recollect.facts import Fact, Facts
from recollect.graph import Graph
from recollect.memory import Memory
from recollect.opening import open_memory as open
from recollect.records import Change, Hit, Outcome, Recall, Receipt, Record, Signal, Verification
from recollect.segmentation import Segmenter, segment
from recollect.semantic import SemanticStore
from recollect.timeline import Timeline
from recollect.vector_index import VectorIndex

__version__: str = _version()

__all__ = [
    "CallableEmbedder",
    "Change",
    "Embedder",
    "EpisodicStore",
    "Fact",
    "Facts",
    "Graph",
    "Hit",
    "InvalidArgument",
    "Memory",
    "Outcome",
    "Recall",
    "Receipt",
    "RecollectError",
    "Record",
    "Segmenter",
    "SemanticStore",
    "Signal",
    "StoreLocked",
    "StoreMissing",
    "Timeline",
    "UnknownMemory",
    "VectorIndex",
    "Verification",
    "__version__",
    "activation",
    "errors",
    "lsh",
    "open",
    "rabitq",
    "segment",
    "segmentation",
]
