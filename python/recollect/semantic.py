"""What is known: statements about a subject, revised as they change."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypedDict, Unpack

import numpy.typing as npt

from recollect import reading, recalling, writing
from recollect.checks import text_of
from recollect.errors import InvalidArgument
from recollect.handle import Handle
from recollect.options import AddManyOptions, AddOptions, RecallOptions
from recollect.records import Outcome, Recall, Record
from recollect.times import Time

__all__ = ["ReviseOptions", "SemanticStore"]

_KIND = "semantic"
_SUBJECT = "subject"


class ReviseOptions(TypedDict, total=False):
    """What :meth:`SemanticStore.revise` takes beside the text."""

    metadata: Mapping[str, Any] | None
    tags: Sequence[str] | None
    at: Time | None
    until: Time | None
    importance: float | None
    confidence: float | None
    vector: npt.ArrayLike | None
    expect_version: int | None
    key: str | None
    reason: str
    now: Time | None


class SemanticStore:
    """The semantic memories of one namespace; reached as :attr:`Memory.semantic`."""

    __slots__ = ("_handle",)

    def __init__(self, handle: Handle) -> None:
        self._handle = handle

    def learn(self, text: str, *, subject: str | None = None, **options: Unpack[AddOptions]) -> Outcome:
        """Learn a statement.

        Parameters
        ----------
        text
            The statement.
        subject
            What it is about; kept in ``metadata["subject"]``, for :meth:`about`.
        **options
            As of :meth:`Memory.add`.

        Returns
        -------
        Outcome
            What the write did.

        Raises
        ------
        InvalidArgument, WrongType
            If an argument cannot be read; nothing is written.
        """
        arguments = {**options, "vectors": options.get("vector"), "keys": options.get("key")}
        arguments.pop("vector", None)
        arguments.pop("key", None)
        arguments["metadata"] = _with_subject(options.get("metadata"), subject, "metadata")
        return writing.add(self._handle, [text], single=True, kind=_KIND, **arguments)[0]  # type: ignore[arg-type]

    def learn_many(
        self, texts: Iterable[str], *, subject: str | None = None, **options: Unpack[AddManyOptions]
    ) -> list[Outcome]:
        """Learn many statements about one subject in one transaction; options as of `Memory.add_many`.

        Raises
        ------
        InvalidArgument, WrongType
            If an argument cannot be read; the message names its index and nothing is written.
        """
        metadata = options.pop("metadata", None)
        if metadata is None or isinstance(metadata, Mapping):
            options["metadata"] = _with_subject(metadata, subject, "metadata")
        else:
            options["metadata"] = [
                _with_subject(one, subject, f"metadata[{at}]") for at, one in enumerate(metadata)
            ]
        return writing.add(self._handle, texts, single=False, kind=_KIND, **options)

    def revise(self, uid: str, text: str, **options: Unpack[ReviseOptions]) -> Outcome:
        """Replace what is known; the old version stays in the history.

        Parameters
        ----------
        uid
            The memory.
        text
            The statement as it is now.
        **options
            As of :meth:`Memory.update`.

        Raises
        ------
        UnknownMemory
            If no memory has this uid.
        InvalidArgument, WrongType
            If an argument cannot be read; nothing is written.
        """
        return writing.update(self._handle, uid, text=text, **options)

    def about(self, subject: str, limit: int | None = None) -> list[Record]:
        """Return what is known about a subject, what was learned last first.

        Parameters
        ----------
        subject
            The subject, exactly as it was learned.
        limit
            Most memories to return.
        """
        where = {f"metadata.{_SUBJECT}": text_of(subject, "subject")}
        return reading.listed(self._handle, where, kind=_KIND, order="-ingested", limit=limit)

    def recall(self, query: str | None, k: int = 10, **options: Unpack[RecallOptions]) -> Recall:
        """Recall semantic memories; the options are those of :meth:`Memory.recall`.

        Raises
        ------
        InvalidArgument, WrongType
            If an argument cannot be read.
        EmbedderFailure
            If the embedder fails.
        """
        return recalling.recall(self._handle, query, k, kinds=_KIND, **options)


def _with_subject(
    metadata: Mapping[str, Any] | None, subject: str | None, argument: str
) -> Mapping[str, Any] | None:
    if subject is None:
        return metadata
    text_of(subject, "subject")
    if metadata is None:
        return {_SUBJECT: subject}
    if isinstance(metadata, Mapping) and metadata.get(_SUBJECT, subject) != subject:
        raise InvalidArgument(f"{argument}: its 'subject' is not the subject of the call")
    return {**metadata, _SUBJECT: subject}
