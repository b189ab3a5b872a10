"""The tree of errors."""

import pickle

import pytest

import recollect
from recollect import errors

CLASSES = [getattr(errors, name) for name in errors.__all__]
BUILT_IN = {
    "InvalidArgument": ValueError,
    "WrongType": TypeError,
    "CycleFound": errors.InvalidArgument,
    "DimensionMismatch": errors.InvalidArgument,
    "SpaceMismatch": errors.InvalidArgument,
    "LimitExceeded": errors.InvalidArgument,
    "UnknownMemory": KeyError,
    "StoreClosed": ValueError,
    "StoreReadOnly": PermissionError,
    "ForkedStore": RuntimeError,
    "StoreLocked": BlockingIOError,
    "StoreMissing": FileNotFoundError,
    "NotAStore": OSError,
    "CorruptStore": OSError,
    "FormatTooNew": OSError,
    "CommitUnknown": OSError,
    "DiskFull": OSError,
    "UnsafeFileSystem": OSError,
    "Cancelled": RuntimeError,
    "StorageFailure": OSError,
    "EmbedderMissing": RuntimeError,
    "EmbedderFailure": RuntimeError,
    "ExtractorFailure": RuntimeError,
    "LibraryMissing": ModuleNotFoundError,
    "GpuUnavailable": RuntimeError,
    "GpuForked": RuntimeError,
}


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_each_is_built_from_its_message_and_pickles(kind: type[Exception]) -> None:
    error = kind("k: must be above 0")
    assert str(error) == "k: must be above 0"
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert str(again) == str(error)
    assert isinstance(error, recollect.RecollectError)


@pytest.mark.parametrize(("name", "base"), BUILT_IN.items())
def test_each_is_the_built_in_of_its_meaning(name: str, base: type[Exception]) -> None:
    assert issubclass(getattr(errors, name), base)


def test_the_table_above_is_complete() -> None:
    assert {"RecollectError", *BUILT_IN} == set(errors.__all__)


def test_an_unknown_memory_is_a_key_error_that_reads_well(lexical: recollect.Memory) -> None:
    with pytest.raises(KeyError) as caught:
        lexical.get("0" * 32)
    assert isinstance(caught.value, recollect.UnknownMemory)
    assert str(caught.value).startswith("no memory 000")
