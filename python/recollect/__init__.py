"""A memory index for agents, in your process and in one file.

>>> import recollect
>>> with recollect.open() as memory:  # a path keeps it: recollect.open("agent.rcl", embedder="local")
...     outcome = memory.add("We moved to Harbour Lane in March.", speaker="Ilse", at="2026-03-07")
...     [hit.text for hit in memory.recall("when did they move", k=1)]
['We moved to Harbour Lane in March.']
"""

from recollect import activation, errors, gpu, lsh, rabitq, segmentation, utility
from recollect._native import version as _version
from recollect.absence import Absence
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
from recollect.linking import Neighbour
from recollect.memory import Memory
from recollect.opening import open_memory as open
from recollect.records import Change, Hit, Outcome, Recall, Receipt, Record, Signal, Step, Verification
from recollect.segmentation import Segmenter, segment
from recollect.selecting import Cases
from recollect.semantic import SemanticStore
from recollect.timeline import Timeline
from recollect.using import Use
from recollect.vector_index import VectorIndex

__version__: str = _version()

__all__ = [
    "Absence",
    "CallableEmbedder",
    "Cases",
    "Change",
    "Embedder",
    "EpisodicStore",
    "Fact",
    "Facts",
    "Graph",
    "Hit",
    "InvalidArgument",
    "Memory",
    "Neighbour",
    "Outcome",
    "Recall",
    "Receipt",
    "RecollectError",
    "Record",
    "Segmenter",
    "SemanticStore",
    "Signal",
    "Step",
    "StoreLocked",
    "StoreMissing",
    "Timeline",
    "UnknownMemory",
    "Use",
    "VectorIndex",
    "Verification",
    "__version__",
    "activation",
    "errors",
    "gpu",
    "lsh",
    "open",
    "rabitq",
    "segment",
    "segmentation",
    "utility",
]
