"""What pages are made of: the block with the title, cards with figures, tables."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from reportlab.graphics.shapes import Drawing
from reportlab.lib.units import mm
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.platypus import CondPageBreak, Flowable, KeepTogether, Paragraph, Table, TableStyle

from hubbub.reports.pages import style
from hubbub.reports.pages.charts import share
from hubbub.reports.pages.text import BOLD, PLAIN, fitted, marked

_SIZE = 8.5
_PAD = 6.0
_LEAST = 45 * mm
"""Room for a heading and some rows."""


class Title(Flowable):
    """A band over the whole width: what it is, of which time, for whom."""

    _HEIGHT = 40 * mm

    def __init__(self, over: str, title: str, span: str, made_for: str) -> None:
        super().__init__()
        self._over, self._title, self._span, self._made_for = over, title, span, made_for

    def wrap(self, *_: float) -> tuple[float, float]:
        return style.WIDTH, self._HEIGHT

    def draw(self) -> None:
        canvas = self.canv
        inside = style.WIDTH - 14 * mm
        canvas.setFillColor(style.MAIN)
        canvas.roundRect(0, 0, style.WIDTH, self._HEIGHT, 6, stroke=0, fill=1)
        for text, font, size, color, y in (
            (self._over, PLAIN, 9, style.ON_MAIN, 31),
            (self._title, BOLD, 22, style.PAPER, 20.5),
            (self._span, PLAIN, 10.5, style.PAPER, 12),
            (self._made_for, PLAIN, 9, style.ON_MAIN, 6),
        ):
            canvas.setFillColor(color)
            canvas.setFont(font, size)
            canvas.drawString(7 * mm, y * mm, fitted(text, inside, size, font))


class Figure(NamedTuple):
    label: str
    value: str


class Cards(Flowable):
    """Figures side by side, each in a card of its own."""

    _HEIGHT = 19 * mm
    _GAP = 3 * mm

    def __init__(self, figures: Sequence[Figure]) -> None:
        super().__init__()
        self._figures = figures
        self.spaceBefore = 5 * mm

    def wrap(self, *_: float) -> tuple[float, float]:
        return style.WIDTH, self._HEIGHT

    def draw(self) -> None:
        canvas = self.canv
        many = len(self._figures)
        width = (style.WIDTH - self._GAP * (many - 1)) / many
        for place, figure in enumerate(self._figures):
            x = place * (width + self._GAP)
            canvas.setFillColor(style.PALE)
            canvas.roundRect(x, 0, width, self._HEIGHT, 4, stroke=0, fill=1)
            canvas.setFillColor(style.INK)
            room = width - 8 * mm
            size = min(16.0, 16.0 * room / stringWidth(figure.value, BOLD, 16))
            canvas.setFont(BOLD, size)
            canvas.drawString(x + 4 * mm, 9 * mm, figure.value)
            canvas.setFillColor(style.SOFT)
            canvas.setFont(PLAIN, 7.5)
            canvas.drawString(x + 4 * mm, 4 * mm, fitted(figure.label, room, 7.5))


class Column(NamedTuple):
    head: str
    width: float
    """As a part of the whole."""
    is_number: bool = False


def section(title: str, note: str, content: Flowable) -> list[Flowable]:
    """A heading is never alone at the foot of a page; a table may go on for pages."""
    heading = [Paragraph(marked(title), style.HEADING), Paragraph(marked(note), style.NOTE)]
    if isinstance(content, Table):
        return [CondPageBreak(_LEAST), *heading, content]
    return [KeepTogether([*heading, content])]


def table(columns: Sequence[Column], rows: Sequence[Sequence[str | Drawing]]) -> Flowable:
    if not rows:
        return Paragraph("Nothing in this time.", style.EMPTY)
    widths = [style.WIDTH * column.width for column in columns]
    rooms = [width - 2 * _PAD for width in widths]
    head = [
        column.head and fitted(column.head, room, 7.5, BOLD)
        for column, room in zip(columns, rooms, strict=True)
    ]
    cells = [
        [
            fitted(each, room, _SIZE) if isinstance(each, str) else each
            for each, room in zip(row, rooms, strict=True)
        ]
        for row in rows
    ]
    made = Table([head, *cells], colWidths=widths, repeatRows=1, hAlign="LEFT")
    rules: list[Any] = [
        ("FONT", (0, 0), (-1, 0), BOLD, 7.5),
        ("FONT", (0, 1), (-1, -1), PLAIN, _SIZE),
        ("TEXTCOLOR", (0, 0), (-1, 0), style.SOFT),
        ("TEXTCOLOR", (0, 1), (-1, -1), style.INK),
        ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
        ("LEFTPADDING", (0, 0), (-1, -1), _PAD),
        ("RIGHTPADDING", (0, 0), (-1, -1), _PAD),
        ("TOPPADDING", (0, 0), (-1, -1), 3.2),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 4.2),
        ("LINEBELOW", (0, 0), (-1, 0), 0.8, style.SOFT),
        ("LINEBELOW", (0, 1), (-1, -1), 0.4, style.FAINT),
    ]
    rules += [
        ("ALIGN", (place, 0), (place, -1), "RIGHT")
        for place, column in enumerate(columns)
        if column.is_number
    ]
    made.setStyle(TableStyle(rules))
    return made


def part(value: int, most: int, width: float) -> Drawing:
    return share(value, most, style.WIDTH * width - 2 * _PAD)
