"""What a vector index refuses: named, before anything changes."""

import copy
import pickle
from collections.abc import Callable

import numpy as np
import pytest

import recollect
from recollect import VectorIndex
from recollect.errors import DimensionMismatch, InvalidArgument, LimitExceeded, UnknownMemory, WrongType


@pytest.mark.parametrize(
    ("call", "kind", "words"),
    [
        (lambda x: VectorIndex(0), InvalidArgument, "dim"),
        (lambda x: VectorIndex(8193), LimitExceeded, "dim"),
        (lambda x: VectorIndex(2.5), WrongType, "dim"),
        (lambda x: VectorIndex(3, "l2"), InvalidArgument, "metric"),
        (lambda x: VectorIndex(3, keep="f64"), InvalidArgument, "keep"),
        (lambda x: VectorIndex(3, keep=None), WrongType, "keep"),
        (lambda x: x.add([1, 2]), DimensionMismatch, "vectors: expected 3 dimensions, found 2"),
        (lambda x: x.add(5), InvalidArgument, "vectors: expected the shape"),
        (lambda x: x.add([[[1, 2, 3]]]), InvalidArgument, "vectors: expected the shape"),
        (lambda x: x.add([[1, 2, 3], [1, 2]]), InvalidArgument, "vectors: rows of different"),
        (lambda x: x.add(["a", "b", "c"]), WrongType, "vectors: expected real"),
        (lambda x: x.add([1j, 0, 0]), WrongType, "vectors: expected real"),
        (lambda x: x.add([[1, 2, 3], [1, np.nan, 3]]), InvalidArgument, r"vectors\[1\]: component 1 is NaN"),
        (lambda x: x.add([1, 2, 1e300]), InvalidArgument, r"vectors\[0\]: component 2 is infinite"),
        (lambda x: x.add([1, 2, 3], [1, 2]), InvalidArgument, "ids: 2 ids for 1 vectors"),
        (lambda x: x.add([1, 2, 3], [0.5]), WrongType, "ids"),
        (lambda x: x.add([1, 2, 3], [[1]]), InvalidArgument, "ids"),
        (lambda x: x.add([1, 2, 3], [2**63]), LimitExceeded, "ids"),
        (lambda x: x.add([1, 2, 3], ["a"]), WrongType, "ids"),
        (lambda x: x.add([[1, 2, 3]] * 2, [7, 7]), InvalidArgument, r"ids\[1\]: 7 is given twice"),
        (lambda x: x.add([[1, 2, 3]] * 2, [7, 1]), InvalidArgument, r"ids\[1\]: 1 is in the index"),
        (lambda x: x.remove([0, 9]), UnknownMemory, r"ids\[1\]: no vector 9"),
        (lambda x: x.remove([0, 0]), InvalidArgument, r"ids\[1\]: 0 is given twice, first as ids\[0\]"),
        (lambda x: x.update([9], [1, 2, 3]), KeyError, "no vector 9"),
        (lambda x: x.update([0, 1], [1, 2, 3]), InvalidArgument, "ids: 2 ids for 1"),
        (lambda x: x.update([0, 0], [[1, 2, 3]] * 2), InvalidArgument, r"ids\[1\]: 0 is given twice"),
        (lambda x: x.update([0, 1], [[1, 2, 3], [np.inf] * 3]), InvalidArgument, r"vectors\[1\]"),
        (lambda x: x.vectors([0, 77]), KeyError, r"ids\[1\]: no vector 77"),
        (lambda x: x.search([1, 2, 3], 0), ValueError, "k: expected at least 1"),
        (lambda x: x.search(np.ones(3, dtype=np.float32), -1), ValueError, "k: expected at least 1"),
        (lambda x: x.search([1, 2, 3], True), TypeError, "k"),
        (lambda x: x.search([1, 2, 3], 1 << 70), LimitExceeded, "k"),
        (lambda x: x.search([[1, 2, 3]]), InvalidArgument, "query: expected the shape"),
        (lambda x: x.search(7), InvalidArgument, "query: expected the shape"),
        (lambda x: x.search(np.ones(2, dtype=np.float32)), DimensionMismatch, "query: expected 3 dim"),
        (lambda x: x.search(np.float32([1, np.inf, 2])), InvalidArgument, "query: component 1 is inf"),
        (lambda x: x.search([1, 2, 3], recall_target=0), InvalidArgument, "recall_target"),
        (lambda x: x.search([1, 2, 3], recall_target=1.01), InvalidArgument, "recall_target"),
        (lambda x: x.search([1, 2, 3], recall_target=np.nan), InvalidArgument, "recall_target"),
        (lambda x: x.search([1, 2, 3], recall_target="1"), WrongType, "recall_target"),
        (lambda x: x.search([1, 2, 3], allow=[0.5]), WrongType, "allow"),
        (lambda x: x.search([1, 2, 3], allow=[[1], [2, 3]]), InvalidArgument, "allow"),
        (lambda x: x.search_many([1, 2]), DimensionMismatch, "queries"),
        (lambda x: x.search_many([[1, 2, 3], [1, np.nan, 2]]), InvalidArgument, r"queries\[1\]"),
        (lambda x: x.search_many([1, 2, 3], 1 << 40), LimitExceeded, "k"),
        (lambda x: x.search_many([1, 2, 3], threads=0), InvalidArgument, "threads"),
        (lambda x: x.plan(0), InvalidArgument, "k"),
        (lambda x: x.plan(recall_target=2), InvalidArgument, "recall_target"),
        (lambda x: x.save(3), WrongType, "path"),
        (lambda x: VectorIndex.load(None), WrongType, "path"),
        (
            lambda x: VectorIndex(2, "dot").add([[1, 1], [1e19, 0]]),
            InvalidArgument,
            r"vectors\[1\]: its norm",
        ),
        (lambda x: VectorIndex(2, "dot", "f16").add([0, 7e4]), InvalidArgument, r"vectors\[0\].*f16"),
    ],
)
def test_what_is_wrong_is_named_and_changes_nothing(
    call: Callable[[VectorIndex], object], kind: type[Exception], words: str
) -> None:
    index = VectorIndex(3)
    index.add(np.eye(3))
    with pytest.raises(kind, match=words) as raised:
        call(index)
    assert isinstance(raised.value, recollect.RecollectError)
    assert index.ids().tolist() == [0, 1, 2]
    assert (index.vectors([0, 1, 2]) == np.eye(3)).all()
    assert index.add([1, 1, 1]).tolist() == [3]


@pytest.mark.parametrize("send", [pickle.dumps, copy.copy, copy.deepcopy], ids=lambda send: send.__name__)
def test_an_index_says_how_to_send_it(send: Callable[[object], object]) -> None:
    with pytest.raises(WrongType, match="save it to a file, and load that there"):
        send(VectorIndex(3))
