"""Charts, drawn from plain shapes: bars by day, one or several on top of each other."""

from collections.abc import Sequence
from datetime import date
from typing import Any, Literal, NamedTuple

from reportlab.graphics.shapes import Drawing, Line, Rect, String
from reportlab.lib.colors import Color
from reportlab.pdfbase.pdfmetrics import stringWidth

from hubbub.reports.pages import style
from hubbub.reports.pages.text import PLAIN, number

_HEIGHT = 150.0
_LEFT, _BOTTOM, _TOP = 34.0, 16.0, 22.0
_SMALL = 7.0
_MOST_BARS = 92
"""More days than that are shown by weeks."""
_LABELS = 8

type _Anchor = Literal["start", "middle", "end"]


class Series(NamedTuple):
    name: str
    color: Color
    values: Sequence[int]


class Bar(NamedTuple):
    begins: date
    values: tuple[int, ...]


def bars_by_day(days: Sequence[date], series: Sequence[Series], *, stacked: bool) -> Drawing:
    bars = _bars(days, series)
    drawing = Drawing(style.WIDTH, _HEIGHT)
    top = max((sum(bar.values) if stacked else max(bar.values) for bar in bars), default=0)
    step, lines = _scale(top)
    height = _HEIGHT - _BOTTOM - _TOP
    width = style.WIDTH - _LEFT
    unit = height / (step * lines)
    for line in range(lines + 1):
        y = _BOTTOM + line * step * unit
        color = style.SOFT if line == 0 else style.FAINT
        drawing.add(Line(_LEFT, y, style.WIDTH, y, strokeColor=color, strokeWidth=0.5))
        drawing.add(_label(number(line * step), _LEFT - 5, y - 2.5, "end"))
    slot = width / max(len(bars), 1)
    for place, bar in enumerate(bars):
        _draw_bar(drawing, bar, _LEFT + place * slot, slot, unit, series, stacked=stacked)
    every = max(1, -(-len(bars) // _LABELS))
    for place in range(0, len(bars), every):
        middle = _LEFT + (place + 0.5) * slot
        drawing.add(_label(f"{bars[place].begins:%d %b}".lstrip("0"), middle, 4, "middle"))
    _draw_legend(drawing, series, weekly=len(bars) < len(days))
    return drawing


def _bars(days: Sequence[date], series: Sequence[Series]) -> list[Bar]:
    size = 1 if len(days) <= _MOST_BARS else 7
    return [
        Bar(days[first], tuple(sum(each.values[first : first + size]) for each in series))
        for first in range(0, len(days), size)
    ]


def _scale(top: int) -> tuple[int, int]:
    """How far apart the lines are, and how many: few, at round numbers."""
    if top <= 4:
        return 1, max(top, 1)
    size = 1
    while True:
        for step in (size, 2 * size, 5 * size):
            if step * 5 >= top:
                return step, -(-top // step)
        size *= 10


def _draw_bar(
    drawing: Drawing,
    bar: Bar,
    x: float,
    slot: float,
    unit: float,
    series: Sequence[Series],
    *,
    stacked: bool,
) -> None:
    gap = min(slot * 0.25, 4.0)
    room = min(slot - gap, 44.0)
    left = x + (slot - room) / 2
    width = room if stacked else room / len(series)
    bottom = _BOTTOM
    for place, (each, value) in enumerate(zip(series, bar.values, strict=True)):
        if value:
            at = left if stacked else left + place * width
            height = max(value * unit, 0.7)
            drawing.add(_block(at, bottom, width, height, each.color))
            bottom += height if stacked else 0


def _draw_legend(drawing: Drawing, series: Sequence[Series], *, weekly: bool) -> None:
    x, y = _LEFT, _HEIGHT - 9
    for each in series:
        drawing.add(_block(x, y, 7, 7, each.color))
        drawing.add(_label(each.name, x + 11, y + 0.8, "start"))
        x += 11 + stringWidth(each.name, PLAIN, _SMALL) + 14
    unit = "a bar for each week" if weekly else "a bar for each day"
    drawing.add(_label(unit, style.WIDTH, y + 0.8, "end"))


def _block(x: float, y: float, width: float, height: float, color: Color) -> Rect:
    # its types don't say that these are colours
    looks: Any = {"fillColor": color, "strokeColor": None}
    return Rect(x, y, width, height, **looks)


def _label(text: str, x: float, y: float, anchor: _Anchor) -> String:
    return String(
        x, y, text, fontName=PLAIN, fontSize=_SMALL, fillColor=style.SOFT, textAnchor=anchor
    )


def share(value: int, most: int, width: float) -> Drawing:
    """A bar in a table: how much that is of the most."""
    height = 6.0
    drawing = Drawing(width, height)
    drawing.add(_block(0, 0, width, height, style.PALE))
    filled = width * value / most if most else 0
    if filled:
        drawing.add(_block(0, 0, max(filled, 0.7), height, style.MAIN))
    return drawing
