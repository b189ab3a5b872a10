"""Waiting for a GPU, by a stand-in of the part of CuPy that it takes."""

from types import SimpleNamespace

import numpy as np
import pytest

from recollect.kvcache.cuda import verdict
from recollect.kvcache.cuda.verdict import Verdict, judging
from recollect.kvcache.cuda.waiting import wait_for

NOT_READY, LOST = 600, 719


class Lost(Exception):
    pass


class Event:
    """One that answers with these statuses, and then that it is done."""

    def __init__(self, *statuses, disable_timing=True):
        self.statuses, self.ptr, self.recorded = list(statuses), self, 0

    def record(self):
        self.recorded += 1

    def synchronize(self):
        raise Lost


def asked(event):
    status = event.statuses.pop(0) if event.statuses else 0
    if isinstance(status, BaseException):
        raise status
    return status


RUNTIME = SimpleNamespace(eventQuery=asked, getDevice=lambda: 0)


class Pinned(bytearray):
    ptr = 1 << 20


class Cuda:
    """CuPy's arrays, of which kernels write those that are pinned."""

    runtime, Event = RUNTIME, Event

    def __init__(self):
        self.made, self.cuda = [], self

    def alloc_pinned_memory(self, nbytes):
        self.made.append(Pinned(b"\xff" * nbytes))
        return self.made[-1]

    def UnownedMemory(self, pointer, nbytes, owner, number):
        return np.frombuffer(owner, np.uint32)

    def MemoryPointer(self, memory, offset):
        return memory

    def ndarray(self, length, dtype, memory):
        return memory


@pytest.fixture
def device(monkeypatch):
    monkeypatch.setattr(verdict, "_FREE", {})
    monkeypatch.setattr(verdict, "_MADE", [])
    return SimpleNamespace(xp=Cuda())


def test_it_ends_with_the_event():
    event = Event(NOT_READY, NOT_READY, 0, NOT_READY)
    wait_for(RUNTIME, event)
    assert event.statuses == [NOT_READY]


def test_what_went_wrong_is_raised():
    with pytest.raises(Lost):
        wait_for(RUNTIME, Event(NOT_READY, LOST))


def test_an_interrupt_ends_it():
    with pytest.raises(KeyboardInterrupt):
        wait_for(RUNTIME, Event(NOT_READY, KeyboardInterrupt()))


def test_a_word_is_taken_again_as_zero(device):
    for breaks in (False, True, False):
        with judging(device) as found:
            found.word[0] |= breaks
            assert found.word is found.word
        assert found.broken() == found.broken() == breaks
    assert len(device.xp.made) == 1


def test_a_verdict_can_be_asked_for_between_launches(device):
    found = Verdict(device)
    assert not found.broken()
    found.word[0] = 1
    assert found.broken()
    found.word[0] = 0
    assert found.broken()


def test_the_event_is_behind_the_last_launch(device):
    with judging(device) as found:
        assert found.word[0] == 0
        found.mark()
        assert found.word[0] == 0
    event = found._word.event
    assert event.recorded == 2
    assert not found.broken()
    assert event.recorded == 2


def fails(device, error):
    with judging(device) as found:
        found.word[0] = 1
        raise error


def test_a_word_that_may_still_be_written_is_not_taken_again(device):
    with pytest.raises(KeyboardInterrupt):
        fails(device, KeyboardInterrupt())
    assert not Verdict(device).broken()
    other = Verdict(device)
    assert other.word[0] == 0
    assert not other.broken()
    assert len(device.xp.made) == 2


def test_after_an_error_nothing_is_written_any_more(device):
    for _ in range(2):
        with pytest.raises(Lost):
            fails(device, Lost())
    assert len(device.xp.made) == 1
    assert device.xp.made[0] == bytes(4)
