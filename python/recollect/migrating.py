"""The way of a namespace from one embedding space to another, a batch at a time."""

from typing import Any

import numpy as np

from recollect.checks import count_of
from recollect.embedding.choosing import EmbedderLike, as_embedder
from recollect.embedding.protocol import Embedder, embed, space_of
from recollect.errors import EmbedderMissing, RecollectError, WrongType
from recollect.handle import Handle, Progress
from recollect.rows import SpaceRow
from recollect.spaces import embedder_of, learn
from recollect.vectors import embedded_text

__all__ = ["STEP", "abandon", "aside", "migrate", "start", "status", "step"]

STEP = 8
"""Memories that a call embeds on the side."""


def status(handle: Handle) -> dict[str, Any] | None:
    """Return how far the migration of a namespace is, or None without one."""
    own, following, done, total = handle.namespace.migration.spaces()
    if following is None:
        return None
    return {"from": _told(own), "to": _told(following), "done": done, "total": total}


def _told(space: SpaceRow | None) -> dict[str, Any] | None:
    return None if space is None else dict(zip(("name", "dim", "metric"), space, strict=True))


def start(handle: Handle, embedder: EmbedderLike) -> Embedder:
    """Open the space of an embedder, or go on with a migration to it; return the embedder."""
    chosen = as_embedder(embedder)
    if chosen is None:
        following = handle.namespace.migration.spaces()[1]
        chosen = embedder_of(handle, following) or handle.embedder
    if chosen is None:
        raise EmbedderMissing("embedder: give the one to move to, or open the store with it")
    handle.namespace.migration.start(space_of(chosen), now=handle.now(None))
    learn(handle, chosen)
    return chosen


def migrate(handle: Handle, embedder: EmbedderLike, batch: int, progress: Progress | None) -> int:
    """Start or go on, to the end; return how many memories were embedded."""
    size = count_of(batch, "batch", 1)
    if progress is not None and not callable(progress):
        raise WrongType(f"progress: expected a callable, found {type(progress).__name__}")
    chosen = start(handle, embedder)
    space, embedded = space_of(chosen), 0
    while True:
        _, following, done, total = handle.namespace.migration.spaces()
        if following != space:
            return embedded
        moved = _batch(handle, chosen, space, size)
        embedded += moved
        if progress is not None:
            progress(min(done + moved, total), total)


def step(handle: Handle) -> None:
    """Embed a few memories of an open migration, if the store knows the embedder of its space."""
    if handle.store.read_only or (handle.embedder is None and not handle.others):
        return
    following = handle.namespace.migration.spaces()[1]
    embedder = embedder_of(handle, following)
    if embedder is not None and following is not None:
        _batch(handle, embedder, following, STEP)


def aside(handle: Handle) -> dict[str, Any] | None:
    """Go on after a call that is answered already; return how far it is, and why it does not get on."""
    failed: dict[str, Any] = {}
    try:
        step(handle)
    except RecollectError as error:
        # The answer is worth more than the progress: what failed is told beside it.
        failed = {"failed": f"{type(error).__name__}: {error}"}
    far = status(handle)
    return None if far is None else far | failed


def abandon(handle: Handle) -> bool:
    """End a migration where it is; return whether there was one."""
    return handle.namespace.migration.abandon(now=handle.now(None))


def _batch(handle: Handle, embedder: Embedder, space: SpaceRow, size: int) -> int:
    rows = handle.namespace.migration.pending(space, size)
    texts = [embedded_text(text, speaker) for _, _, text, speaker in rows]
    vectors = embed(embedder, texts) if texts else np.zeros((0, space[1]), dtype=np.float32)
    # A row of zeros has no direction: such a text is found by its words alone.
    told = vectors.any(axis=1)
    handle.namespace.migration.embed(
        [(uid, version) for uid, version, _, _ in rows],
        vectors=np.ascontiguousarray(vectors[told]),
        owners=np.flatnonzero(told).astype(np.int64),
        space=space,
        now=handle.now(None),
    )
    return len(rows)
