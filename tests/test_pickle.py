"""A memory does not travel; what it returns does."""

import copy
import pickle

import pytest

import recollect


@pytest.mark.parametrize("send", [pickle.dumps, copy.copy, copy.deepcopy], ids=lambda send: send.__name__)
def test_a_memory_says_how_to_share_a_store(memory: recollect.Memory, send: object) -> None:
    assert callable(send)
    for handle in (memory, memory.namespace("a")):
        with pytest.raises(TypeError, match="share the path, and open the store again"):
            send(handle)
    memory.add("still usable")
    assert memory.count() == 1


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_a_recall_travels(memory: recollect.Memory, protocol: int) -> None:
    memory.add("tea at four", at="2026-01-01", metadata={"a": [1, {"b": None}]}, ttl=60)
    found = memory.recall("tea")
    assert pickle.loads(pickle.dumps(found, protocol)) == found
