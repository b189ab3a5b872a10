"""Links between memories: made by callers, found in texts, followed by recall."""

import re

import numpy as np
import pytest

import recollect
from recollect import InvalidArgument, UnknownMemory
from recollect.errors import ExtractorFailure, LimitExceeded, StoreClosed, StoreReadOnly, WrongType

PEOPLE = {
    "Ilse Maurer": "She restores organs and was born in Lindau.",
    "Lindau": "An island town; its lion guards the harbour of Lake Constance.",
    "Lake Constance": "A lake at the foot of the Alps, shared by three countries.",
}


@pytest.fixture
def memory():
    with recollect.open() as opened:
        yield opened


def titled(memory, pages):
    outcomes = memory.add_many(list(pages.values()), metadata=[{"title": title} for title in pages])
    return dict(zip(pages, (outcome.uid for outcome in outcomes), strict=True))


def edges(memory, uid, **options):
    return [(x.uid, x.out, x.relation, x.weight) for x in memory.neighbours(uid, **options)]


def test_a_link_is_seen_from_both_ends(memory):
    a, b, c = (memory.add(text).uid for text in ("rain", "wet streets", "slow traffic"))
    memory.link(a, b, "causes", weight=2.0, at="2026-03-01", source="observation")
    memory.link([b, a], [c, c], ["causes", "precedes"], weight=[1.0, 0.5])
    assert edges(memory, a) == [(b, True, "causes", 2.0), (c, True, "precedes", 0.5)]
    assert edges(memory, c) == [(a, False, "precedes", 0.5), (b, False, "causes", 1.0)]
    assert edges(memory, b, direction="in") == [(a, False, "causes", 2.0)]
    assert edges(memory, a, relations="precedes") == [(c, True, "precedes", 0.5)]
    assert memory.neighbours(a)[0].at.isoformat() == "2026-03-01T00:00:00+00:00"
    assert memory.stats()["links"] == 3


def test_linking_again_gives_new_values_and_strengthening_adds(memory):
    a, b = memory.add("one").uid, memory.add("two").uid
    memory.link(a, b)
    memory.link(a, b, weight=0.5)
    assert edges(memory, a) == [(b, True, "related", 0.5)]
    assert memory.strengthen(a, b, by=1.5) == 2.0
    with pytest.raises(InvalidArgument, match="weight would become"):
        memory.strengthen(a, b, by=-3)
    with pytest.raises(UnknownMemory):
        memory.strengthen(b, a)
    assert memory.unlink(a, b, "causes") == 0
    memory.link(a, b, "causes")
    assert memory.unlink(a, b) == 2
    assert edges(memory, a) == []


def test_titles_are_found_in_texts_whatever_comes_first(memory):
    early = memory.add("The bridge at Lindau is closed.").uid
    uids = titled(memory, PEOPLE)
    mentions = {(x.uid, x.relation) for x in memory.neighbours(uids["Lindau"], direction="in")}
    assert mentions == {(early, "mentions"), (uids["Ilse Maurer"], "mentions")}
    memory.update(uids["Lindau"], metadata={"title": "Island of Lindau"})
    assert edges(memory, uids["Lindau"], direction="in") == []
    memory.update(early, text="The Island of Lindau has a bridge.")
    assert edges(memory, early) == [(uids["Lindau"], True, "mentions", 1.0)]


def test_aliases_and_wiki_links_name_a_memory_too(memory):
    lake = memory.add("A deep lake.", metadata={"title": "lake of stars", "aliases": ["Star Pool", 7]}).uid
    texts = [
        "We swam in Star Pool.",
        "It lies near the [[lake of stars|water]].",
        "the lake of stars at night",
    ]
    uids = [memory.add(text).uid for text in texts]
    assert [edges(memory, uid) for uid in uids] == [[(lake, True, "mentions", 1.0)]] * 2 + [[]]
    memory.update(lake, metadata={"title": "lake of stars"})
    assert [len(memory.neighbours(uid)) for uid in uids] == [0, 1, 0]


def test_namesakes_share_a_mention_and_the_longest_title_counts(memory):
    pages = [("Paris", "a city"), ("Paris", "a prince"), ("Paris Lane", "a street")]
    uids = [memory.add(text, metadata={"title": title}).uid for title, text in pages]
    text = memory.add("They met in Paris.").uid
    assert edges(memory, text) == [(uid, True, "mentions", 0.5) for uid in uids[:2]]
    text = memory.add("They met in Paris Lane.").uid
    assert edges(memory, text) == [(uids[2], True, "mentions", 1.0)]
    memory.delete(uids[2])
    assert edges(memory, text) == [(uid, True, "mentions", 0.5) for uid in uids[:2]]


