"""The English words of time."""

__all__ = [
    "AMBIGUOUS",
    "COUNT",
    "EARLIEST",
    "GATE",
    "LATEST",
    "LONGEST",
    "MONTHS",
    "NUMBERS",
    "SHAPES",
    "SHORT_MONTHS",
    "UNITS",
    "WEEKDAYS",
    "plain_words",
]

LONGEST = 2_000
"""Characters of a question that are read."""

MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
SHORT_MONTHS = ("jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec")
"""Read as months only beside a day or a year."""
AMBIGUOUS = frozenset({"march", "april", "may", "june", "august"})
"""Other words and first names as well: months only where the words beside them say so."""
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
UNITS = ("day", "week", "weekend", "month", "year")
NUMBERS = {
    "a couple of": 2,
    "a few": 3,
    "several": 4,
    **dict.fromkeys(("a", "an", "one"), 1),
    **{
        word: at
        for at, word in enumerate(
            ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"), 2
        )
    },
}
COUNT = r"(?:\d{1,4}|" + "|".join(NUMBERS).replace(" ", r"\s+") + ")"
EARLIEST = ("earliest", "initially", "originally")
LATEST = ("anymore", "current", "currently", "latest", "newest", "nowadays")

SHAPES = ("0000", "0000s")
"""A number that may be a year, its digits as zeros."""
_DIGITS, _MARKS = b"123456789", b".,;:?!'\"()[]{}<>/-_*#"
_PLAIN = bytes.maketrans(_DIGITS + _MARKS, b"0" * len(_DIGITS) + b" " * len(_MARKS))
_QUOTES = str.maketrans(dict.fromkeys("’‘“”«»„¿¡–—،؟।", " "))


def plain_words(text: str) -> list[bytes]:
    """Return the words of a text in small letters, without marks, digits as zeros; in the fastest way."""
    text = text[:LONGEST].lower()
    if not text.isascii():
        text = text.translate(_QUOTES)
    return text.encode("utf-8", "surrogatepass").translate(_PLAIN).split()


GATE = frozenset(
    word.encode()
    for word in (
        *MONTHS,
        *WEEKDAYS,
        *EARLIEST,
        *LATEST,
        *("ago", "last", "night", "past", "recent", "since", "today", "tomorrow", "until", "yesterday"),
        *("after", "before", "coming", "first", "late", "next", "now", "previous", "this", "till", "tonight"),
        *SHAPES,
        *(day + end for day in ("0", "00") for end in ("st", "nd", "rd", "th")),
        *SHORT_MONTHS,
    )
)
"""Of these words an English question with a time holds one."""
