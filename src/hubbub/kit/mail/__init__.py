"""Sending mail, as a port: SMTP, or a folder of files for a hub without a mail server."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Mail:
    to: str
    subject: str
    text: str
    html: str | None = None


class MailFailed(Exception):
    """The mail was not taken over. Says why without naming the recipient or the content."""

    def __init__(self, reason: str, *, retryable: bool = True) -> None:
        super().__init__(reason)
        self.retryable = retryable
        """False when the same mail would be refused again: a bad address, a 5xx answer."""


class Mailer(Protocol):
    async def send(self, mail: Mail) -> None:
        """Returns once the next server, or the disk, has taken the mail over.

        Raises `MailFailed` and nothing else.
        """
        ...
