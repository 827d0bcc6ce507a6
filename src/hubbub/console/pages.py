"""Rendering pages: escaped templates, no script, and headers that allow nothing else."""

from functools import cache
from pathlib import Path

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

STATIC = Path(__file__).parent / "static"
_TEMPLATES = Path(__file__).parent / "templates"
_PAGE = (
    "default-src 'none'; style-src 'self'; img-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# Swagger UI styles its elements one by one and draws with embedded images
_DOCS = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline';"
    " img-src 'self' data:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)


@cache
def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined
    )


def page(template: str, status: int = 200, **values: object) -> HTMLResponse:
    return _rendered(template, status, _PAGE, **values)


def docs_page() -> HTMLResponse:
    """The API's document to read and to try, from our own files: nothing is fetched elsewhere."""
    return _rendered("docs.html", 200, _DOCS)


def _rendered(template: str, status: int, policy: str, **values: object) -> HTMLResponse:
    html = _templates().get_template(template).render(values)
    return HTMLResponse(html, status, headers={"content-security-policy": policy})