def test_recall_follows_links_and_says_over_which(memory):
    uids = titled(memory, PEOPLE)
    memory.add_many([f"Note {at} on the weather in other towns." for at in range(30)])
    hits = memory.recall("In which lake lies the town where Ilse Maurer was born?", k=3)
    found = {hit.uid: hit for hit in hits}
    assert uids["Lindau"] in found
    assert uids["Lake Constance"] in found
    path = found[uids["Lake Constance"]].path
    steps = [(step.src, step.dst, step.relation, step.forward) for step in path]
    assert steps[-1][1] == uids["Lake Constance"]
    assert all(step[2:] == ("mentions", True) for step in steps)
    assert "links" in {signal.name for signal in found[uids["Lindau"]].signals}
    assert hits.trace["links"]["named"] == 1
    assert hits.trace["links"]["reached"] >= 3
    without = memory.recall("In which lake lies the town where Ilse Maurer was born?", signals=["words"])
    assert without.trace["links"] is None
    assert all(not hit.path for hit in without)


def test_links_of_callers_are_followed_both_ways(memory):
    cause = memory.add("The pump in cellar four failed.").uid
    effect = memory.add("Archive boxes were soaked overnight.").uid
    memory.add_many([f"Entry {at}: nothing to report." for at in range(20)])
    memory.link(cause, effect, "causes")
    for query, other, forward in [("why did the pump fail", effect, True), ("soaked boxes", cause, False)]:
        hit = next(hit for hit in memory.recall(query, k=2) if hit.uid == other)
        assert [(step.relation, step.forward) for step in hit.path] == [("causes", forward)]


def test_links_survive_reopening_and_go_with_their_memories(tmp_path):
    path = tmp_path / "a.rcl"
    with recollect.open(path) as memory:
        uids = titled(memory, PEOPLE)
        other = memory.namespace("other").add("elsewhere").uid
        memory.link(uids["Lindau"], uids["Ilse Maurer"], "home of", weight=3)
        with pytest.raises(UnknownMemory):
            memory.link(uids["Lindau"], other)
        before = {title: edges(memory, uid) for title, uid in uids.items()}
    with recollect.open(path) as memory:
        assert {title: edges(memory, uid) for title, uid in uids.items()} == before
        memory.checkpoint()
        secret = memory.add("A secret about Lindau.", metadata={"title": "Zanzibar Protocol"}).uid
        memory.link(secret, uids["Lindau"], "home of")
        memory.forget(secret, erase=True)
        memory.forget(uids["Lake Constance"])
        assert len(memory.neighbours(uids["Lindau"])) == 2
    assert not re.search(b"(?i)zanzibar", path.read_bytes())
    with recollect.open(path, read_only=True) as memory:
        assert len(memory.neighbours(uids["Lindau"])) == 2
        with pytest.raises(StoreReadOnly):
            memory.link(uids["Lindau"], uids["Ilse Maurer"])
    with pytest.raises(StoreClosed):
        memory.neighbours(uids["Lindau"])


def test_the_graph_of_all_links(memory):
    uids = titled(memory, PEOPLE)
    alone = memory.add("nobody").uid
    doubtful = memory.add("Lake Constance is a sea.", trust=0.1).uid
    memory.link(uids["Lindau"], doubtful, "denies")
    memory.link(uids["Lindau"], uids["Ilse Maurer"], "home of", weight=3, trust=0.2)
    graph = memory.graph()
    assert set(graph.nodes()) == {*uids.values(), doubtful}
    assert alone not in graph
    assert graph.edge(uids["Ilse Maurer"], uids["Lindau"], "mentions").trusted
    assert not graph.edge(uids["Lindau"], uids["Ilse Maurer"], "home of").trusted
    path, length = graph.shortest_path(uids["Ilse Maurer"], uids["Lake Constance"])
    assert path == list(uids.values())
    assert length == 2
    assert graph.activate([uids["Ilse Maurer"]], trusted_only=True, k=9).nodes == list(uids.values())


def test_what_is_not_trusted_changes_nothing_between_others(memory):
    uids = list(titled(memory, PEOPLE).values())
    rest = [outcome.uid for outcome in memory.add_many([f"note {at} on the lake" for at in range(40)])]
    memory.link(uids[0], rest[0], "wrote")
    query = "the lake where Ilse Maurer lives"

    def seen():
        hits = memory.recall(query, k=20)
        return [(hit.uid, np.float32(hit.score).tobytes(), hit.path) for hit in hits]

    before = seen()
    rng = np.random.default_rng(5)
    ends = rng.integers(0, len(rest), (10_000, 2))
    ends = ends[ends[:, 0] != ends[:, 1]]
    everybody = np.array(uids + rest)
    memory.link(everybody[ends[:, 0]].tolist(), everybody[ends[:, 1]].tolist(), "spam", trust=0.3, weight=9)
    assert memory.stats()["links"] > 1000
    assert seen() == before
    memory.link(rest[0], rest[1], "followed by", trust=0.9)
    assert seen() != before


