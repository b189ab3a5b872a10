"""Export and import: JSON Lines and plain text.

A line of JSON is one memory: ``text`` and any of the fields below. Versions, status and mentions stay behind:
what is exported is what is recalled now, with the links of the caller and what is pinned, and without how
often it was of use. The uid in a line is its idempotency key, so that importing a file
twice adds nothing, and parents are found again under their new uids. Vectors are base64 of
little-endian float32 with their space; a store of another space leaves them and embeds the text itself.
"""

import errno
import json
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from recollect import linking, writing
from recollect.derived import BELOW
from recollect.embedding.protocol import Embedder
from recollect.errors import (
    DiskFull,
    InvalidArgument,
    RecollectError,
    StorageFailure,
    StoreMissing,
    WrongType,
)
from recollect.handle import Handle, Progress
from recollect.lines import Line, LinkLine, read_jsonl, read_text, write_line
from recollect.linking import OWN_RELATIONS
from recollect.reading import listed
from recollect.records import Record
from recollect.spaces import for_writes
from recollect.using import pin, uses
from recollect.vectors import space_of_given

__all__ = ["export", "import_file"]

BATCH = 512
"""Lines read before they are written."""
_PAGE = 1024
_COLUMNS: dict[str, Any] = {
    "at": None,
    "until": None,
    "speaker": None,
    "session": None,
    "metadata": None,
    "tags": (),
    "turn": None,
    "importance": 0.5,
    "confidence": 1.0,
}


def export(handle: Handle, path: str | os.PathLike[str], progress: Progress | None = None) -> int:
    """Write the memories of a namespace and of those below it; the file appears whole or not at all."""
    target = Path(path)
    own = len(handle.path)
    # Summaries are found by uids, which are others where they are read; a timeline says them anew there.
    below = (tuple(found) for found in handle.store.namespaces(list(handle.path)))
    inside = [found for found in below if BELOW not in found[own:]]
    handles = [handle.child(found[own:]) for found in inside]
    now = handle.now(None)
    total = sum(
        one.namespace.count(now=now, filter=None, kinds=None, start=None, end=None) for one in handles
    )
    done = 0
    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", newline="\n", dir=target.parent, prefix=f".{target.name}.", delete=False
        ) as file:
            try:
                for one in handles:
                    offset, links = 0, _links(one, now)
                    while page := listed(one, order="ingested", limit=_PAGE, offset=offset, now=now):
                        file.writelines(_page(one, page, own, now, links))
                        offset += len(page)
                        done += len(page)
                        if progress is not None:
                            progress(done, max(total, done))
                file.flush()
                os.fsync(file.fileno())
                Path(file.name).replace(target)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise
    except RecollectError:
        raise
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(f"no space left for {target}; nothing was written") from error
        raise StorageFailure(f"{target}: {error.strerror or error}") from error
    return done


def _links(handle: Handle, now: int) -> dict[str, list[LinkLine]]:
    """Return the links that callers made, by the memory they lead out of."""
    memories, ties = handle.namespace.links.all(now=now)
    found: dict[str, list[LinkLine]] = {}
    for src, dst, relation, weight, at, trusted in ties:
        if relation not in OWN_RELATIONS:
            link = (memories[dst][0], relation, weight, at, 1.0 if trusted else 0.0)
            found.setdefault(memories[src][0], []).append(link)
    return found


def _page(
    handle: Handle, page: list[Record], own: int, now: int, links: dict[str, list[LinkLine]]
) -> Iterator[str]:
    uids = [record.uid for record in page]
    rows, owners, space = handle.namespace.vectors(uids, now=now)
    pinned = [use.pinned for use in uses(handle, uids, now=now)]
    starts = np.searchsorted(owners, np.arange(len(page) + 1))
    for at, record in enumerate(page):
        vectors = rows[starts[at] : starts[at + 1]]
        known = vectors if len(vectors) else None
        yield write_line(record, own, known, space, links.get(record.uid, ()), pinned[at])


def import_file(
    handle: Handle, path: str | os.PathLike[str], format: str | None = None, progress: Progress | None = None
) -> int:
    """Read memories from a file and return how many lines were read.

    Lines are written in batches; those of a batch that share namespace, kind and origin are one transaction.
    """
    source = Path(path)
    lines = _reader(source, format)
    try:
        total = source.stat().st_size
        with source.open("rb") as file:
            return _import(handle, lines(file, total), total, progress)
    except RecollectError:
        raise
    except FileNotFoundError as error:
        raise StoreMissing(f"there is no file {source}") from error
    except OSError as error:
        raise StorageFailure(f"{source}: {error.strerror or error}") from error


