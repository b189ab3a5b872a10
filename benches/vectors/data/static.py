"""Static vectors of sentences by the local embedder, alone or with those of the sentences that follow."""

from pathlib import Path

import numpy as np

from benches.quality.retrieval_set import Array
from benches.vectors.data.pieces import Pieces, pieces
from benches.vectors.data.vector_set import distinct, unit
from recollect.embedding.local import LocalEmbedder

DIM = 256
_OF_NEXT = 128
_SPARE = 1.04
"""Some pieces share their vector with another, as those with the same words do."""


def static(folder: Path, count: int, dim: int, cache: Path | None) -> tuple[Array, Array]:
    """Return vectors of as many pieces without duplicates, and of sentences from other texts as queries.

    Parameters
    ----------
    folder
        Folder of sets.
    count
        How many; fewer if the texts hold fewer.
    dim
        256, or 384 for the first 128 numbers of the sentence that follows behind those.
    cache
        A folder where the vectors are kept from one run to the next.
    """
    wanted = int(count * _SPARE)
    size = sum(path.stat().st_size for path in folder.glob("*/*.jsonl.gz"))
    kept = [cache / f"static-{wanted}-{size}-{part}.npy" for part in ("base", "asked")] if cache else []
    if kept and all(path.exists() for path in kept):
        made = [np.load(path) for path in kept]
    else:
        made = [_rows(part) for part in pieces(folder, wanted)]
        for path, part in zip(kept, made, strict=False):
            np.save(path, part)
    rows, asked = (unit(part[:, :dim]) for part in made)
    return rows[distinct(rows)[:count]], asked[distinct(asked)]


def _rows(made: Pieces) -> Array:
    embedder = LocalEmbedder()
    rows = np.empty((len(made.texts), DIM + _OF_NEXT), dtype=np.float32)
    step = 16_384
    for start in range(0, len(rows), step):
        part = slice(start, start + step)
        rows[part, :DIM] = embedder.embed(made.texts[part])
        rows[part, DIM:] = embedder.embed(made.next_texts[part])[:, :_OF_NEXT]
    return rows[np.linalg.norm(rows[:, :DIM], axis=1) > 0.5]
