"""Facts among the semantic memories: two times, evidence, policies."""

import pytest

import recollect
from recollect.errors import InvalidArgument, UnknownMemory, WrongType
from recollect.records import Record

HOME = {"subject": "Alice", "predicate": "lives in"}


def objects(records: list[Record]) -> list[str]:
    return [record.metadata["object"] for record in records]


def test_what_held_and_what_was_known(memory: recollect.Memory) -> None:
    known = memory.semantic
    known.learn(**HOME, object="Paris", at="2020-01-01", now="2020-01-05")
    done = known.learn(**HOME, object="Berlin", at="2023-06-01", now="2023-07-01")
    assert [(x.op, x.version) for x in done.gave_way] == [("updated", 2)]
    assert known.value("Alice", "lives in", at="2023-06-15", known_at="2023-06-20") == "Paris"
    assert known.value("Alice", "lives in", at="2023-06-15", known_at="2023-07-02") == "Berlin"
    assert known.value("Alice", "lives in", at="2021-01-01", known_at="2020-01-05") == "Paris"
    assert known.value("Alice", "lives in", at="2021-01-01", known_at="2019-01-01") is None
    assert known.value("Alice", "lives in", at="2021-01-01") == "Paris"
    assert known.value("Alice", "lives in") == "Berlin"
    assert [x.text for x in known.about("Alice")] == ["Alice lives in Berlin"]
    assert objects(known.between("2022-01-01", "2024-01-01", subject="Alice")) == ["Berlin", "Paris"]
    assert objects(known.between("2021-01-01", "2022-01-01", subject="Alice")) == ["Paris"]
    (paris,) = known.about("Alice", at="2021-01-01")
    assert paris.until is not None
    assert paris.until.isoformat() == "2023-06-01T00:00:00+00:00"


def test_it_is_all_still_there_after_reopening(tmp_path: object) -> None:
    path = f"{tmp_path}/a.rcl"
    with recollect.open(path) as memory:
        memory.semantic.learn(**HOME, object="Paris", at="2020-01-01", now="2020-01-05")
        memory.semantic.learn(**HOME, object="Berlin", at="2023-06-01", now="2023-07-01")
    with recollect.open(path, read_only=True) as memory:
        assert memory.semantic.value("Alice", "lives in", at="2024-01-01") == "Berlin"
        assert memory.semantic.value("Alice", "lives in", at="2024-01-01", known_at="2022-01-01") == "Paris"


def test_a_hundred_overwrites_of_one_fact(memory: recollect.Memory) -> None:
    for n in range(100):
        memory.semantic.learn(**HOME, object=f"city {n}", policy="latest_wins", now=1_000_000 * (n + 1))
        assert memory.semantic.value("Alice", "lives in") == f"city {n}"
    for n in range(100):
        assert memory.semantic.value("Alice", "lives in", known_at=1_000_000 * (n + 1)) == f"city {n}"
    told = memory.semantic.history("Alice", predicate="lives in")
    assert [x.record.metadata["object"] for x in told if x.record] == [f"city {n}" for n in range(100)]
    assert [x.op for x in told] == ["added", *["deleted", "added"] * 99]
    assert memory.semantic.history("Alice", predicate="works at") == []


def test_policies(memory: recollect.Memory) -> None:
    known = memory.semantic
    known.learn(**HOME, object="Paris", confidence=0.9)
    archived = known.learn(**HOME, object="Rome", confidence=0.5, policy="by_confidence")
    assert (archived.op, archived.reason) == ("deleted", "less sure than what is known")
    assert objects(known.about("Alice")) == ["Paris"]
    known.learn(**HOME, object="Oslo", policy="keep_both")
    assert objects(known.about("Alice")) == ["Oslo", "Paris"]
    ((old, new),) = known.contradictions("Alice")
    assert (old.metadata["object"], new.metadata["object"]) == ("Paris", "Oslo")
    assert known.contradictions("Alice", predicate="works at") == []


