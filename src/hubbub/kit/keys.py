"""The hub's own secret, and the separate keys derived from it."""

import base64
import contextlib
import hashlib
import hmac
import os
import secrets
from pathlib import Path
from uuid import UUID

from hubbub.kit.folders import sync_folder
from hubbub.settings import MIN_SECRET_LENGTH, Settings

SECRET_FILE = "secret_key"  # noqa: S105 - a file's name


class SecretFileError(Exception):
    """The hub's own secret is damaged; starting without it would make every key guessable."""


class Keyring:
    """Gives each purpose its own key, so that a token made for one is worthless for another."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    def key(self, purpose: str) -> bytes:
        return hmac.digest(self._secret, f"hubbub:{purpose}".encode(), "sha512")

    def fingerprint(self, purpose: str, token: str) -> bytes:
        """What is stored of a token: enough to recognise it, useless to whoever reads the table."""
        return hmac.digest(self.key(purpose), token.encode(), "sha256")

    def token_for(self, purpose: str, subject: UUID) -> str:
        """A token that proves who made it, for a row that says whether it still counts.

        It can be made anew at any time, so a mail that is sent twice carries the same link, and
        nothing secret needs to be stored.
        """
        seal = hmac.digest(self.key(purpose), subject.bytes, "sha256")
        return base64.urlsafe_b64encode(subject.bytes + seal).decode()

    def subject_of(self, purpose: str, token: str) -> UUID | None:
        try:
            content = base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True)
        except ValueError:
            return None
        subject, seal = content[:16], content[16:]
        if not hmac.compare_digest(seal, hmac.digest(self.key(purpose), subject, "sha256")):
            return None
        return UUID(bytes=subject) if len(subject) == 16 else None


def token_hash(token: str) -> bytes:
    """For random tokens that must outlive a change of the secret, such as API keys.

    They have 256 random bits: there is nothing to guess, so no slow hash is needed.
    """
    return hashlib.sha256(token.encode()).digest()


def load_keyring(settings: Settings) -> Keyring:
    """The given secret, or the embedded hub's own, made on its first start."""
    if settings.secret_key is not None:
        return Keyring(settings.secret_key.get_secret_value())
    return Keyring(_read_or_make(settings.data_dir / SECRET_FILE))


def _read_or_make(path: Path) -> str:
    if not path.exists():
        make_private_file(path, secrets.token_hex(32))
    secret = path.read_text().strip()
    if len(secret) < MIN_SECRET_LENGTH:
        msg = (
            f"{path.absolute()} holds no whole secret: bring it back from a backup, or delete it"
            " to get a new one, which signs everybody out"
        )
        raise SecretFileError(msg)
    return secret


def make_private_file(path: Path, content: str) -> None:
    """Makes a file that only its owner reads, whole or not at all; one that is there stays."""
    made = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        # a link fails where a rename would replace: of two first starts, one secret stays
        with contextlib.suppress(FileExistsError):
            os.link(made, path)
    finally:
        made.unlink()
    # the name too, or a power cut could take the file that signed the first tokens
    sync_folder(path.parent)
