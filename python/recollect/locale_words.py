"""A gate that most questions without a time do not pass, and the words of time of languages beside English.

They come from the data of the date parser; reading them does not import the parser.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from recollect.time_words import GATE, MONTHS, SHAPES, WEEKDAYS, plain_words

__all__ = ["CODES", "LocaleWords", "locale_words", "may_speak_of_time"]

CODES = {
    "arabic": "ar",
    "armenian": "hy",
    "basque": "eu",
    "catalan": "ca",
    "czech": "cs",
    "danish": "da",
    "dutch": "nl",
    "esperanto": "eo",
    "estonian": "et",
    "finnish": "fi",
    "french": "fr",
    "german": "de",
    "greek": "el",
    "hindi": "hi",
    "hungarian": "hu",
    "indonesian": "id",
    "irish": "ga",
    "italian": "it",
    "lithuanian": "lt",
    "nepali": "ne",
    "norwegian": "nb",
    "persian": "fa",
    "polish": "pl",
    "portuguese": "pt",
    "romanian": "ro",
    "russian": "ru",
    "serbian": "sr",
    "spanish": "es",
    "swedish": "sv",
    "tamil": "ta",
    "turkish": "tr",
    "ukrainian": "uk",
    "yiddish": "yi",
}
"""The languages of namespaces beside English, as the parser calls them."""

_UNITS = ("day", "week", "month", "year")
_NUMBER = re.compile(r"\(\\d[^)]*\)")


@dataclass(frozen=True, slots=True)
class LocaleWords:
    """What a date is made of."""

    months: dict[str, str]
    """Names, and what each stands for; shorter ones among them count only beside a number."""
    weekdays: frozenset[str]
    relative: tuple[str, ...]
    """Phrases such as "last week"."""
    ago: tuple[str, ...]
    """Patterns of phrases with a number."""
    between: frozenset[str]
    """Words that may stand between a day, a month and a year."""
    gate: frozenset[bytes]
    """Of these words a question with a time holds one."""


def may_speak_of_time(text: str, language: str) -> bool:
    """Return whether a question holds a word of time, or a number that may be a year."""
    if language == "english":
        gate = GATE
    else:
        words = locale_words(language)
        if words is None:
            return False
        gate = words.gate
    return not gate.isdisjoint(plain_words(text))


@lru_cache(maxsize=64)
def locale_words(language: str) -> LocaleWords | None:
    """Return the words of a language; None for one that the parser does not read."""
    info = _data(language)
    if info is None:
        return None
    months = {name.lower(): info[month] for month in MONTHS for name in info.get(month, [])}
    spelled = {name: max(names, key=len).lower() for name, names in months.items()}
    days = [max(info[day], key=len).lower() for day in WEEKDAYS if info.get(day)]
    kinds = [kind for unit in _UNITS for kind in (f"0 {unit} ago", f"1 {unit} ago", f"2 {unit} ago")]
    phrases = info.get("relative-type", {})
    relative = [phrase.lower() for kind in kinds for phrase in phrases.get(kind, []) if len(phrase) > 2]
    numbered = info.get("relative-type-regex", {})
    ago = [
        pattern.lower()
        for unit in _UNITS
        for pattern in numbered.get(f"\\1 {unit} ago", [])
        if len(re.findall(r"[^\W\d_]+", _NUMBER.sub(" ", pattern))[-1]) > 2
    ]
    plain = [plain_words(_NUMBER.sub(" ", phrase)) for phrase in (*relative, *ago)]
    # The longest word of each: "a week ago" has others that say nothing.
    telling = {max(phrase, key=len) for phrase in plain if phrase}
    skipped = (word.lower() for word in (*info.get("skip", []), *info.get("pertain", [])))
    return LocaleWords(
        spelled,
        frozenset(day for day in days if len(day) > 3),
        tuple(relative),
        tuple(ago),
        frozenset(word for word in skipped if word.isalpha()),
        frozenset(telling.union(word.encode() for word in (*spelled, *days, *SHAPES))),
    )


def _data(language: str) -> dict[str, Any] | None:
    """Return what the parser knows of a language, read as a file: an import would be one of all of it."""
    # Only here: both take longer to import than the words that are always needed.
    import importlib.util
    from pathlib import Path

    found = importlib.util.find_spec("dateparser")
    if language not in CODES or found is None or not found.submodule_search_locations:
        return None
    folder = Path(found.submodule_search_locations[0]) / "data" / "date_translation_data"
    spec = importlib.util.spec_from_file_location(f"_{language}_of_time", folder / f"{CODES[language]}.py")
    if spec is None or spec.loader is None or not Path(str(spec.origin)).exists():
        return None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    info: dict[str, Any] = module.info
    return info
