"""Secrets that the hub must be able to read again, such as the token of somebody's gateway.

They are sealed with AES-256-GCM. The keys are kept outside of the database, so that a stolen copy
of it tells nothing; the place of a secret (table, column, row) is sealed with it, so that one can't
be moved to where it would be shown or sent elsewhere.
"""

import base64
import secrets
from pathlib import Path
from uuid import UUID

from hubbub.kit import aes
from hubbub.kit.keys import SecretFileError, make_private_file
from hubbub.settings import ENCRYPTION_KEY_BYTES, Settings, read_encryption_keys

KEYS_FILE = "encryption_keys"
_VERSION = b"\x01"
_NONCE = 12


class SealBrokenError(Exception):
    """A sealed secret that can't be opened: its key is missing, or it was changed or moved."""


class Safe:
    """The first key is the current one: it seals. All of them open."""

    def __init__(self, keys: dict[str, bytes]) -> None:
        self._keys = keys
        self._current = next(iter(keys))

    def seal(self, secret: str, table: str, column: str, row_id: UUID) -> bytes:
        header = _header(self._current)
        nonce = secrets.token_bytes(_NONCE)
        place = _place(header, table, column, row_id)
        return header + nonce + aes.seal(self._keys[self._current], nonce, secret.encode(), place)

    def open(self, sealed: bytes, table: str, column: str, row_id: UUID) -> str:
        name = _key_of(sealed)
        key = self._keys.get(name)
        if key is None:
            msg = f"there is no encryption key {name!r}"
            raise SealBrokenError(msg)
        header = _header(name)
        nonce, content = sealed[len(header) :][:_NONCE], sealed[len(header) + _NONCE :]
        place = _place(header, table, column, row_id)
        try:
            return aes.open_sealed(key, nonce, content, place).decode()
        except (aes.AlteredError, ValueError) as error:
            msg = f"{table}.{column} of {row_id} was changed or moved"
            raise SealBrokenError(msg) from error

    def is_current(self, sealed: bytes) -> bool:
        return sealed.startswith(_header(self._current))


def _header(name: str) -> bytes:
    return _VERSION + bytes([len(name)]) + name.encode()


def _key_of(sealed: bytes) -> str:
    if len(sealed) < 2 or not sealed.startswith(_VERSION):
        msg = "this is nothing that was sealed here"
        raise SealBrokenError(msg)
    return sealed[2 : 2 + sealed[1]].decode(errors="replace")


def _place(header: bytes, table: str, column: str, row_id: UUID) -> bytes:
    return header + f"\x00{table}.{column}:{row_id}".encode()


def load_safe(settings: Settings) -> Safe:
    """With the given keys, or the embedded hub's own, made on its first start."""
    if settings.encryption_keys is not None:
        return Safe(read_encryption_keys(settings.encryption_keys.get_secret_value()))
    path = settings.data_dir / KEYS_FILE
    if not path.exists():
        make_private_file(path, new_key("1"))
    return Safe(_read(path))


def _read(path: Path) -> dict[str, bytes]:
    try:
        return read_encryption_keys(path.read_text().strip())
    except ValueError as error:
        msg = (
            f"{path.absolute()} {error}: bring it back from a backup; without it the tokens of all"
            " gateways have to be given anew"
        )
        raise SecretFileError(msg) from error


def add_key(data_dir: Path) -> None:
    """Puts a new key before the embedded hub's own."""
    path = data_dir / KEYS_FILE
    if not path.exists():
        make_private_file(path, new_key("1"))
    keys = _read(path)
    fresh = next(str(number) for number in range(1, len(keys) + 2) if str(number) not in keys)
    made = path.with_name(f"{KEYS_FILE}.new")
    made.unlink(missing_ok=True)
    make_private_file(made, f"{new_key(fresh)},{path.read_text().strip()}")
    made.replace(path)


def new_key(name: str) -> str:
    """As it stands in the setting."""
    return f"{name}:{base64.b64encode(secrets.token_bytes(ENCRYPTION_KEY_BYTES)).decode()}"
