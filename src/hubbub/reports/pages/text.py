"""Words and numbers as they stand on a page. Names are strangers' texts: nothing in them is markup,
what can't be drawn is seen to be missing, and none is longer than its place."""

import unicodedata
from datetime import UTC, datetime
from html import escape
from pathlib import Path

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

PLAIN, BOLD = "DejaVuSans", "DejaVuSans-Bold"
_FONTS = Path(__file__).parent / "fonts"
_MISSING = "\N{WHITE SQUARE}"
_RIGHT_TO_LEFT = {"R", "AL"}
# what has a width of its own, and what turns the direction of writing around
_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_LONGEST = 200

_faces: dict[str, frozenset[int]] = {}


def load_fonts() -> None:
    for name in (PLAIN, BOLD):
        font = TTFont(name, str(_FONTS / f"{name}.ttf"))
        pdfmetrics.registerFont(font)
        _faces[name] = frozenset(font.face.charToGlyph)
    pdfmetrics.registerFontFamily(PLAIN, normal=PLAIN, bold=BOLD, italic=PLAIN, boldItalic=BOLD)


def drawable(text: str) -> str:
    """The text on one line, as the font can draw it."""
    known = _faces[PLAIN]
    chars = []
    for char in unicodedata.normalize("NFC", text[:_LONGEST]):
        if unicodedata.category(char) in _UNSEEN:
            continue
        chars.append(char if ord(char) in known else _MISSING)
    return _visual(" ".join("".join(chars).split())) or "—"


def _visual(text: str) -> str:
    """Runs from right to left turned around: a page is drawn from left to right."""
    if not any(unicodedata.bidirectional(char) in _RIGHT_TO_LEFT for char in text):
        return text
    words, run = [], []
    for word in text.split(" "):
        if any(unicodedata.bidirectional(char) in _RIGHT_TO_LEFT for char in word):
            run.append(word[::-1])
        else:
            words += [*reversed(run), word]
            run = []
    return " ".join([*words, *reversed(run)])


def fitted(text: str, width: float, size: float, font: str = PLAIN) -> str:
    """As much of it as the place has room for, with an ellipsis for the rest."""
    shown = drawable(text)
    if pdfmetrics.stringWidth(shown, font, size) <= width:
        return shown
    while shown and pdfmetrics.stringWidth(f"{shown}…", font, size) > width:
        shown = shown[:-1]
    return f"{shown}…"


def marked(text: str) -> str:
    """For a paragraph, which reads markup."""
    return escape(drawable(text), quote=False)


def number(value: float | None) -> str:
    """1234567 as 1 234 567."""
    return "—" if value is None else f"{value:,.0f}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def percent(value: float | None) -> str:
    if value is None:
        return "—"
    # what isn't all is never rounded to all
    shown = min(value * 100, 99.9) if value < 1 else 100.0
    return f"{shown:.1f} %" if shown < 100 else "100 %"


def duration(seconds: float | None) -> str:
    if seconds is None:
        return "—"
    if seconds < 1:
        return f"{max(seconds, 0) * 1000:.0f} ms"
    for limit, unit, size in ((100, "s", 1), (6000, "min", 60), (172_800, "h", 3600)):
        if seconds < limit:
            value = seconds / size
            return f"{value:.1f} {unit}" if value < 10 else f"{value:.0f} {unit}"
    return f"{seconds / 86400:.1f} days"


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def day(at: datetime) -> str:
    return f"{at.day} {at:%b %Y}"


def span(since: datetime, until: datetime) -> str:
    """Times of day are told where a report doesn't begin and end with a day."""
    if since.time() == until.time() == datetime.min.time():
        return f"{day(since)} – {day(until)}"
    return f"{day(since)}, {since:%H:%M} – {day(until)}, {until:%H:%M} UTC"
