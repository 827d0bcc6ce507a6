from datetime import UTC, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field

from hubbub.auth.types import Scope
from hubbub.kit.schema import Input, Line, Schema, UtcDatetime
from hubbub.users.schemas import Email, NewPassword, Password, UserRead
from hubbub.users.types import Role


def _in_future(value: datetime) -> datetime:
    if value <= datetime.now(UTC):
        msg = "must be in the future"
        raise ValueError(msg)
    return value


FutureTime = Annotated[UtcDatetime, AfterValidator(_in_future)]
Token = Annotated[str, Field(min_length=1, max_length=200)]


class TokenPair(Schema):
    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - not a token
    expires_in: int = Field(description="Seconds until the access token ends.")
    refresh_token: str = Field(description="Good once; each refresh gives the next one.")


class RefreshRequest(Input):
    refresh_token: Token


class Me(Schema):
    user: UserRead
    scopes: list[Scope]
    session_id: UUID | None = None
    api_key_id: UUID | None = None


class SessionRead(Schema):
    id: UUID
    address: str | None
    user_agent: str | None
    created_at: UtcDatetime
    refreshed_at: UtcDatetime
    expires_at: UtcDatetime
    current: bool = False


class PasswordChange(Input):
    current_password: Password
    new_password: NewPassword


class ResetRequest(Input):
    email: Email


class ResetConfirm(Input):
    token: Token
    new_password: NewPassword


class ApiKeyCreate(Input):
    name: Annotated[Line, Field(min_length=1, max_length=100)]
    scopes: frozenset[Scope] = Field(default=frozenset({Scope.READ, Scope.WRITE}), min_length=1)
    expires_at: FutureTime | None = None


class ApiKeyRead(Schema):
    id: UUID
    name: str
    prefix: str = Field(description="How the key begins, to tell keys apart.")
    scopes: list[Scope]
    created_at: UtcDatetime
    expires_at: UtcDatetime | None


class ApiKeyCreated(ApiKeyRead):
    key: str = Field(description="Shown this once; only its hash is kept.")


class InvitationCreate(Input):
    email: Email | None = Field(default=None, description="Who is invited; a mail is sent there.")
    role: Role = Role.MEMBER


class InvitationRead(Schema):
    id: UUID
    email: str | None
    role: Role
    inviter_id: UUID
    created_at: UtcDatetime
    expires_at: UtcDatetime
    accepted_at: UtcDatetime | None


class InvitationCreated(InvitationRead):
    link: str = Field(description="Whoever opens it can join once; pass it on with care.")
