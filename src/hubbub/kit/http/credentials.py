"""The credential that a request came with: read and hashed once, for whoever asks."""

from typing import NamedTuple

from starlette.types import Scope

from hubbub.kit.http.headers import RawHeaders, headers_of
from hubbub.kit.keys import token_hash


class Presented(NamedTuple):
    token: str
    is_known_form: bool
    """Whether it came as `Authorization: Bearer` or `X-API-Key`: others are nobody's to check."""
    hash: bytes
    digest: str
    """The same as text."""


def presented(scope: Scope) -> Presented | None:
    state = scope.setdefault("state", {})
    if "presented" not in state:
        state["presented"] = _read(headers_of(scope))
    found: Presented | None = state["presented"]
    return found


def _read(headers: RawHeaders) -> Presented | None:
    given = headers.get(b"authorization", b"").decode("latin-1")
    scheme, _, token = given.partition(" ")
    token = token.strip() if scheme.lower() == "bearer" else ""
    token = token or headers.get(b"x-api-key", b"").decode("latin-1")
    if not (token or given):
        return None
    hashed = token_hash(token or given)
    return Presented(token or given, bool(token), hashed, hashed.hex())
