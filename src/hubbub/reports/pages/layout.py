"""A content in, a PDF out."""

from io import BytesIO
from typing import Any

from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import SimpleDocTemplate

from hubbub.reports.pages import style
from hubbub.reports.pages.blocks import Title
from hubbub.reports.pages.sections import SECTIONS
from hubbub.reports.pages.text import PLAIN, drawable, fitted, load_fonts, moment, span

_ABOUT = {"hub": "the whole hub", "mine": "what is theirs"}


def drawn(content: dict[str, Any]) -> bytes:
    load_fonts()
    title, sections = SECTIONS[content["kind"]]
    since, until = moment(content["since"]), moment(content["until"])
    covered = span(since, until)
    generated = f"{moment(content['generated_at']):%Y-%m-%d %H:%M} UTC"
    foot = f"{title} · {covered} · generated {generated}"
    about = _ABOUT[content["span"]]
    story = [
        Title(
            f"{content['hub']} report", title, covered, f"For {content['made_for']}, about {about}"
        ),
        *sections(content[content["kind"]]),
    ]
    written = BytesIO()
    document = SimpleDocTemplate(
        written,
        pagesize=style.PAGE,
        leftMargin=style.MARGIN - 6,
        rightMargin=style.MARGIN - 6,
        topMargin=16 * mm,
        bottomMargin=20 * mm,
        title=drawable(f"{content['hub']}: {title}, {covered}"),
        author=drawable(content["hub"]),
        pageCompression=1,
    )

    def numbered(*given: Any, **options: Any) -> Canvas:
        return _Numbered(*given, foot=foot, **options)

    document.build(story, canvasmaker=numbered)
    return written.getvalue()


class _Numbered(Canvas):
    """Knows how many pages there are only at the end, and writes all feet then."""

    def __init__(self, *given: Any, foot: str, **options: Any) -> None:
        super().__init__(*given, **options)
        self._foot = foot
        self._pages: list[dict[str, Any]] = []

    def showPage(self) -> None:  # noqa: N802 - the library's name
        self._pages.append(dict(self.__dict__))
        self._startPage()  # type: ignore[attr-defined]

    def save(self) -> None:
        many = len(self._pages)
        for number, page in enumerate(self._pages, 1):
            self.__dict__.update(page)
            self._draw_foot(f"{number} / {many}")
            super().showPage()
        super().save()

    def _draw_foot(self, number: str) -> None:
        left, right = style.MARGIN, style.PAGE[0] - style.MARGIN
        self.setStrokeColor(style.FAINT)
        self.setLineWidth(0.5)
        self.line(left, 14 * mm, right, 14 * mm)
        self.setFont(PLAIN, 7)
        self.setFillColor(style.SOFT)
        self.drawString(left, 9.5 * mm, fitted(self._foot, right - left - 20 * mm, 7))
        self.drawRightString(right, 9.5 * mm, number)
