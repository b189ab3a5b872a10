"""What comes back from a memory."""

import copy
import dataclasses
import pickle

import pytest

import recollect
from recollect import Change, Hit, Outcome, Recall, Receipt, Record, Signal, Verification


@pytest.fixture
def found(memory: recollect.Memory) -> Recall:
    """Return a recall whose text wants escaping."""
    memory.add(
        "<b>tea</b> & scones", speaker="<Ilse>", at="2026-01-01T10:00", tags=["x"], metadata={"a": [1]}
    )
    memory.add("tea in the garden", at="2026-01-02", until="2026-01-03")
    return memory.recall("tea")


def test_records_compare_hash_and_pickle(memory: recollect.Memory, found: Recall) -> None:
    record = found[0].record
    assert record == memory.get(record.uid) == pickle.loads(pickle.dumps(record)) == copy.deepcopy(record)
    assert len({record, memory.get(record.uid)}) == 1
    assert record != dataclasses.replace(record, version=2)


def test_all_results_pickle(memory: recollect.Memory, found: Recall) -> None:
    outcome = memory.add("tea again")
    results = [
        found,
        found[0],
        outcome,
        memory.history(outcome.uid)[0],
        memory.forget(outcome.uid),
        memory.verify(),
    ]
    for result in results:
        assert pickle.loads(pickle.dumps(result)) == result


def test_frozen(found: Recall) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        found[0].record.text = "coffee"  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.query = "coffee"  # type: ignore[misc]


def test_the_fast_construction_sets_every_field(found: Recall) -> None:
    names = [field.name for field in dataclasses.fields(Record)]
    assert list(vars(found[0].record)) == names


def test_a_recall_is_a_sequence(found: Recall) -> None:
    assert len(found) == 2
    assert [hit.text for hit in found] == [found[0].text, found[1].text]
    assert found[0] in found
    assert found[:1] == (found[0],)
    assert found[-1].uid == found.hits[1].record.uid
    assert [hit.rank for hit in found] == [1, 2]


def test_notebooks_see_escaped_tables(memory: recollect.Memory, found: Recall) -> None:
    for shown in (found._repr_html_(), memory.list()[0]._repr_html_(), memory.verify()._repr_html_()):
        assert shown.startswith("<table>")
        assert "<b>" not in shown
        assert "<Ilse>" not in shown
    assert "&lt;b&gt;tea&lt;/b&gt; &amp; scones" in found._repr_html_()


def test_a_long_text_is_shortened_in_a_notebook(memory: recollect.Memory) -> None:
    memory.add("word " * 10_000)
    assert len(memory.recall("word")._repr_html_()) < 2000


def test_instants_have_no_end(memory: recollect.Memory, found: Recall) -> None:
    instant, lasting = memory.list()
    assert instant.until is None
    assert lasting.at is not None
    assert lasting.until is not None
    assert (lasting.until - lasting.at).days == 1


def test_unit_numbers_come_back_as_given(lexical: recollect.Memory) -> None:
    uid = lexical.add("x", importance=0.7, confidence=0.1, trust=1 / 3).uid
    record = lexical.get(uid)
    assert (record.importance, record.confidence) == (0.7, 0.1)
    assert record.trust == pytest.approx(1 / 3, abs=1e-7)


def test_every_public_field_is_documented_by_its_class() -> None:
    for kind in (Record, Signal, Hit, Recall, Outcome, Change, Receipt, Verification):
        assert kind.__doc__
        assert not kind.__doc__.startswith(kind.__name__ + "(")
