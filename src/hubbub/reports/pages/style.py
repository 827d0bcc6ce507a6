"""How a report looks."""

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm

from hubbub.reports.pages.text import BOLD, PLAIN

PAGE = A4
MARGIN = 18 * mm
WIDTH = PAGE[0] - 2 * MARGIN

INK = HexColor("#1b2430")
SOFT = HexColor("#5b6675")
FAINT = HexColor("#dfe4ea")
PALE = HexColor("#f4f6f8")
MAIN = HexColor("#2457c5")
SECOND = HexColor("#8fb1f2")
GOOD = HexColor("#2457c5")
BAD = HexColor("#d1495b")
WAITING = HexColor("#c3ccd6")
PAPER = HexColor("#ffffff")
ON_MAIN = HexColor("#d5e1fb")

HEADING = ParagraphStyle(
    "heading", fontName=BOLD, fontSize=12.5, leading=16, textColor=INK, spaceBefore=16, spaceAfter=2
)
NOTE = ParagraphStyle("note", fontName=PLAIN, fontSize=8, leading=11, textColor=SOFT, spaceAfter=6)
EMPTY = ParagraphStyle("empty", parent=NOTE, fontSize=9, leading=13, spaceBefore=4)
