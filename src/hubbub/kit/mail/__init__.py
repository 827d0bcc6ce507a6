"""Sending mail, as a port: SMTP, or a folder of files for a hub without a mail server."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Mail:
    to: str
    subject: str
    text: str
    html: str | None = None


class Mailer(Protocol):
    async def send(self, mail: Mail) -> None:
        """Returns once the next server, or the disk, has taken the mail over."""
        ...
