"""Making and reading tokens. Nothing here looks into the database."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from hubbub.kit.clock import Clock
from hubbub.kit.keys import Keyring
from hubbub.settings import AuthSettings

API_KEY_MARK = "hub_"
_ISSUER: Final = "hubbub"
_REQUIRED: Final = ["exp", "iat", "iss", "aud", "sub", "sid"]


@dataclass(frozen=True, slots=True)
class AccessClaims:
    user_id: UUID
    session_id: UUID
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Tokens:
    keys: Keyring
    settings: AuthSettings
    clock: Clock

    def now(self) -> datetime:
        return self.clock.now()

    def session_end(self) -> datetime:
        return self.now() + timedelta(days=self.settings.refresh_days)

    def make_access(self, user_id: UUID, session_id: UUID) -> str:
        import jwt

        now = self.now()
        claims = {
            "iss": _ISSUER,
            "aud": _ISSUER,
            "sub": str(user_id),
            "sid": str(session_id),
            "iat": now,
            "exp": now + timedelta(minutes=self.settings.access_minutes),
        }
        return jwt.encode(claims, self.keys.key("access"), self.settings.algorithm)

    def read_access(self, token: str) -> AccessClaims | None:
        """None for anything but a whole, unexpired token of ours."""
        import jwt

        try:
            claims = jwt.decode(
                token,
                self.keys.key("access"),
                algorithms=[self.settings.algorithm],
                issuer=_ISSUER,
                audience=_ISSUER,
                # the times are compared below, with the hub's own clock
                options={"require": _REQUIRED, "verify_exp": False, "verify_iat": False},
            )
            if not isinstance(claims["exp"], int) or claims["exp"] <= self.now().timestamp():
                return None
            ends = datetime.fromtimestamp(claims["exp"], UTC)
            return AccessClaims(UUID(claims["sub"]), UUID(claims["sid"]), ends)
        except (jwt.InvalidTokenError, ValueError, TypeError, AttributeError, OverflowError):
            return None

    def refresh_fingerprint(self, token: str) -> bytes:
        return self.keys.fingerprint("refresh", token)


def new_refresh_token() -> str:
    return secrets.token_urlsafe(32)


def new_api_key() -> str:
    return API_KEY_MARK + secrets.token_urlsafe(32)
