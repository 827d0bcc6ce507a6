import re
from typing import Annotated
from uuid import UUID

from pydantic import (
    MISSING,
    AfterValidator,
    BeforeValidator,
    EmailStr,
    Field,
    HttpUrl,
    PlainSerializer,
    SecretStr,
    StringConstraints,
)

from hubbub.kit.schema import Input, Line, Schema, UtcDatetime
from hubbub.users.types import Role

SPECIAL = "@$!%*?&"
_MAX_URL = 2083

_PASSWORD_NEEDS = (
    (re.compile(r"[a-z]"), "a lowercase letter"),
    (re.compile(r"[A-Z]"), "an uppercase letter"),
    (re.compile(r"[0-9]"), "a digit"),
    (re.compile(f"[{re.escape(SPECIAL)}]"), f"one of {SPECIAL}"),
)


def check_password(password: str) -> None:
    """Raises ValueError that says everything that is missing, so that one retry is enough."""
    if any(ord(char) < 32 or ord(char) == 127 for char in password):
        msg = "Password must contain no control characters"
        raise ValueError(msg)
    missing = [what for pattern, what in _PASSWORD_NEEDS if not pattern.search(password)]
    if missing:
        msg = f"Password must contain {', '.join(missing)}"
        raise ValueError(msg)


def _checked(password: SecretStr) -> SecretStr:
    check_password(password.get_secret_value())
    return password


def _not_longer_when_written(url: HttpUrl) -> HttpUrl:
    """Its length was checked as it was typed; it is stored with each odd character as %XX."""
    if len(str(url)) > _MAX_URL:
        msg = f"URL should have at most {_MAX_URL} characters, counted as %XX where it needs that"
        raise ValueError(msg)
    return url


def _lower(email: object) -> object:
    """Also before it is checked: some letters become two, and it is stored as it is then."""
    return email.lower() if isinstance(email, str) else email


Email = Annotated[
    EmailStr, BeforeValidator(_lower), AfterValidator(str.lower), Field(max_length=254)
]
Username = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,128}$")]
FullName = Annotated[Line, Field(min_length=1, max_length=100)]
Website = Annotated[HttpUrl, AfterValidator(_not_longer_when_written), PlainSerializer(str)]
NewPassword = Annotated[SecretStr, Field(min_length=8, max_length=128), AfterValidator(_checked)]
Password = Annotated[SecretStr, Field(min_length=1, max_length=128)]


class UserCreate(Input):
    email: Email
    username: Username
    full_name: FullName
    password: NewPassword
    website: Website | None = None
    role: Role = Field(default=Role.MEMBER, description="Only an admin may give `admin`.")
    invitation: str | None = Field(
        default=None, max_length=200, description="The token of the invitation link."
    )


class UserUpdate(Input):
    """Whatever is left out stays as it is; null is for `website` alone."""

    email: Email | MISSING = MISSING
    username: Username | MISSING = MISSING
    full_name: FullName | MISSING = MISSING
    website: Website | MISSING | None = MISSING
    role: Role | MISSING = MISSING
    is_active: bool | MISSING = MISSING
    current_password: Password | MISSING = Field(
        default=MISSING, description="Needed to change one's own e-mail address."
    )


class UserRead(Schema):
    id: UUID
    email: str | None = Field(description="Shown to its owner and to admins.")
    username: str
    full_name: str
    website: str | None
    role: Role
    is_active: bool
    created_at: UtcDatetime
    updated_at: UtcDatetime | None
