"""Embedders: what turns texts into vectors, at the edge of the store and never inside it.

| file | embedder | needs |
|---|---|---|
| `protocol` | what an embedder is, and the checks of what it returns | |
| `choosing` | which one is meant by what a caller gives | |
| `callable` | a function of the caller | |
| `local` | static word vectors inside a wheel, no network | ``recollect[local]`` |
| `sentence_transformers`, `model2vec` | models the caller has | their libraries |
| `openai` | a server | its library, a network |
| `hashing` | hashed words, for tests | |

The adapters are imported from their own files, so that none of the libraries is touched before it is needed.
"""

from recollect.embedding.callable import CallableEmbedder
from recollect.embedding.choosing import EmbedderLike
from recollect.embedding.protocol import Embedder

__all__ = ["CallableEmbedder", "Embedder", "EmbedderLike"]