def test_facts_link_what_shares_an_entity(memory):
    facts = [
        [["Ilse", "restored", "the organ of Lindau"], ["Ilse", "knows", "Tom Berg"]],
        [["tom berg", "sails on", "Lake Constance"]],
        [["Tom Berg", "wrote", "a letter"], ["ILSE", "read", "a letter"]],
        "no facts",
        [["two", "parts"], 7, ["a", "b", None]],
    ]
    texts = ["the organ", "the boat", "the letter", "nothing", "worse"]
    uids = [memory.add(text, metadata={"facts": given}).uid for text, given in zip(texts, facts, strict=True)]
    assert edges(memory, uids[0], direction="out") == [
        (uids[1], True, "shares", 0.5),
        (uids[2], True, "shares", 1.0),
    ]
    assert edges(memory, uids[3]) == edges(memory, uids[4]) == []
    memory.add_many([f"filler {at}" for at in range(20)])
    hits = memory.recall("who restored the organ", k=4)
    assert {hit.uid for hit in hits[:3]} == set(uids[:3])
    assert hits[1].path[0].relation == "shares"
    memory.update(uids[1], metadata={})
    assert edges(memory, uids[1]) == []
    with pytest.raises(InvalidArgument, match="shares"):
        memory.link(uids[0], uids[1], "shares")


def test_an_extractor_states_the_facts_of_what_is_written():
    def extract(text):
        if "boom" in text:
            raise OSError("no network")
        names = [word.strip(".,") for word in text.split() if word[0].isupper()]
        return [(names[0], "is with", name) for name in names[1:]]

    with recollect.open(extract=extract) as memory:
        a, b = (o.uid for o in memory.add_many(["Ilse met Tom.", "Tom saw Ben."], metadata={"from": "chat"}))
        assert memory.get(a).metadata == {"from": "chat", "facts": [["Ilse", "is with", "Tom"]]}
        assert edges(memory, a) == [(b, True, "shares", 0.5), (b, False, "shares", 0.5)]
        given = memory.namespace("x").add("Ilse and Bo", metadata={"facts": [["Ilse", "is with", "Bo"]]}).uid
        assert memory.namespace("x").get(given).metadata["facts"] == [["Ilse", "is with", "Bo"]]
        memory.update(b, text="Ben left Ana.")
        assert memory.get(b).metadata == {"from": "chat", "facts": [["Ben", "is with", "Ana"]]}
        assert edges(memory, a) == []
        with pytest.raises(ExtractorFailure, match="OSError: no network"):
            memory.add_many(["fine", "boom"])
        assert memory.count() == 2
    for wrong in ([("a", "b")], ["abc", 7], [(1, 2, 3)], 7):
        with recollect.open(extract=lambda _, wrong=wrong: wrong) as memory:
            with pytest.raises(ExtractorFailure):
                memory.add("text")
            assert memory.count() == 0
    with pytest.raises(WrongType, match="extract"):
        recollect.open(extract="llm")


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((0, 0), {}, InvalidArgument, r"dst\[0\]: a memory cannot be linked to itself"),
        ((0, [1, 2]), {}, InvalidArgument, "dst: 2 memories for 1 in src"),
        ((0, 1, ""), {}, InvalidArgument, "relation"),
        ((0, 1, "mentions"), {}, InvalidArgument, "the store itself makes links of mentions"),
        ((0, 1), {"weight": 0}, InvalidArgument, r"weight\[0\]: expected a number above 0"),
        ((0, 1), {"weight": float("nan")}, InvalidArgument, "weight"),
        ((0, 1), {"weight": [1, 2]}, InvalidArgument, "weight: expected one or 1, found 2"),
        ((0, 1), {"trust": 2}, InvalidArgument, "trust"),
        ((0, 1, 7), {}, WrongType, "relation"),
        ((0, "nobody"), {}, InvalidArgument, "dst"),
        ((0, "0" * 32), {}, UnknownMemory, "0" * 32),
        ((0, 1, "x" * 100_000), {}, LimitExceeded, "relation"),
    ],
)
def test_bad_links_are_refused_and_nothing_is_written(memory, arguments, options, error, message):
    uids = [memory.add(text).uid for text in ("one", "two", "three")]
    given = [[uids[x] for x in one] if isinstance(one, list) else one for one in arguments]
    src, dst, *rest = (uids[one] if at < 2 and isinstance(one, int) else one for at, one in enumerate(given))
    with pytest.raises(error, match=message):
        memory.link(src, dst, *rest, **options)
    assert memory.stats()["links"] == 0


def test_all_links_of_a_call_or_none(memory):
    a, b = memory.add("one").uid, memory.add("two").uid
    with pytest.raises(UnknownMemory):
        memory.link([a, a], [b, "f" * 32])
    assert memory.neighbours(a) == []


def test_history_tells_of_links(memory):
    a, b = memory.add("one").uid, memory.add("two").uid
    memory.link(a, b)
    memory.unlink(a, b)
    assert [change.op for change in memory.history(a)] == ["added", "linked", "unlinked"]
