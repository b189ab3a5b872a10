"""Which of the embedders of an open store belongs to which embedding space of a namespace."""

from recollect.embedding.protocol import Embedder, space_of
from recollect.handle import Handle
from recollect.rows import SpaceRow
from recollect.vectors import GIVEN, space_of_given

__all__ = ["Open", "embedder_of", "for_query", "for_vector", "for_writes", "learn", "opened"]

Open = tuple[SpaceRow | None, SpaceRow | None]
"""The space of a namespace, and the one it moves to."""


def learn(handle: Handle, embedder: Embedder) -> None:
    """Let every handle of the store use an embedder for namespaces in its space."""
    if embedder_of(handle, space_of(embedder)) is None:
        handle.others.append(embedder)


def embedder_of(handle: Handle, space: SpaceRow | None) -> Embedder | None:
    """Return the embedder of a space, or None if the store knows none."""
    if space is None:
        return None
    return next((one for one in _known(handle) if space_of(one) == space), None)


def _known(handle: Handle) -> list[Embedder]:
    return [*([] if handle.embedder is None else [handle.embedder]), *handle.others]


def opened(handle: Handle) -> Open:
    """Return the spaces that are open in a namespace."""
    own, following, _, _ = handle.namespace.migration.spaces()
    return own, following


def for_writes(handle: Handle) -> tuple[Embedder | None, Embedder | None]:
    """Return the embedder of what is written, and the one of the space that the namespace moves to."""
    if handle.embedder is None and not handle.others:
        return None, None
    own, following = opened(handle)
    first, second = embedder_of(handle, own), embedder_of(handle, following)
    if first is not None:
        return first, second
    # Without the embedder of its own space a memory is found by the next one.
    return second or handle.embedder, None


def for_query(handle: Handle, spaces: list[Open]) -> tuple[Embedder | None, bool]:
    """Return the embedder of a query over namespaces with these spaces, and whether there is one for all.

    The space that most of them are in comes first: it is complete where another one still fills.
    """
    filled = [pair for pair in spaces if pair != (None, None)]
    if not handle.others or not filled:
        return handle.embedder, True
    fitting = [one for one in _known(handle) if all(space_of(one) in pair for pair in filled)]
    if not fitting:
        return handle.embedder, False
    return max(fitting, key=lambda one: sum(space_of(one) == own for own, _ in filled)), True


def for_vector(handle: Handle, spaces: list[Open], dim: int) -> SpaceRow:
    """Return the space of a vector that the caller brings: of the open ones the first that it fits."""
    if handle.others:
        both = [pair[0] for pair in spaces] + [pair[1] for pair in spaces]
        for space in both:
            known = space is not None and (space[0] == GIVEN or embedder_of(handle, space) is not None)
            if space is not None and known and space[1] == dim:
                return space
    return space_of_given(handle.embedder, dim)
