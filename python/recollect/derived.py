"""Summaries of memories: memories themselves, in a namespace below that of what they are derived from.

A summary bears as tags the uids of all it may quote, and the nodes of which summaries were shown to its
maker. What forgets or changes a memory erases what is derived from it, over as many steps as there are. A
summary is never updated and never deleted with its history kept, so that whatever quotes a memory is found.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace

from recollect.errors import InvalidArgument, LimitExceeded, UnknownMemory
from recollect.handle import Handle
from recollect.rows import RecordRow

__all__ = ["BELOW", "drop", "erase", "home", "listed", "marks", "node_mark", "version"]

BELOW = "timeline summaries"
"""Name of the namespace."""

_MOST = 128
_ASKED = 200


def home(handle: Handle) -> Handle:
    """Return the handle of the summaries of a namespace."""
    return replace(handle.child((BELOW,)), extract=None)


def node_mark(tree: str, name: str) -> str:
    """Return the tag of what was made from the summary of a node."""
    # Only here: it loads a library of its own.
    from hashlib import blake2b

    return "=" + blake2b(f"{tree} {name}".encode(), digest_size=8).hexdigest()


def marks(tags: Iterable[str]) -> list[str]:
    """Return tags by which a summary made from these is found: uids and marks of nodes, or groups of many."""
    nodes: set[str] = set()
    uids: set[str] = set()
    for tag in tags:
        (nodes if tag.startswith("=") else uids).add(tag)
    if len(uids) > _MOST:
        uids = {_group(uid) for uid in uids}
    if len(nodes) > _MOST // 2:
        nodes = {_group(node) for node in nodes}
    return sorted(uids) + sorted(nodes)


def _group(tag: str) -> str:
    """Return the group of a tag: one of 128 for uids, of 64 for nodes; a group is its own."""
    start = "=" if tag.startswith("=") else ""
    if tag.startswith(f"{start}~"):
        return tag
    return f"{start}~{int(tag[-2:], 16) >> (2 if start else 1)}"


def listed(handle: Handle) -> list[RecordRow]:
    """Return all summaries of a namespace."""
    below = home(handle)
    return below.namespace.list(now=below.now(None), order="ingested")


def version(handle: Handle) -> int:
    """Return a number that grows with every change of the summaries of a namespace."""
    events: int = json.loads(home(handle).namespace.stats())["events"]
    return events


def drop(handle: Handle, uids: Sequence[str]) -> int:
    """Erase every summary that may quote one of these memories, and return how many there were."""
    if BELOW in handle.path or not uids:
        return 0
    try:
        below = home(handle)
    except (InvalidArgument, LimitExceeded):
        # So deep that nothing can lie below it.
        return 0
    time = below.now(None)
    if below.namespace.count(now=time) == 0:
        return 0
    gone: dict[str, None] = {}
    wanted = set(uids)
    while wanted:
        tags = wanted | {_group(tag) for tag in wanted}
        asked = json.dumps({"tags": {"$in": sorted(tags)}}) if len(tags) <= _ASKED else None
        rows = below.namespace.list(filter=asked, now=time)
        found = [row for row in rows if row[0] not in gone and not tags.isdisjoint(row[6])]
        gone.update(dict.fromkeys(row[0] for row in found))
        wanted = {json.loads(row[5])["node"] for row in found}
    erase(below, list(gone))
    return len(gone)


def erase(below: Handle, uids: Sequence[str]) -> None:
    """Erase summaries; those that another thread erased meanwhile are gone already."""
    if not uids:
        return
    try:
        below.namespace.forget(list(uids), now=below.now(None))
    except UnknownMemory:
        if len(uids) > 1:
            for uid in uids:
                erase(below, [uid])
