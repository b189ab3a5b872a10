"""Every text and every metadata value comes back exactly, or is refused before anything is written."""

import math
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import recollect
from recollect import Memory
from recollect.errors import InvalidArgument
from tests.trust.refusal import check_refused, deep

TEXTS = {
    "empty": "",
    "one space": " ",
    "nul inside": "before\0after",
    "only nul": "\0",
    "byte order mark": "\ufeffmarked",
    "composed": unicodedata.normalize("NFC", "Ångström é"),
    "decomposed": unicodedata.normalize("NFD", "Ångström é"),
    "right to left": "abc \u202eשלום\u202c def \u2066مرحبا\u2069",
    "joined emoji": "👩‍👩‍👧‍👦🏳️‍🌈",
    "line ends": "a\r\nb\nc\rd\u2028e\u0085f",
    "controls": "".join(map(chr, range(32))) + "\x7f",
    "noncharacters": "\uffff\ufdd0\U0010ffff",
    "a megabyte grapheme": "e" + "\u0301" * 500_000,
    "private use": "\ue000\U000f0000",
    "quotes": "'\"; DROP TABLE rec; --",
    "like patterns": "%_\\ [a] *",
    "percent": "%s %d {0} {name} $1",
    "json": '{"a": [1, null]}',
    "a long word": "x" * 100_000,
    "no word": "… ?! —",
    "thai": "ภาษาไทยไม่มีช่องว่าง",
    "chinese": "我昨天在上海买了一台笔记本电脑",
}


@pytest.fixture(scope="module")
def reopened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Memory]:
    """All texts, written one by one and opened again."""
    path = tmp_path_factory.mktemp("texts") / "a.rcl"
    with recollect.open(path, durability="normal") as memory:
        for case, text in TEXTS.items():
            try:
                memory.add(
                    text,
                    metadata={"case": case, "text": text[:300]},
                    tags=[text[:50] or "none"],
                    session=text[:50] or None,
                )
            except InvalidArgument:
                if case not in ("empty", "one space"):
                    raise
    with recollect.open(path) as memory:
        yield memory


@pytest.mark.parametrize("case", [case for case in TEXTS if case not in ("empty", "one space")])
def test_a_text_comes_back_exactly(reopened: Memory, case: str) -> None:
    (record,) = reopened.list({"case": case})
    assert record.text == TEXTS[case]
    assert record.metadata["text"] == TEXTS[case][:300]
    assert record.session == TEXTS[case][:50]
    assert record.tags == (TEXTS[case][:50],)
    for hit in reopened.recall(TEXTS[case][:2000], k=3):
        assert math.isfinite(hit.score)


def test_composed_and_decomposed_stay_two_texts_and_find_each_other(reopened: Memory) -> None:
    found = {hit.record.metadata["case"] for hit in reopened.recall(TEXTS["composed"], k=5)}
    assert {"composed", "decomposed"} <= found


LONE = "half \ud83d pair"


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda m: m.add(LONE), "text"),
        (lambda m: m.add_many(["good", "fine", LONE]), "texts[2]"),
        (lambda m: m.add("good", speaker=LONE), "speaker"),
        (lambda m: m.add("good", session=LONE), "session"),
        (lambda m: m.add("good", source=LONE), "source"),
        (lambda m: m.add("good", principal=LONE), "principal"),
        (lambda m: m.add("good", key=LONE), "key"),
        (lambda m: m.add("good", tags=["fine", LONE]), "tags"),
        (lambda m: m.add("good", metadata={"a": {"b": LONE}}), "metadata.a.b"),
        (lambda m: m.add("good", metadata={LONE: 1}), "metadata"),
        (lambda m: m.namespace(LONE).add("good"), "namespace"),
        (lambda m: m.recall(LONE), "query"),
        (lambda m: m.list({"session": LONE}), "filter"),
        (lambda m: m.noop(LONE), "reason"),
    ],
)
def test_half_a_surrogate_pair_is_refused_everywhere(
    tmp_path: Path, call: Callable[[Memory], object], named: str
) -> None:
    with recollect.open(tmp_path / "a.rcl") as memory:
        memory.add("sound")
        check_refused(memory, call, InvalidArgument, named)


METADATA = {
    "nested": {"a": [1, 2.5, None, True, False, {"b": []}], "": "empty key"},
    "numbers": {
        "zero": 0,
        "minus": -(1 << 63),
        "most": (1 << 63) - 1,
        "float": 0.1,
        "tiny": 5e-324,
        "huge": 1.7e308,
        "minus zero": -0.0,
    },
    "whole floats": {"one": 1.0, "big": 1e22, "beyond": 2.0**64},
    "texts": {"nul": "a\0b", "quote": '"', "back": "\\", "emoji": "🙂", "line": "\u2028"},
    "keys": {"$eq": 1, "a.b": 2, "kind": "not the kind", "__proto__": 3, "uid": "x"},
    "deep": deep(30),
    "wide": {str(number): number for number in range(2000)},
    "unsorted": {"b": 1, "a": 2},
}


@pytest.mark.parametrize("case", METADATA)
def test_metadata_comes_back_exactly(tmp_path: Path, case: str) -> None:
    path = tmp_path / "a.rcl"
    with recollect.open(path) as memory:
        uid = memory.add("with metadata", metadata=METADATA[case]).uid
    with recollect.open(path) as memory:
        found = memory.get(uid).metadata
        assert found == METADATA[case]
        assert _types(found) == _types(METADATA[case])


def _types(value: Any) -> Any:
    """The types of a value, all the way down; 1 and 1.0 and True are equal but not the same."""
    if isinstance(value, dict):
        return {key: _types(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_types(item) for item in value]
    return type(value), math.copysign(1, value) if isinstance(value, float) else None
