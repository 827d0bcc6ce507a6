"""Rendering pages: escaped templates, no script, and headers that allow nothing else."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse

if TYPE_CHECKING:
    from jinja2 import Environment

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
def _templates() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined
    )


class Pages:
    """The pages of a hub, which bear its name."""

    def __init__(self, app_name: str) -> None:
        self._app_name = app_name

    def __call__(self, template: str, status: int = 200, **values: object) -> HTMLResponse:
        return self._rendered(template, status, _PAGE, **values)

    def docs(self) -> HTMLResponse:
        """The API's document to read and to try, from our own files: nothing is fetched
        elsewhere."""
        return self._rendered("docs.html", 200, _DOCS)

    def _rendered(self, template: str, status: int, policy: str, **values: object) -> HTMLResponse:
        html = _templates().get_template(template).render(values, app_name=self._app_name)
        return HTMLResponse(html, status, headers={"content-security-policy": policy})


async def get_pages(request: Request) -> Pages:
    return Pages(request.app.state.settings.app_name)


Page = Annotated[Pages, Depends(get_pages)]
