"""Forgetting: out of recall with the history kept, or out of every file."""

from collections.abc import Sequence

from recollect import writing
from recollect.checks import text_of, uids_of
from recollect.derived import drop
from recollect.errors import InvalidArgument, WrongType
from recollect.filters import Filter
from recollect.handle import Handle
from recollect.reading import listed
from recollect.records import Receipt
from recollect.times import Time

__all__ = ["forget"]


def forget(
    handle: Handle,
    uid: str | Sequence[str] | None = None,
    *,
    filter: Filter | None = None,
    erase: bool = False,
    reason: str = "",
    now: Time | None = None,
) -> Receipt:
    """Forget memories by identity or by filter; `erase` leaves no byte of them in any file."""
    if not isinstance(erase, bool):
        raise WrongType(f"erase: expected bool, found {type(erase).__name__}")
    text_of(reason, "reason")
    if (uid is None) == (filter is None):
        raise InvalidArgument("uid: give either `uid` or `filter`")
    if filter is not None and not filter:
        raise InvalidArgument("filter: an empty filter would forget everything in the namespace")
    uids = tuple(dict.fromkeys(uids_of(uid) if filter is None else _kept(handle, filter, now)))
    if not uids:
        return Receipt("done")
    unsupported = tuple(handle.namespace.claims.supported_only_by(list(uids), now=handle.now(now)))
    if not erase:
        outcomes = writing.delete(handle, list(uids), reason=reason, now=now)
        deleted = tuple(outcome.uid for outcome in outcomes if outcome.op == "deleted")
        return Receipt("done", deleted=deleted, unsupported=unsupported)
    # Before, so that a crash in between leaves no summary of what is gone; after, for one made meanwhile.
    drop(handle, uids)
    state = handle.namespace.forget(list(uids), now=handle.now(now))
    drop(handle, uids)
    return Receipt("done" if state == "done" else "pending", erased=uids, unsupported=unsupported)


def _kept(handle: Handle, filter: Filter, now: Time | None) -> list[str]:
    return [record.uid for record in listed(handle, filter, order="ingested", now=now)]
