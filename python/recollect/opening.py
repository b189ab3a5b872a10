"""Opening a store."""

import os
from typing import Literal

from recollect._native import Store
from recollect.checks import KEEPS, one_of, text_of
from recollect.embedding.choosing import EmbedderLike, as_embedder
from recollect.errors import InvalidArgument, WrongType
from recollect.extracting import Extract
from recollect.handle import Clock, Handle
from recollect.memory import Memory
from recollect.options import Keep

__all__ = ["open_memory"]


def open_memory(
    path: str | os.PathLike[str] | None = None,
    *,
    embedder: EmbedderLike = None,
    migrating_from: EmbedderLike = None,
    durability: Literal["full", "normal"] = "full",
    read_only: bool = False,
    create: bool = True,
    language: str | None = "english",
    keep: Keep = "f32",
    clock: Clock | None = None,
    extract: Extract | None = None,
) -> Memory:
    """Open a store and return the memory of its root namespace.

    Parameters
    ----------
    path
        The file; None keeps everything in memory, and nothing on disk.
    embedder
        None (recall by words alone, and the trace says so), ``"local"`` (static vectors, needs
        ``recollect[local]``), an :class:`Embedder`, or a callable ``list[str] -> array [n, dim]``. Its
        identity is stored with the vectors; another embedder is refused later instead of mixing spaces, until
        :meth:`Memory.migrate` has moved the namespace to it.
    migrating_from
        The embedder before it, for namespaces that are still in its space: they are written and recalled with
        it, and with both while they move.
    durability
        ``"full"`` syncs each commit to the device; ``"normal"`` may lose the last commits when the power
        fails, never the store.
    read_only
        Open beside a writer in another process, without its lock.
    create
        Whether a missing file is made.
    language
        Whose stems and stop words the lexical index uses; None uses words as they are.
    keep
        The form in which namespaces without vectors will keep theirs; one that has some stays with its own.
        ``"f32"`` keeps what is given. ``"f16"`` (IEEE half precision, 11 significant bits) and ``"int8"``
        (whole numbers up to 127 times one scale for each vector) take half and a quarter of its bytes in the
        file, and three and one of its five bytes a dimension in memory, the codes that a search reads
        included. Vectors are rounded before they are written, for good: searches are exact over what is
        kept, and :meth:`Memory.vectors` and exports give that back. What it costs: with f16 cosines moved by
        0.00001 in the mean and 0.03 % of the ten nearest changed at most, with int8 by 0.0004 and 1 %
        (11,000 and 20,000 vectors of 256 and 384 dimensions).
    clock
        Tells the time of every call that is given no `now`; a datetime or microseconds since 1970 in UTC.
    extract
        Takes a text that is written and gives the facts in it, triples of subject, predicate and object, such
        as an LLM finds. They are kept as ``metadata["facts"]``, where they may also be given; memories that
        state something of the same entity are linked, with the relation ``shares``. If it raises, the write
        raises `ExtractorFailure` and nothing is written.

    Returns
    -------
    Memory
        To be closed, or used as a context manager.

    Raises
    ------
    StoreMissing
        If there is no file and `create` is False, or `read_only` is True.
    StoreLocked
        If another process writes to it.
    NotAStore, CorruptStore, FormatTooNew, UnsafeFileSystem
        If the file cannot be used; the message says why and what to do.
    EmbedderMissing
        If ``"local"`` is asked for and not installed.
    InvalidArgument, WrongType
        If an argument cannot be read. Later, at a write, if ``"f16"`` cannot hold a component (beyond 65504)
        where the metric of the embedder is not the cosine.

    Examples
    --------
    >>> import recollect
    >>> with recollect.open() as memory:
    ...     outcome = memory.add("The cat is called Biscuit.", speaker="Ilse")
    ...     memory.recall("name of the cat")[0].text
    'The cat is called Biscuit.'
    """
    name = None if path is None else _path(path)
    one_of(durability, ("full", "normal"), "durability")
    form = one_of(keep, KEEPS, "keep")
    for argument, value in (("read_only", read_only), ("create", create)):
        if not isinstance(value, bool):
            raise WrongType(f"{argument}: expected bool, found {type(value).__name__}")
    if language is not None:
        text_of(language, "language")
    if clock is not None and not callable(clock):
        raise WrongType(f"clock: expected a callable, found {type(clock).__name__}")
    if extract is not None and not callable(extract):
        raise WrongType(f"extract: expected a callable, found {type(extract).__name__}")
    chosen, before = as_embedder(embedder), as_embedder(migrating_from)
    if before is not None and chosen is None:
        raise InvalidArgument("migrating_from: needs `embedder`, the one to move to")
    store = Store.open(
        name, create=create, read_only=read_only, durability=durability, language=language, keep=form
    )
    return Memory(Handle.root(store, chosen, clock, [] if before is None else [before], extract))


def _path(path: str | os.PathLike[str]) -> str:
    if not isinstance(path, (str, os.PathLike)):
        raise WrongType(f"path: expected str or a path, found {type(path).__name__}")
    name = os.fspath(path)
    if not isinstance(name, str):
        raise WrongType("path: expected a path of type str, found bytes")
    if not name or "\0" in name:
        raise InvalidArgument("path: expected a file name; for a store in memory leave it out")
    return name
