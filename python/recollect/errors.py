"""Everything recollect raises, as one small tree.

Each error is also the built-in that Python has for the same meaning, so that ``except KeyError`` or
``except FileNotFoundError`` work, and each is built from one string, so that all of them pickle. Messages say
what to do next and never contain the text of a memory.
"""

__all__ = [
    "Cancelled",
    "CommitUnknown",
    "CorruptStore",
    "CycleFound",
    "DimensionMismatch",
    "DiskFull",
    "EmbedderFailure",
    "EmbedderMissing",
    "ExtractorFailure",
    "ForkedStore",
    "FormatTooNew",
    "GpuForked",
    "GpuUnavailable",
    "InvalidArgument",
    "LibraryMissing",
    "LimitExceeded",
    "NotAStore",
    "RecollectError",
    "SpaceMismatch",
    "StorageFailure",
    "StoreClosed",
    "StoreLocked",
    "StoreMissing",
    "StoreReadOnly",
    "UnknownMemory",
    "UnsafeFileSystem",
    "WrongType",
]


class RecollectError(Exception):
    """Base of every error of this package."""


class InvalidArgument(RecollectError, ValueError):
    """An argument is out of its domain; the message begins with its name and, among many, its index."""


class WrongType(RecollectError, TypeError):
    """An argument has a type that is not accepted there."""


class DimensionMismatch(InvalidArgument):
    """A vector has another number of components than the embedding space of the namespace."""


class SpaceMismatch(InvalidArgument):
    """The vectors of the call come from another embedder than those in the namespace."""


class LimitExceeded(InvalidArgument):
    """A value is larger than the store allows."""


class CycleFound(InvalidArgument):
    """What should be an order of dependence goes in a circle; the message names its nodes."""


class UnknownMemory(RecollectError, KeyError):
    """No memory, vector, node, event or fact has this identity where it was looked for."""

    def __str__(self) -> str:
        """Return the message itself, where ``KeyError`` would put it in quotes."""
        return str(self.args[0]) if self.args else ""


class StoreClosed(RecollectError, ValueError):
    """The store was closed; open it again."""


class StoreReadOnly(RecollectError, PermissionError):
    """The store was opened for reading only."""


class StoreLocked(RecollectError, BlockingIOError):
    """Another process is writing to this store."""


class StoreMissing(RecollectError, FileNotFoundError):
    """There is no store at this path."""


class NotAStore(RecollectError, OSError):
    """The file is not a store, or not a saved index, of recollect."""


class CorruptStore(RecollectError, OSError):
    """What is in the file is not what was written."""


class FormatTooNew(RecollectError, OSError):
    """The file was written by a later version of recollect."""


class CommitUnknown(RecollectError, OSError):
    """A commit raised, and whether it took place is not known: repeat it with the same idempotency key."""


class DiskFull(RecollectError, OSError):
    """The device has no room left; nothing was written."""


class UnsafeFileSystem(RecollectError, OSError):
    """The file system cannot carry a store safely."""


class StorageFailure(RecollectError, OSError):
    """The operating system or the storage engine refused."""


class ForkedStore(RecollectError, RuntimeError):
    """The store was opened in another process, of which this one is a fork."""


class Cancelled(RecollectError, RuntimeError):
    """A call was stopped; callers see the ``KeyboardInterrupt`` that stopped it instead."""


class EmbedderMissing(RecollectError, RuntimeError):
    """What is asked for needs an embedder, or a library behind one, that is not there."""


class EmbedderFailure(RecollectError, RuntimeError):
    """The embedder raised, or returned something that is no array of vectors."""


class ExtractorFailure(RecollectError, RuntimeError):
    """What finds facts in texts raised, or returned something that is no list of triples."""


class LibraryMissing(RecollectError, ModuleNotFoundError):
    """A part of the package needs a library that is not there; the message says what to install."""


class GpuUnavailable(RecollectError, RuntimeError):
    """A GPU, or a library for it, is asked for and not there; the message says what to install."""


class GpuForked(RecollectError, RuntimeError):
    """The GPU was used in another process, of which this one is a fork."""
