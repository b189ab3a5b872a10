"""The bench of human association on a network of a few words: what it reads, ranks and measures."""

import gzip
import json

import numpy as np
import pytest

from benches.association.associates import Associates
from benches.association.norms import Norms, Question, WordPair, read
from benches.association.relatedness import spearman
from benches.association.spreading import Links
from benches.quality.bootstrap import interval

LINKS = {
    "cottage": [["house", 0.8], ["cheese", 0.1]],
    "swiss": [["cheese", 0.1], ["alps", 0.5]],
    "cake": [["cheese", 0.1], ["sweet", 0.6]],
    "house": [["home", 0.5]],
    "cheese": [["mouse", 0.3]],
}
WORDS = sorted({*LINKS, *(other for links in LINKS.values() for other, _ in links)})
QUERIES = [
    ("held-out-associate", ["cottage"], ["home"]),
    ("missing-link-EAT", ["cake"], ["mouse"]),
    ("rat-bowden", ["cottage", "swiss", "cake"], ["cheese"]),
]
PAIRS = [
    ("cottage", "house", 9.0),
    ("cottage", "alps", 1.0),
    ("cake", "cheese", 5.0),
    ("cake", "unknown", 3.0),
]


def lines(path, rows):
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


@pytest.fixture
def folder(tmp_path):
    home = tmp_path / "usf"
    home.mkdir()
    lines(home / "memories.jsonl.gz", [{"id": w, "text": w, "links": LINKS.get(w, [])} for w in WORDS])
    lines(
        home / "queries.jsonl.gz",
        [
            {"id": str(at), "text": " ".join(cues), "category": kind, "cues": cues, "gold": gold}
            for at, (kind, cues, gold) in enumerate(QUERIES)
        ],
    )
    lines(
        home / "wordpairs.jsonl.gz",
        [{"dataset": "pairs", "a": a, "b": b, "rating": rating} for a, b, rating in PAIRS],
    )
    np.save(home / "minilm_memories.npy", np.eye(len(WORDS), dtype=np.float16))
    cues = [[word in cues for word in WORDS] for _, cues, _ in QUERIES]
    np.save(home / "minilm_queries.npy", np.array(cues, dtype=np.float16))
    return tmp_path


@pytest.fixture
def norms(folder) -> Norms:
    return read(folder)


def at(word):
    return WORDS.index(word)


def best(norms, question, scores):
    candidates = norms.open_to(question)
    return WORDS[candidates[np.argmax(scores[candidates])]]


def test_the_set_is_read(norms):
    assert norms.words == WORDS
    assert len(norms.src) == 8
    links = dict(zip(zip(norms.src, norms.dst, strict=True), norms.strength, strict=True))
    assert links[at("cottage"), at("house")] == 0.8
    assert [question.part for question in norms.questions] == [
        "usf",
        "usf/other people",
        "usf/remote associates",
    ]
    assert norms.pairs[0] == WordPair("pairs", (at("cottage"), at("house")), 9.0)
    assert len(norms.pairs) == 3, "a pair with a word that the network lacks is left out"


def test_known_associates_are_no_answers_but_for_remote_ones(norms):
    new, _, remote = norms.questions
    assert {WORDS[word] for word in norms.open_to(new)} == {*WORDS} - {"cottage", "house", "cheese"}
    assert {WORDS[word] for word in norms.open_to(remote)} == {*WORDS} - {"cottage", "swiss", "cake"}


def test_plain_spreading(norms):
    links, cue = Links(norms), at("cottage")
    assert links.direct(cue)[at("house")] == pytest.approx(0.8)
    assert links.direct(cue)[at("home")] == 0
    assert links.two_steps(cue)[at("home")] == pytest.approx(0.8 * 0.5)
    assert links.two_steps(cue)[at("cheese")] == pytest.approx(0.1)
    # From the house all goes home, and what comes there is lost.
    ranks = links.page_rank(at("house"))
    assert ranks[at("house")] == pytest.approx(0.5)
    assert ranks[at("home")] == pytest.approx(0.25)
    assert ranks.sum() == pytest.approx(0.75)


def test_a_shared_associate_wins_over_a_strong_one(norms):
    remote = norms.questions[2]
    added = sum(Links(norms).direct(cue) for cue in remote.cues)
    assert best(norms, remote, added) == "house"
    assert best(norms, remote, Associates(norms).scores(remote, None)) == "cheese"


def test_what_a_cue_leads_to_is_found_and_similarity_adds_to_it(norms):
    associates, new = Associates(norms), norms.questions[0]
    plain = associates.scores(new, None)
    assert best(norms, new, plain) == "home"
    cosines = np.zeros(len(WORDS))
    cosines[at("mouse")] = 1.0
    similar = associates.scores(new, cosines)
    assert best(norms, new, similar) == "mouse"
    assert np.allclose(np.delete(similar, at("mouse")), np.delete(plain, at("mouse")))


def test_cues_that_are_not_there_leave_the_base_level(norms):
    unknown = Question("usf", "nothing", (), frozenset({at("house")}))
    scores = Associates(norms).scores(unknown, None)
    assert scores[at("house")] > scores[at("cottage")], "people say one and not the other"
    assert len(norms.open_to(unknown)) == len(WORDS)


def test_relatedness_is_the_same_both_ways(norms):
    associates = Associates(norms)
    close, far, _ = norms.pairs
    back = WordPair(close.dataset, close.ends[::-1], close.rating)
    assert associates.relatedness(close, None) == pytest.approx(associates.relatedness(back, None))
    assert associates.relatedness(close, None) > associates.relatedness(far, None)
    assert associates.relatedness(far, 1.0) > associates.relatedness(far, 0.0)


def test_rank_correlation_shares_ranks_of_ties():
    assert spearman(np.array([1.0, 2, 3]), np.array([10.0, 20, 25])) == pytest.approx(1)
    assert spearman(np.array([1.0, 2, 3]), np.array([3.0, 2, 1])) == pytest.approx(-1)
    assert spearman(np.array([1.0, 2, 2, 3]), np.array([1.0, 2, 3, 4])) == pytest.approx(3 / np.sqrt(10))
    assert spearman(np.zeros(3), np.array([1.0, 2, 3])) == 0


def test_the_interval_of_differences():
    assert interval(np.full(50, 2.5)) == (2.5, 2.5, 2.5)
    difference, low, high = interval(np.random.default_rng(1).normal(1, 1, 400))
    assert low < difference < high
    assert high - low == pytest.approx(2 * 1.96 / 20, rel=0.15)


def test_it_runs_and_writes_means(folder, monkeypatch, capsys):
    for needed in ("wordllama", "tokenizers", "safetensors", "snowballstemmer"):
        pytest.importorskip(needed)
    from benches.association.__main__ import main

    out, details = folder / "means.json", folder / "differences.json"
    monkeypatch.setattr(
        "sys.argv", ["association", "--data", str(folder), "--out", str(out), "--details", str(details)]
    )
    main()
    means = json.loads(out.read_text(encoding="utf-8"))
    assert set(means) == {"usf", "usf/other people", "usf/remote associates", "usf/all", "usf/pairs"}
    assert means["usf/remote associates"]["recollect(minilm)"]["R@1"] == 100
    assert means["usf/remote associates"]["direct links"]["R@1"] == 0
    assert means["usf/all"]["ppr"]["n"] == 3
    assert set(means["usf/pairs"]["ppr"]) == {"n", "spearman"}
    compared = json.loads(details.read_text(encoding="utf-8"))
    assert {one["against"] for one in compared} >= {"direct links", "rrf(ppr, minilm)"}
    assert "**usf/remote associates**" in capsys.readouterr().out
