"""Finding phrases of time in an English question: what they are made of, not what they mean."""

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

from recollect.time_words import AMBIGUOUS, COUNT, LONGEST, MONTHS, SHORT_MONTHS, UNITS, WEEKDAYS

__all__ = ["MOST", "Bound", "Clause", "Phrase", "clause_in", "order_in", "phrases_in"]

Bound: TypeAlias = Literal["since", "after", "before", "until"]

MOST = 16
"""Phrases of a question that are read."""

_MONTH = "|".join(MONTHS)
_SHORT = "|".join(sorted(SHORT_MONTHS, key=len, reverse=True))
_NAME = rf"(?:{_MONTH}|(?:{_SHORT})\b\.?)"
_DAY = r"(?:0?[1-9]|[12]\d|3[01])(?:st|nd|rd|th)?(?![\d:%])"
_TO = r"\s?(?:-|–|to|through|until|till|and)\s?"
_ANY_YEAR = r"\d{4}(?![\d,.]\d|\d)"
_PART = (
    r"(?:the\s+)?(?:early|mid|late|beginning|start|middle|end|first\s+half|second\s+half)"
    r"(?:\s+of|\s+in)?[\s-](?:the\s+)?"
)
_WHICH = r"last|past|previous|this|next|coming|this\s+past|this\s+coming"
_UNIT = "|".join((*UNITS, *WEEKDAYS, *MONTHS))
_OF = r",?\s+(?:of\s+)?"
_WEEK = r"(?:the\s+)?(?:first|second|third|fourth|last)\s+week\s+(?:of|in)\s+"

_DATE = re.compile(
    rf"""(?<![\w$€£\#-])(?:
    (?P<iso>\d{{4}}-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12]\d|3[01]))?)(?![\d-])
  | (?P<numeric>\d{{1,2}}(?P<by>[/.])\d{{1,2}}(?P=by)\d{{4}})(?!\d)
  | (?P<ago>{COUNT}\s+(?:hour|day|week|month|year)s?\s+ago)
  | (?P<lately>(?:the\s+)?(?:last|past|previous)\s+(?P<many>{COUNT})\s+(?P<units>day|week|month|year)s?)
  | (?P<near>(?P<rolling>(?:in|over|during|within|for)\s+the\s+)?(?P<which>{_WHICH})\s+(?P<unit>{_UNIT}))
  | (?P<day>the\s+day\s+before\s+yesterday|yesterday|today|tomorrow|last\s+night|tonight
      |this\s+(?:morning|afternoon|evening))
  | (?P<weekday>{"|".join(WEEKDAYS)})
  | (?P<part>{_PART})?(?P<week>{_WEEK})?(?:the\s+)?(?:
        (?:(?P<d0>{_DAY}){_TO})?(?P<d1>{_DAY})\s+(?:of\s+)?(?P<m1>{_NAME})(?:{_OF}(?P<y1>{_ANY_YEAR}))?
      | (?P<m2>{_NAME})\s+(?:the\s+)?(?P<d2>{_DAY})(?!\s+(?:{_NAME})\b)
        (?:{_TO}(?P<d3>{_DAY})(?!\s+(?:of\s+)?{_NAME}))?(?:{_OF}(?P<y2>{_ANY_YEAR}))?
      | (?P<m3>{_NAME})(?:{_OF}(?P<y3>{_ANY_YEAR}))?
      | (?P<y4>(?:19|20)\d\d)(?P<decade>s)?(?![\d,.]\d|\d)
    )
    )(?!\w)""",
    re.VERBOSE,
)
_BEFORE = re.compile(
    r"(?:\b(?P<bound>since|after|before|until|till|up\s+to|prior\s+to|by)"
    r"|\b(?P<pair>between|from)"
    r"|\b(?P<in>in|on|of|during|within|over|for|at|every|through|around|about|to|and|or))"
    r"(?:\s+(?:the|on|in))*\s+$"
)
_JOIN = re.compile(r"\s*(?:-|–|\b(?:and|to|through|until|till)\b)\s*(?:the\s+|in\s+|on\s+)*")
_BOUNDS: dict[str, Bound] = {"since": "since", "after": "after", "before": "before", "priorto": "before"}


@dataclass(frozen=True, slots=True)
class Phrase:
    """One date in a question, with the words that bound it."""

    start: int
    end: int
    text: str
    kind: str
    """``iso``, ``numeric``, ``ago``, ``lately``, ``near``, ``day``, ``weekday`` or ``calendar``."""
    named: dict[str, str]
    bound: Bound | None
    pair: bool
    """Whether the words before open a pair: "between" or "from"."""
    joined: str
    """The word that joins it to the phrase before, ``and`` or ``to``; empty if there is none."""
    plain: str
    """Its text without the words that bound it."""

    @property
    def year(self) -> int | None:
        """The year that it names."""
        written = next((self.named[name] for name in ("y1", "y2", "y3", "y4") if name in self.named), None)
        if "iso" in self.named:
            written = self.named["iso"][:4]
        return None if written is None or "decade" in self.named else int(written)

    @property
    def yearless(self) -> bool:
        """Whether it names a month and no year."""
        return self.kind == "calendar" and self.year is None and "decade" not in self.named

    @property
    def is_year(self) -> bool:
        """Whether it is a year and nothing else."""
        return "y4" in self.named and "part" not in self.named and self.bound is None


