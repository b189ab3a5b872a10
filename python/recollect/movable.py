"""The migration of a memory to another embedding space, with its documentation."""

from typing import Any

from recollect import migrating
from recollect.embedding.choosing import EmbedderLike
from recollect.handle import Handle, Progress

__all__ = ["Movable"]


class Movable:
    """What moves a namespace to another embedder; a part of :class:`Memory`.

    While a namespace moves, it has vectors in two embedding spaces and stays in use. Its own space is
    complete and answers recall until the last memory has been embedded in the next one; one commit then makes
    that the space of the namespace. If the process ends in between, the migration goes on where it was.
    """

    __slots__ = ()

    _handle: Handle

    def migrate(
        self, embedder: EmbedderLike = None, *, batch: int = 64, progress: Progress | None = None
    ) -> int:
        """Move this namespace to the space of another embedder, and return how many memories were embedded.

        Starts a migration or goes on with one, and embeds every memory that can be recalled. Each batch is
        one commit: Ctrl-C keeps what is done, and the next call goes on from there. Namespaces below have
        migrations of their own.

        Parameters
        ----------
        embedder
            The one to move to, as for :func:`recollect.open`; every handle of this store knows it from now
            on. None for that of the migration that is open, else the one the store was opened with.
        batch
            Memories embedded in one call of the embedder.
        progress
            Called after each batch with the number of memories embedded and of all.

        Raises
        ------
        EmbedderMissing, EmbedderFailure
            If there is no embedder, or it fails; the batches before are kept.
        SpaceMismatch
            While the namespace moves to another space: finish or abandon that first.

        Notes
        -----
        Vectors that a memory was written with stay in the file with that version, as its history does, until
        they are erased; vectors that a migration made go when the next one is done. ``forget(erase=True)``
        reaches those of every space. Vectors of the caller are replaced by those of the embedder. From the
        first migration on the file has format 2, which earlier versions of this package refuse.
        """
        return migrating.migrate(self._handle, embedder, batch, progress)

    def start_migration(self, embedder: EmbedderLike = None) -> dict[str, Any] | None:
        """Open the space of another embedder, and let the calls to come fill it.

        Each :meth:`add`, :meth:`add_many`, :meth:`update` and :meth:`recall` of this namespace, in this store
        or one opened with the embedder, then embeds eight more memories: a write before it is done, a recall
        after it is answered. What is written meanwhile is embedded in every space whose embedder is at hand:
        ``recollect.open(path, embedder=new, migrating_from=old)`` has both. :meth:`migrate` does the rest at
        once.

        Parameters
        ----------
        embedder
            As of :meth:`migrate`.

        Returns
        -------
        dict or None
            What ``stats()["migration"]`` says: ``from`` and ``to`` (spaces), ``done`` and ``total``
            (memories); None where there is nothing to move.

        Raises
        ------
        EmbedderMissing, EmbedderFailure, SpaceMismatch
            As :meth:`migrate`.
        """
        migrating.start(self._handle, embedder)
        return migrating.status(self._handle)

    def abandon_migration(self) -> bool:
        """End a migration where it is and drop the vectors it made; return whether there was one."""
        return migrating.abandon(self._handle)
