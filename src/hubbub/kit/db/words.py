"""The words of a text and of a query, the same for both databases."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

MARK_START, MARK_END = "\x02", "\x03"
"""Around what matched, in a snippet; whoever shows it escapes the text first, then marks."""

MAX_TERMS = 32
MAX_WORD_LENGTH = 64
_WORD = re.compile(r"[^\W_]+")
_SPAN = re.compile(r"\S+")
_BEFORE, _AFTER = 8, 16
_MAX_SNIPPET_TEXT = 20_000
"""What matches behind that is not shown: looking for it would keep everybody else waiting."""
_ASCII = "".join(chr(code).lower() if chr(code).isalnum() else " " for code in range(128))


@dataclass(frozen=True, slots=True)
class Term:
    word: str
    prefix: bool


def _fold(text: str) -> str:
    if text.isascii():
        return text.lower()
    apart = unicodedata.normalize("NFKD", text).casefold()
    return "".join(char for char in apart if not unicodedata.category(char).startswith("M"))


def words_in(text: str) -> Iterator[str]:
    """In lower case, without accents, cut where no letter or digit stands, and bounded in length:
    what is longer than a word can be isn't looked for by its end."""
    return (match[0][:MAX_WORD_LENGTH] for match in _WORD.finditer(_fold(text)))


def joined_words(text: str) -> str:
    """The words of a text with spaces between them. Most texts are ASCII, and many are indexed."""
    if not text.isascii():
        return " ".join(words_in(text))
    words = text.translate(_ASCII).split()
    if len(text) > MAX_WORD_LENGTH and max(map(len, words), default=0) > MAX_WORD_LENGTH:
        words = [word[:MAX_WORD_LENGTH] for word in words]
    return " ".join(words)


def terms(query: str) -> list[Term]:
    """What a query asks for; everything beyond the first words is ignored."""
    found: list[Term] = []
    for part in query.split():
        words = list(words_in(part))
        found += [Term(word, prefix=False) for word in words]
        if words and part.endswith("*"):
            found[-1] = Term(words[-1], prefix=True)
        if len(found) >= MAX_TERMS:
            break
    return found[:MAX_TERMS]


def snippet(body: str, query: str) -> str:
    """Some words around the first that matches, and each that matches between the marks."""
    wanted = terms(query)
    exact = {term.word for term in wanted if not term.prefix}
    beginnings = tuple(term.word for term in wanted if term.prefix)
    body = body[:_MAX_SNIPPET_TEXT].replace(MARK_START, "").replace(MARK_END, "")
    spans = [match.span() for match in _SPAN.finditer(body)]

    def matches(span: tuple[int, int]) -> bool:
        words = words_in(body[slice(*span)])
        return any(word in exact or word.startswith(beginnings) for word in words)

    first = next((number for number, span in enumerate(spans) if matches(span)), 0)
    shown = spans[max(0, first - _BEFORE) : first + _AFTER]
    if not shown:
        return ""
    pieces = [_short(body[start:end], marked=matches((start, end))) for start, end in shown]
    head = "…" if shown[0] != spans[0] else ""
    tail = "…" if shown[-1] != spans[-1] else ""
    return f"{head}{' '.join(pieces)}{tail}"


def _short(piece: str, *, marked: bool) -> str:
    """Not every text has spaces; what is one piece to us may be a whole page."""
    if len(piece) > MAX_WORD_LENGTH:
        piece = f"{piece[:MAX_WORD_LENGTH]}…"
    return f"{MARK_START}{piece}{MARK_END}" if marked else piece