def test_a_judge(memory: recollect.Memory) -> None:
    known = memory.semantic
    known.learn(**HOME, object="France", at="2020-01-01", until="2022-01-01")
    asked = []

    def judge(old: Record, text: str) -> str:
        asked.append((old.metadata["object"], text))
        return "extends"

    done = known.learn(**HOME, object="Paris", at="2021-01-01", until="2021-06-01", policy=judge)
    assert asked == [("France", "Alice lives in Paris")]
    assert [x.op for x in done.gave_way] == ["deleted"]
    (paris,) = known.about("Alice", at="2021-12-31")
    assert (str(paris.at), str(paris.until)) == ("2020-01-01 00:00:00+00:00", "2022-01-01 00:00:00+00:00")
    known.learn(**HOME, object="Rome", policy=lambda old, text: "independent")
    assert len(known.about("Alice", at="2021-01-01")) == 2
    known.learn(**HOME, object="Oslo", policy=lambda old, text: "contradicts")
    assert objects(known.about("Alice", at="2021-01-01")) == ["Oslo"]
    with pytest.raises(InvalidArgument, match=r"^policy: expected one of independent"):
        known.learn(**HOME, object="Bonn", policy=lambda old, text: "perhaps")


def test_evidence(memory: recollect.Memory) -> None:
    one = memory.add("We moved to Paris!", trust=0.4).uid
    two = memory.add("Our flat in Paris is small.").uid
    fact = memory.semantic.learn(**HOME, object="Paris", evidence=one)
    assert memory.get(fact.uid).parents == (one,)
    assert memory.get(fact.uid).trust == 0.4
    assert memory.semantic.supported_only_by(one) == [fact.uid]
    again = memory.semantic.learn(**HOME, object="Paris", evidence=[memory.get(two)])
    assert (again.uid, again.op, again.mentions) == (fact.uid, "noop", 2)
    assert memory.forget(one, erase=True).unsupported == ()
    assert memory.forget(two).unsupported == (fact.uid,)
    with pytest.raises(UnknownMemory):
        memory.semantic.learn(**HOME, object="Rome", evidence=["0" * 32])
    assert objects(memory.semantic.about("Alice")) == ["Paris"]


def test_revising_a_fact_corrects_it(memory: recollect.Memory) -> None:
    fact = memory.semantic.learn(**HOME, object="Pariss", at="2020-01-01", now="2020-01-05", tags=["x"])
    memory.semantic.revise(fact.uid, object="Paris", now="2020-02-01")
    (record,) = memory.semantic.about("Alice", at="2020-01-02")
    assert (record.text, record.version, record.tags) == ("Alice lives in Paris", 2, ("x",))
    assert memory.semantic.value("Alice", "lives in", at="2020-01-02", known_at="2020-01-31") == "Pariss"


def test_a_fact_is_found_by_its_words_and_linked_by_its_parts(memory: recollect.Memory) -> None:
    fact = memory.semantic.learn(**HOME, object="Paris", text="She has lived by the Seine since spring.")
    memory.semantic.learn(subject="Paris", predicate="lies on", object="Seine")
    assert memory.recall("Seine spring")[0].uid == fact.uid
    assert [x.relation for x in memory.neighbours(fact.uid)] == ["shares", "shares"]


def test_what_is_no_fact_is_refused_and_nothing_is_written(memory: recollect.Memory) -> None:
    learn = memory.semantic.learn
    with pytest.raises(InvalidArgument, match=r"^object: a fact needs"):
        learn(subject="a", predicate="b")
    with pytest.raises(InvalidArgument, match=r"^subject: a fact needs"):
        learn("x", predicate="b", object="c")
    with pytest.raises(InvalidArgument, match=r"^text: "):
        learn(subject="a")
    with pytest.raises(InvalidArgument, match=r"^evidence: only a fact"):
        learn("x", evidence=["0" * 32])
    with pytest.raises(InvalidArgument, match=r"^policy: expected one of supersede"):
        learn(**HOME, object="c", policy="newest")
    with pytest.raises(InvalidArgument):
        learn(subject="a", predicate=" ", object="c")
    with pytest.raises(WrongType, match=r"^object: "):
        learn(subject="a", predicate="b", object=3)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument, match=r"^metadata: its 'subject'"):
        learn(**HOME, object="c", metadata={"subject": "b"})
    with pytest.raises(InvalidArgument, match=r"^text: expected a text, or the object"):
        memory.semantic.revise("0" * 32)
    assert memory.count() == 0
