"""Facts that a callable finds in texts, kept with the metadata of each memory."""

import json
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from recollect.checks import text_of
from recollect.errors import ExtractorFailure, InvalidArgument, WrongType

__all__ = ["Extract", "stated"]

Extract: TypeAlias = Callable[[str], Iterable[Sequence[str]]]
"""Takes a text and gives the facts in it: triples of subject, predicate and object."""


def stated(extract: Extract, text: str, metadata: str | None, *, anew: bool = False) -> str:
    """Return the metadata of a memory, as JSON, with the facts in its text.

    Parameters
    ----------
    extract
        What finds them.
    text
        What is remembered.
    metadata
        JSON without them; facts that it holds already come first.
    anew
        Leave out what it holds: those were the facts of another text.
    """
    found = json.loads(metadata) if metadata else {}
    given = found.get("facts")
    before = given if isinstance(given, list) and not anew else []
    after = [fact for fact in _facts(extract, text) if fact not in before]
    if after or anew:
        found["facts"] = before + after
    return json.dumps(found)


def _facts(extract: Extract, text: str) -> list[list[str]]:
    try:
        facts = [list(fact) for fact in extract(text)]
    except Exception as error:
        raise ExtractorFailure(f"the extractor raised {type(error).__name__}: {error}") from error
    for at, fact in enumerate(facts):
        if len(fact) != 3:
            raise ExtractorFailure(
                f"fact {at}: expected subject, predicate and object, found {len(fact)} parts"
            )
        try:
            for part in fact:
                text_of(part, f"fact {at}")
        except (WrongType, InvalidArgument) as error:
            raise ExtractorFailure(str(error)) from error
    return facts
