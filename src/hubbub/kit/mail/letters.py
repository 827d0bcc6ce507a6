"""Mails from templates: of each a text and an HTML body that say the same.

What goes into HTML is escaped. In a text and in a subject a name stays one line, so that nobody's
name can go on with words that seem to be the hub's.
"""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from hubbub.kit.mail import Mail
from hubbub.settings import Settings

if TYPE_CHECKING:
    from jinja2 import Environment

_COMMON = Path(__file__).parent / "templates"


def one_line(text: str) -> str:
    """Without what ends a line, turns the direction of writing, or can't be seen."""
    plain = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(plain.split())


@cache
def _environment(folder: Path) -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

    environment = Environment(
        loader=FileSystemLoader([folder, _COMMON]),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["line"] = one_line
    return environment


class Letters:
    """The mails that one domain writes, from the templates in its folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(
        self, settings: Settings, template: str, to: str, subject: str, **values: object
    ) -> Mail:
        environment = _environment(self._folder)
        common = {
            "app_name": settings.app_name,
            "hub_url": settings.public_url,
            "subject": one_line(subject),
        }
        text, html = (
            environment.get_template(f"{template}.{ending}").render(values, **common)
            for ending in ("txt", "html")
        )
        return Mail(to, common["subject"], text, html)