@dataclass(frozen=True, slots=True)
class Clause:
    """An event that stands for its time: "before I moved"."""

    bound: Bound
    phrase: str
    text: str


def phrases_in(question: str) -> list[Phrase]:
    """Return the phrases, in their order; of a long question those in its beginning."""
    written, question = question[:LONGEST], question[:LONGEST].lower()
    if len(written) != len(question):
        written = question  # A letter that is two in small ones.
    found: list[Phrase] = []
    for match in _DATE.finditer(question):
        named = {name: text for name, text in match.groupdict().items() if text}
        before = _BEFORE.search(question, max(0, match.start() - 24), match.start())
        words = before.groupdict() if before else {}
        join = _JOIN.fullmatch(question, found[-1].end, match.start()) if found else None
        joined = ("and" if "and" in join[0] else "to") if join else ""
        led = bool(joined) or _leads(words)
        capital = written[match.start() : match.end()] != match[0]
        if not _is_date(question, match, named, led, words.get("in") or "", capital):
            continue
        kind = next((name for name in _KINDS if name in named), "calendar")
        word = "".join((words.get("bound") or "").split())
        bound = _BOUNDS.get(word, "until") if word else None
        start = before.start() if before and not words.get("in") else match.start()
        found.append(
            Phrase(
                match.start(),
                match.end(),
                written[start : match.end()].strip(),
                kind,
                {name: " ".join(text.split()) for name, text in named.items()},
                bound,
                bool(words.get("pair")),
                joined,
                written[match.start() : match.end()],
            )
        )
        if len(found) == MOST:
            break
    return found


_KINDS = ("iso", "numeric", "ago", "lately", "near", "day", "weekday")


def _leads(words: dict[str, str | None]) -> bool:
    """Return whether the words before speak of a time, and not only may do so."""
    return bool(words.get("bound") or words.get("pair") or words.get("in") in _IN)


_IN = frozenset({"in", "during", "within", "over", "every", "through"})


def _is_date(
    question: str, match: re.Match[str], named: dict[str, str], led: bool, preceded: str, capital: bool
) -> bool:
    """Return whether words that can be something else stand where a date does."""
    if "weekday" in named:
        # "On Sunday mornings" is no day.
        return (led or preceded == "on") and not re.match(r"\s+[a-z]+s\b", question[match.end() :])
    if "part" in named and not led and not capital and not AMBIGUOUS.isdisjoint(named.values()):
        # "How early may I call?"
        return False
    if "near" in named or {"d1", "d2", "y1", "y2", "y3", "part", "week"} & named.keys():
        return True
    if month := named.get("m3"):
        word = month.rstrip(".")
        alone = led and match[0][0] == month[0]
        return word not in SHORT_MONTHS and (word not in AMBIGUOUS or alone)
    if "y4" in named:
        return led or "decade" in named or not re.match(r"\s+[a-z]+s\b", question[match.end() :])
    return True


_SUBJECT = r"(?:i|we|he|she|they|it|you|my|our|his|her|their|your|the|a|an)\b|(?-i:[A-Z])"
_CLAUSE = re.compile(
    rf"\b(?P<bound>before|after|since|until)\s+(?P<clause>(?:{_SUBJECT})[^,.;:?!]{{4,160}})", re.IGNORECASE
)


def clause_in(question: str) -> Clause | None:
    """Return the first event that bounds a time and is no date itself."""
    for match in _CLAUSE.finditer(question[:LONGEST]):
        text = match["clause"].strip()
        word = match["bound"].lower()
        # "Since it rained, who came?" gives a reason.
        if len(text.split()) < 2 or _DATE.match(text.lower()) or (word == "since" and not match.start()):
            continue
        return Clause(_BOUNDS.get(word, "until"), match[0].strip(), text)
    return None


_SENTENCE = re.compile(r"[.!?]+[\"')\]*]*(?:\s|$)")
_TURN = 3
"""Sentences that make it a turn of a conversation, which says "now" of itself."""
_EARLIEST = re.compile(
    r"\b(?:(?:the|for\s+the|my|very)\s+first\s+time|earliest|originally|initially|at\s+first"
    r"|(?:did|do|does|has|have|had)(?:\s+[\w']+){1,3}\s+first(?=\s+[a-z]+\b))"
)
_LATEST = re.compile(
    r"\b(?:latest|newest|most\s+recent(?:ly)?|(?:the|my)\s+last\s+time|currently|current|right\s+now|nowadays"
    r"|these\s+days|at\s+the\s+moment|at\s+present|as\s+of\s+now|anymore|now(?=\s*\?))\b"
)


def order_in(question: str) -> tuple[str, Literal["earliest", "latest"]] | None:
    """Return which end of time a question prefers, with the words that say so; None if it speaks of both."""
    question = question[:LONGEST].lower()
    if len(_SENTENCE.findall(question)) >= _TURN:
        return None
    first, last = _EARLIEST.search(question), _LATEST.search(question)
    if first and not last:
        return first[0], "earliest"
    if last and not first:
        return last[0], "latest"
    return None
