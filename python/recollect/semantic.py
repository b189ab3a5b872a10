"""What is known: statements about a subject, revised as they change."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypedDict, Unpack

import numpy.typing as npt

from recollect import claiming, reading, recalling, writing
from recollect.checks import text_of
from recollect.errors import InvalidArgument
from recollect.handle import Handle
from recollect.options import AddManyOptions, AddOptions, RecallOptions
from recollect.records import Change, Outcome, Recall, Record
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

    def learn(
        self,
        text: str | None = None,
        *,
        subject: str | None = None,
        predicate: str | None = None,
        object: str | None = None,
        evidence: str | Record | Sequence[str | Record] = (),
        policy: str | claiming.Judge = "supersede",
        **options: Unpack[AddOptions],
    ) -> Outcome:
        """Learn a statement.

        With a predicate and an object it is a fact: it holds from `at` (always, if not given) until `until`
        (for ever), and those that it contradicts, of the same subject and predicate, another object and a
        time in common, give way. What they said stays on record: :meth:`about` answers as of any two times.

        Parameters
        ----------
        text
            The statement; of a fact, by default its three parts.
        subject
            What it is about; kept in ``metadata["subject"]``, for :meth:`about`.
        predicate, object
            What is said of it, and of what; kept in the metadata too.
        evidence
            Memories that support it: they are linked to it by ``supports``, and are its parents. Where it
            is known already, that is noted as a mention, and they support what is there.
        policy
            What becomes of the facts it contradicts: ``"supersede"`` (they hold before and after it),
            ``"latest_wins"`` (they are deleted), ``"keep_both"`` (they stand, linked by ``contradicts``),
            ``"by_confidence"`` (as ``"supersede"``, unless one is surer: then the new one is deleted at
            once, and only on record); or a callable that gets the old record and the new text, and says
            ``"independent"``, ``"extends"`` (the new one takes its place, over the time of both) or
            ``"contradicts"`` (the old one is deleted).
        **options
            As of :meth:`Memory.add`.

        Returns
        -------
        Outcome
            What the write did; ``gave_way`` says what became of those it contradicted.

        Raises
        ------
        InvalidArgument, WrongType
            If an argument cannot be read; nothing is written.
        UnknownMemory
            If evidence is not there; nothing is written.
        """
        arguments: dict[str, Any] = {**options}
        arguments["vectors"], arguments["keys"] = arguments.pop("vector", None), arguments.pop("key", None)
        arguments["metadata"] = _with_subject(options.get("metadata"), subject, "metadata")
        fact = claiming.of_fact(subject, predicate, object)
        if fact is not None:
            said = " ".join((fact["subject"], fact["predicate"], fact["object"])) if text is None else text
            return claiming.claim(self._handle, said, fact, evidence, policy, arguments)
        if evidence:
            raise InvalidArgument("evidence: only a fact has some; give a predicate and an object")
        if text is None:
            raise InvalidArgument("text: expected a text, or a subject, a predicate and an object")
        return writing.add(self._handle, [text], single=True, kind=_KIND, **arguments)[0]

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

    def revise(
        self,
        uid: str,
        text: str | None = None,
        *,
        object: str | None = None,
        **options: Unpack[ReviseOptions],
    ) -> Outcome:
        """Correct what is known; the old version stays in the history, and is what was believed until now.

        Where the world has changed rather than what is known of it, :meth:`learn` the new fact.

        Parameters
        ----------
        uid
            The memory.
        text
            The statement as it is now; by default the parts of the fact.
        object
            Of what a fact says it now.
        **options
            As of :meth:`Memory.update`.

        Raises
        ------
        UnknownMemory
            If no memory has this uid.
        InvalidArgument, WrongType
            If an argument cannot be read; nothing is written.
        """
        if object is None:
            if text is None:
                raise InvalidArgument("text: expected a text, or the object of a fact")
            return writing.update(self._handle, uid, text=text, **options)
        told = reading.get(self._handle, uid, now=options.get("now")).metadata
        fact = claiming.of_fact(told.get(_SUBJECT), told.get("predicate"), object)
        assert fact is not None
        arguments: dict[str, Any] = {**options}
        arguments["metadata"] = {**(options.get("metadata") or told), **fact}
        said = " ".join((fact["subject"], fact["predicate"], fact["object"])) if text is None else text
        return writing.update(self._handle, uid, text=said, **arguments)

    def about(
        self,
        subject: str,
        limit: int | None = None,
        *,
        predicate: str | None = None,
        at: Time | None = None,
        known_at: Time | None = None,
    ) -> list[Record]:
        """Return what holds of a subject, what was learned last first.

        Parameters
        ----------
        subject
            The subject, exactly as it was learned.
        limit
            Most memories to return.
        predicate
            Only what is said by this predicate.
        at
            When it holds; now if not given, or `known_at`.
        known_at
            As it was known then: see :meth:`Memory.recall`. As it is known now if not given.

        Raises
        ------
        InvalidArgument, WrongType
            If an argument cannot be read.
        """
        return claiming.about(self._handle, subject, limit, predicate=predicate, at=at, known_at=known_at)

    def value(
        self, subject: str, predicate: str, *, at: Time | None = None, known_at: Time | None = None
    ) -> str | None:
        """Return the object of the fact that holds, the last learned of several; see :meth:`about`."""
        facts = claiming.about(self._handle, subject, None, predicate=predicate, at=at, known_at=known_at)
        return next((fact.metadata["object"] for fact in facts if "object" in fact.metadata), None)

    def between(
        self,
        start: Time | None,
        end: Time | None,
        *,
        subject: str,
        predicate: str | None = None,
        known_at: Time | None = None,
    ) -> list[Record]:
        """Return what holds of a subject at some time in ``[start, end)``, what was learned last first."""
        return claiming.between(
            self._handle, start, end, subject=subject, predicate=predicate, known_at=known_at
        )

    def contradictions(
        self, subject: str, *, predicate: str | None = None, known_at: Time | None = None
    ) -> list[tuple[Record, Record]]:
        """Return pairs of facts that cannot both hold, the older first.

        They have the same subject and predicate, two objects, and a time in common.
        """
        return claiming.contradictions(self._handle, subject, predicate=predicate, known_at=known_at)

    def history(self, subject: str, *, predicate: str | None = None) -> list[Change]:
        """Return every event of all that was ever stated of a subject, oldest first.

        What was superseded and deleted is there; what was erased is not. It reads all that is past in the
        namespace.
        """
        return claiming.history(self._handle, subject, predicate=predicate)

    def supported_only_by(self, uid: str | Record | Sequence[str | Record]) -> list[str]:
        """Return the facts that would be without evidence if these memories were forgotten."""
        return claiming.supported_only_by(self._handle, uid)

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
