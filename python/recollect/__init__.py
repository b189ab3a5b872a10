"""A memory index for agents, in your process and in one file.

>>> import recollect
>>> with recollect.open() as memory:  # a path keeps it: recollect.open("agent.rcl", embedder="local")
...     outcome = memory.add("We moved to Harbour Lane in March.", speaker="Ilse", at="2026-03-07")
...     [hit.text for hit in memory.recall("when did they move", k=1)]
['We moved to Harbour Lane in March.']
"""

from importlib import import_module as _import
from typing import TYPE_CHECKING

from recollect import errors
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
from recollect.linking import Neighbour
from recollect.memory import Memory
from recollect.opening import open_memory as open
from recollect.records import (
    Change,
    Hit,
    Outcome,
    Recall,
    Receipt,
    Reconsolidate,
    Record,
    Signal,
    Step,
    Verification,
)
from recollect.semantic import SemanticStore
from recollect.using import Use

if TYPE_CHECKING:
    from recollect import activation, gpu, granularity, kvcache, lsh, rabitq, segmentation, utility
    from recollect.absence import Absence
    from recollect.attention import two_level_read
    from recollect.facts import Fact, Facts
    from recollect.graph import Graph
    from recollect.memory_timeline import MemoryTimeline
    from recollect.segmentation import Segmenter, segment
    from recollect.selecting import Cases
    from recollect.timeline import Timeline
    from recollect.vector_index import VectorIndex

__version__: str = _version()

_LATER = {
    "Absence": "absence",
    "Cases": "selecting",
    "Fact": "facts",
    "Facts": "facts",
    "Graph": "graph",
    "MemoryTimeline": "memory_timeline",
    "Segmenter": "segmentation",
    "Timeline": "timeline",
    "VectorIndex": "vector_index",
    "activation": "",
    "gpu": "",
    "granularity": "",
    "kvcache": "",
    "lsh": "",
    "rabitq": "",
    "segment": "segmentation",
    "segmentation": "",
    "two_level_read": "attention",
    "utility": "",
}
"""What is loaded when it is first asked for, and the module it is in."""


def __getattr__(name: str) -> object:
    if name not in _LATER:
        raise AttributeError(f"module 'recollect' has no attribute {name!r}")
    found = _import(f"recollect.{_LATER[name] or name}")
    value = getattr(found, name) if _LATER[name] else found
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})


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
    "MemoryTimeline",
    "Neighbour",
    "Outcome",
    "Recall",
    "Receipt",
    "RecollectError",
    "Reconsolidate",
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
    "granularity",
    "kvcache",
    "lsh",
    "open",
    "rabitq",
    "segment",
    "segmentation",
    "two_level_read",
    "utility",
]
