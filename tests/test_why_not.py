"""Why a memory was not recalled."""

from datetime import UTC, datetime, timedelta

import pytest

import recollect
from recollect import InvalidArgument, UnknownMemory

START = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def memory():
    with recollect.open() as opened:
        yield opened


def test_every_reason(memory):
    hit = memory.add("The boat is red.", now=START).uid
    other = memory.add("The boat was sold to a sailor in another harbour last year.", now=START).uid
    silent = memory.add("Nothing to do with it.", now=START).uid
    gone = memory.add("The boat sank.").uid
    memory.delete(gone)
    burnt = memory.add("The boat burnt.").uid
    memory.forget(burnt, erase=True)
    brief = memory.add("The boat for a day.", ttl=timedelta(days=1), now=START).uid
    now = START + timedelta(days=9)

    def why(uid, **options):
        return memory.why_not(uid, "red boat", now=now, **options)

    assert why(hit).reason == "recalled"
    assert why(hit).hit.rank == 1
    assert why(gone).reason == "deleted"
    assert why(burnt).reason == "erased"
    assert why(brief).reason == "expired"
    assert why(hit, filter={"speaker": "Ilse"}).reason == "filter"
    assert why(hit, kinds="semantic").reason == "kind"
    assert why(hit, between=("2020-01-01", "2021-01-01")).reason == "time"
    assert why(hit, min_base_level=0.0).reason == "decay"
    absent = why(other, k=1)
    assert absent.reason == "rank"
    assert absent.hit.rank == 2
    assert absent.needed > absent.hit.score
    assert "number 2" in absent.detail
    assert why(other, budget=5).reason == "budget"
    assert why(silent).reason == "no match"
    with pytest.raises(UnknownMemory):
        why("0" * 32)
    with pytest.raises(InvalidArgument):
        why(hit, fusion="best")
