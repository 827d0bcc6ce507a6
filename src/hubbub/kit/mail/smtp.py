"""Mail by way of a mail server."""

from time import monotonic

import aiosmtplib
import structlog
from aiosmtplib import SMTPException, SMTPRecipientsRefused, SMTPResponseException

from hubbub.kit.mail import Mail, MailFailed
from hubbub.kit.mail.compose import compose, parse_sender
from hubbub.settings import MailSettings

log = structlog.get_logger()

TIMEOUT = 15.0
_AWAY = 30.0
"""For so many seconds a server that can't be used isn't tried again: each mail would keep a job
waiting, and the jobs are few."""
_AUTHENTICATION = range(530, 540)


class SmtpMailer:
    """One connection for each mail: a hub sends few, and none is held open over the night."""

    def __init__(self, settings: MailSettings, *, timeout: float = TIMEOUT) -> None:
        self._settings = settings
        self._timeout = timeout
        self._sender = parse_sender(settings.sender)
        self._away_until = 0.0

    async def send(self, mail: Mail) -> None:
        message = compose(mail, self._sender)
        if monotonic() < self._away_until:
            raise MailFailed("the mail server could not be used a moment ago")
        settings = self._settings
        password = settings.smtp_password
        try:
            await aiosmtplib.send(
                message,
                sender=self._sender.addr_spec,
                recipients=[mail.to],
                hostname=settings.smtp_host,
                port=settings.smtp_port,
                username=settings.smtp_user,
                password=password.get_secret_value() if password else None,
                use_tls=settings.smtp_tls == "tls",
                # never None, which would go on in plain text where a server offers no TLS
                start_tls=settings.smtp_tls == "starttls",
                timeout=self._timeout,
            )
        except (SMTPException, OSError, ValueError) as error:
            failure = _failure(error)
            if _code(error) is None and failure.retryable:
                self._away_until = monotonic() + _AWAY
            log.warning("mail.failed", reason=str(failure), retryable=failure.retryable)
            raise failure from error
        log.info("mail.sent", message_id=message["Message-ID"])


def _failure(error: Exception) -> MailFailed:
    code = _code(error)
    if code is None:
        return MailFailed(
            f"the mail server can't be used ({type(error).__name__})",
            retryable=not isinstance(error, ValueError),
        )
    # a refused login is the operator's to mend, and the mail may go out then
    permanent = code >= 500 and code not in _AUTHENTICATION
    return MailFailed(f"the mail server answered {code}", retryable=not permanent)


def _code(error: Exception) -> int | None:
    if isinstance(error, SMTPRecipientsRefused):
        return max(refused.code for refused in error.recipients)
    return error.code if isinstance(error, SMTPResponseException) else None