def _reader(source: Path, format: str | None) -> Callable[[Any, int], Iterator[Line]]:
    chosen = format or ("jsonl" if source.suffix.lower() in (".jsonl", ".ndjson", ".json") else "text")
    readers = {"jsonl": read_jsonl, "text": read_text}
    if chosen not in readers:
        raise InvalidArgument(f"format: expected one of {', '.join(readers)}, found {str(chosen)[:40]!r}")
    return readers[chosen]


def _import(handle: Handle, lines: Iterator[Line], total: int, progress: Progress | None) -> int:
    uids: dict[str, str] = {}
    tied: list[Line] = []
    batch: list[Line] = []
    read = 0
    pending: set[str] = set()
    for line in lines:
        # A parent in the same batch has no uid yet: write what came before it first.
        if len(batch) >= BATCH or not pending.isdisjoint(line.parents):
            _write(handle, batch, uids)
            batch, pending = [], set()
        batch.append(line)
        if line.uid is not None and (line.links or line.pinned):
            tied.append(line)
        read += 1
        if line.uid is not None:
            pending.add(line.uid)
        if progress is not None and read % 64 == 0:
            progress(min(line.end, total), total)
    _write(handle, batch, uids)
    _tie(handle, tied, uids)
    if progress is not None:
        progress(total, total)
    return read


def _tie(handle: Handle, tied: list[Line], uids: dict[str, str]) -> None:
    """Link and pin what was read, once all of it is there; a link to a memory that was not read is left."""
    by_path: dict[tuple[str, ...], list[Line]] = {}
    for line in tied:
        by_path.setdefault(line.namespace, []).append(line)
    for path, lines in by_path.items():
        target = handle.child(path) if path else handle
        own = [(uids[line.uid], link) for line in lines if line.uid for link in line.links if link[0] in uids]
        for at in range(0, len(own), BATCH):
            part = own[at : at + BATCH]
            for trust in {link[4] for _, link in part}:
                same = [(src, link) for src, link in part if link[4] == trust]
                dsts, relations, weights, times, _ = zip(*(link for _, link in same), strict=True)
                linking.link(
                    target,
                    [src for src, _ in same],
                    [uids[dst] for dst in dsts],
                    list(relations),
                    weight=list(weights),
                    at=list(times),
                    source="import",
                    trust=trust,
                )
        if pinned := [uids[line.uid] for line in lines if line.uid and line.pinned]:
            pin(target, pinned, True)


def _write(handle: Handle, batch: list[Line], uids: dict[str, str]) -> None:
    groups: dict[tuple[tuple[str, ...], str], list[Line]] = {}
    for line in batch:
        groups.setdefault((line.namespace, line.shared), []).append(line)
    for (path, shared), lines in groups.items():
        options: dict[str, Any] = json.loads(shared)
        target = handle.child(path) if path else handle
        own = for_writes(target)[0]
        vectors = [line.vectors if _fits(own, line) else None for line in lines]
        for name, default in _COLUMNS.items():
            options[name] = [line.fields.get(name, default) for line in lines]
        try:
            outcomes = writing.add(
                target,
                [line.text for line in lines],
                single=False,
                **options,
                vectors=vectors if any(one is not None for one in vectors) else None,
                keys=[None if line.uid is None else f"import:{line.uid}" for line in lines],
                parents=[[uids.get(parent, parent) for parent in line.parents] for line in lines],
                duplicates="noop" if all(line.uid is None for line in lines) else "keep",
            )
        except (InvalidArgument, WrongType) as error:
            raise type(error)(_named_by_line(str(error), lines)) from error
        for line, outcome in zip(lines, outcomes, strict=True):
            if line.uid is not None:
                uids[line.uid] = outcome.uid


def _fits(embedder: Embedder | None, line: Line) -> bool:
    """Whether the vectors of a line lie in the space that is written to."""
    if line.vectors is None or line.space is None:
        return True
    return line.space == space_of_given(embedder, line.vectors.shape[1])


def _named_by_line(message: str, lines: list[Line]) -> str:
    """Return a message in which the index of a text has become the number of its line."""
    found = re.match(r"(\w+)\[(\d+)\](.*)", message, re.DOTALL)
    if found and int(found[2]) < len(lines):
        return f"line {lines[int(found[2])].number}: {found[1]}{found[3]}"
    return f"lines {lines[0].number} to {lines[-1].number}: {message}"
