"""Mail as files, for a hub without a mail server: the operator reads them, or has them fetched."""

import asyncio
import os
import secrets
from datetime import UTC, datetime
from pathlib import Path

import structlog

from hubbub.kit.folders import sync_folder
from hubbub.kit.mail import Mail, MailFailed
from hubbub.kit.mail.compose import compose, parse_sender

log = structlog.get_logger()


class FolderMailer:
    def __init__(self, folder: Path, sender: str) -> None:
        self._folder = folder
        self._sender = parse_sender(sender)

    async def send(self, mail: Mail) -> None:
        content = bytes(compose(mail, self._sender))
        try:
            path = await asyncio.to_thread(self._write, content)
        except OSError as error:
            reason = f"the mail folder can't be written ({error.strerror})"
            raise MailFailed(reason) from error
        log.info("mail.written", path=str(path))

    def _write(self, content: bytes) -> Path:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}-{secrets.token_hex(4)}"
        path = self._folder / f"{name}.eml"
        unfinished = self._folder / f".{name}"
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            unfinished.rename(path)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise
        sync_folder(self._folder)
        return path
