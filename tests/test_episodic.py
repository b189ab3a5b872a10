"""What happened."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

import recollect
from recollect.errors import InvalidArgument, UnknownMemory, WrongType


@pytest.fixture
def week(memory: recollect.Memory) -> recollect.EpisodicStore:
    """Return a week of notes, and one statement that is no episode."""
    memory.episodic.record_many(
        ["monday run", "tuesday vet", "wednesday clay", "thursday train", "friday rest"],
        at=[f"2026-03-0{day}T12:00" for day in range(2, 7)],
        session="week",
        speaker="Ilse",
    )
    memory.semantic.learn("tuesday is the day of the vet", at="2026-03-03T12:00")
    return memory.episodic


def test_record_is_episodic(memory: recollect.Memory) -> None:
    outcome = memory.episodic.record("x", speaker="Ilse", key="k", vector=[1.0] * 64)
    assert memory.get(outcome.uid).kind == "episodic"
    assert memory.episodic.record("y", key="k").uid == outcome.uid
    with pytest.raises(WrongType, match=r"^vector"):
        memory.episodic.record("x", vector="abc")


def test_between_is_half_open_and_in_order(week: recollect.EpisodicStore) -> None:
    def texts(*args: object) -> list[str]:
        return [record.text for record in week.between(*args)]  # type: ignore[arg-type]

    assert texts("2026-03-03T12:00", "2026-03-05T12:00") == ["tuesday vet", "wednesday clay"]
    assert texts(None, "2026-03-03") == ["monday run"]
    assert texts("2026-03-05", None, 1) == ["thursday train"]
    assert len(week.between(None, None)) == 5
    with pytest.raises(InvalidArgument, match=r"^between: the end"):
        week.between("2026-03-03", "2026-03-03")


def test_around_a_moment(week: recollect.EpisodicStore) -> None:
    for moment in ("2026-03-04T13:00", datetime(2026, 3, 4, 13, tzinfo=UTC)):
        assert {record.text for record in week.around(moment, k=1)} == {"wednesday clay"}
        assert {record.text for record in week.around(moment, k=3)} == {
            "tuesday vet",
            "wednesday clay",
            "thursday train",
        }


def test_around_a_memory(week: recollect.EpisodicStore) -> None:
    record = week.between("2026-03-04", "2026-03-05")[0]
    near = {other.text for other in week.around(record.uid, k=3)}
    assert near <= {"monday run", "tuesday vet", "wednesday clay", "thursday train", "friday rest"}
    assert {"tuesday vet", "thursday train"} <= near
    assert week.around(record, k=3) == week.around(record.uid, k=3)


def test_around_is_the_same_once_times_are_indexed(memory: recollect.Memory) -> None:
    random = np.random.default_rng(3)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    times = [start + timedelta(hours=int(hour)) for hour in random.integers(0, 400, 900)]
    outcomes = memory.episodic.record_many([f"event {at}" for at in range(900)], at=times)
    memory.semantic.learn("a fact, which is no event", at=start)
    held = {one.uid: at for one, at in zip(outcomes, times, strict=True)}
    for gone in random.choice(900, 100, replace=False):
        memory.delete(outcomes[gone].uid)
        del held[outcomes[gone].uid]
    for look in range(20):  # The first ones look at all of them.
        moment = start + timedelta(hours=int(random.integers(-50, 450)))
        k = int(random.integers(1, 30))
        nearest = sorted(held, key=lambda uid: (abs(held[uid] - moment), uid))[:k]
        found = [one.uid for one in memory.episodic.around(moment, k)]
        assert sorted(found) == sorted(nearest), look
        assert [held[uid] for uid in found] == sorted(held[uid] for uid in found)


def test_around_what(week: recollect.EpisodicStore) -> None:
    with pytest.raises(UnknownMemory):
        week.around("0" * 32)
    with pytest.raises(InvalidArgument, match=r"^moment: "):
        week.around("somewhen")
    with pytest.raises(WrongType, match=r"^moment: "):
        week.around(1.5)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument, match=r"^k: "):
        week.around("2026-03-04", k=0)


def test_recall_finds_episodes_alone(week: recollect.EpisodicStore) -> None:
    found = week.recall("tuesday vet")
    assert found[0].text == "tuesday vet"
    assert {hit.record.kind for hit in found} == {"episodic"}
    assert week.recall("vet", filter={"speaker": "Bram"}).hits == ()
