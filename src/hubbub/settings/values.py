"""What people write in an environment, and what it means."""

import base64
import ipaddress
import re
from typing import Annotated

import orjson
from pydantic import BeforeValidator, Field
from pydantic_settings import NoDecode

ENCRYPTION_KEY_BYTES = 32
_KEY_ID = re.compile(r"[A-Za-z0-9]{1,16}")


def _split(value: object) -> object:
    """Accepts `a, b` as well as `["a", "b"]`, which is what people write in an environment."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError as error:
            msg = 'must be a comma-separated list or a JSON list like ["a", "b"]'
            raise ValueError(msg) from error
    return [part.strip() for part in value.split(",") if part.strip()]


def _networks(value: object) -> object:
    parts = _split(value)
    if not isinstance(parts, list | tuple):
        return parts
    try:
        return tuple(ipaddress.ip_network(part) for part in parts)
    except ValueError as error:
        msg = "must list networks such as 10.0.0.0/8, fd00::/8"
        raise ValueError(msg) from error


Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
Networks = Annotated[
    tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...],
    NoDecode,
    BeforeValidator(_networks),
]


def _seconds(value: object) -> object:
    parts = _split(value)
    if not isinstance(parts, list | tuple):
        return parts
    try:
        return tuple(float(part) for part in parts)
    except (TypeError, ValueError) as error:
        msg = "must list seconds such as 5, 300, 1800"
        raise ValueError(msg) from error


Seconds = Annotated[
    tuple[Annotated[float, Field(ge=0, le=30 * 86400, allow_inf_nan=False)], ...],
    NoDecode,
    BeforeValidator(_seconds),
]


def read_encryption_keys(text: str) -> dict[str, bytes]:
    """`id:base64,id:base64`, the current key first. No error repeats what was given."""
    keys: dict[str, bytes] = {}
    for part in text.split(","):
        name, _, encoded = part.strip().partition(":")
        if not _KEY_ID.fullmatch(name) or name in keys:
            msg = "must list keys as id:base64, each id once, of up to 16 letters and digits"
            raise ValueError(msg)
        try:
            key = base64.b64decode(encoded, validate=True)
        except ValueError:
            key = b""
        if len(key) != ENCRYPTION_KEY_BYTES:
            msg = f"must have {ENCRYPTION_KEY_BYTES} bytes in base64 behind each id"
            raise ValueError(msg)
        keys[name] = key
    return keys
