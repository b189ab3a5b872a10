"""Sentences are cut where they end, and few of them say most."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recollect.sentences import Candidate, central, split


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        ("Dr. Maes met J. R. Smith at 5 p.m. on Monday.", ["Dr. Maes met J. R. Smith at 5 p.m. on Monday."]),
        ("It was 9.30 p.m. Nobody came.", ["It was 9.30 p.m.", "Nobody came."]),
        ("Pears, plums etc. and jam. More.", ["Pears, plums etc. and jam.", "More."]),
        ("It cost 3.50. See recollect.dev for more.", ["It cost 3.50.", "See recollect.dev for more."]),
        ('He said "Stop!" Then he left.', ['He said "Stop!"', "Then he left."]),
        ("Wait... what? Yes.", ["Wait... what?", "Yes."]),
        ("1. Buy milk\n2. Call Nadia\n\n- rest", ["1. Buy milk", "2. Call Nadia", "- rest"]),
        ("我们搬家了。你来吗？来！", ["我们搬家了。", "你来吗？", "来！"]),
        ("So did I. We left.", ["So did I.", "We left."]),
        ("", []),
        ("...\n!!", []),
    ],
)
def test_where_sentences_end(text, wanted):
    assert split(text) == wanted


@given(st.text(max_size=200))
def test_nothing_is_said_that_does_not_stand_there(text):
    at = 0
    for sentence in split(text):
        at = text.index(sentence, at) + len(sentence)


def candidates(*texts, vectors=None):
    rows = [None] * len(texts) if vectors is None else vectors
    return [
        Candidate(text, f"{at}", at, 0.5, row) for at, (text, row) in enumerate(zip(texts, rows, strict=True))
    ]


def length(text):
    return len(text.split())


def test_what_is_central_comes_and_comes_once():
    told = candidates(
        "The harbour council voted to repair the old harbour bridge.",
        "It rained.",
        "The council will repair the harbour bridge in spring.",
        "The harbour council voted to repair the old harbour bridge.",
        "Someone ate a sandwich.",
        "Repairing the bridge costs the harbour council two million.",
    )
    chosen = [one.text for one in central(told, tokens=30, count=length, most=3)]
    assert "The harbour council voted to repair the old harbour bridge." in chosen
    assert len(set(chosen)) == len(chosen)
    assert "It rained." not in chosen
    assert chosen == [one.text for one in central(told[::-1], tokens=30, count=length, most=3)]
    assert sum(length(one.text) for one in central(told, tokens=12, count=length)) <= 12
    assert central(told, tokens=1, count=length) == []
    assert central([], tokens=9, count=length) == []


def test_vectors_and_salience_count():
    near, far = np.float32([1, 0]), np.float32([0, 1])
    told = candidates("alpha beta gamma", "delta epsilon zeta", "eta theta iota", vectors=[near, near, far])
    assert central(told, tokens=3, count=length)[0].text != "eta theta iota"
    told[2] = Candidate("eta theta iota", "2", 2, 5.0, far)
    assert central(told, tokens=3, count=length)[0].text == "eta theta iota"
