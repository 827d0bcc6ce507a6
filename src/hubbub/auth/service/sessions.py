"""Signing in, refreshing, signing out."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from sqlalchemy import CursorResult, update

from hubbub.activity import service as activity
from hubbub.auth import queries
from hubbub.auth.errors import InvalidCredentials, InvalidToken, RefreshReused, SessionNotFound
from hubbub.auth.models import AuthSession, RefreshToken
from hubbub.auth.schemas import TokenPair
from hubbub.auth.service.revocations import announce_revocation
from hubbub.auth.tokens import Tokens, new_refresh_token
from hubbub.auth.types import Caller
from hubbub.kit.db.sessions import AsyncWriteSession
from hubbub.kit.ids import new_id
from hubbub.kit.outbox import Event, emit
from hubbub.users.models import User
from hubbub.users.queries import lock_user


class TokenStolen(Event):
    """A refresh token was used twice; one of the two is not the user's."""

    topic: ClassVar[str] = "auth.token_stolen"
    user_id: UUID


@dataclass(frozen=True, slots=True)
class Attempt:
    """A sign-in whose password has been checked already, outside of any transaction."""

    user: User | None
    address: str | None
    user_agent: str | None
    meant: UUID | None = None
    """Whose account it was, also when the password wasn't."""


async def sign_in(session: AsyncWriteSession, tokens: Tokens, attempt: Attempt) -> TokenPair:
    user = await _still_as_checked(session, attempt.user)
    if user is None:
        activity.record(
            session,
            "auth.sign_in_failed",
            actor_id=None,
            target_kind="user" if attempt.meant else None,
            target_id=attempt.meant,
        )
        raise InvalidCredentials
    row = AuthSession(
        id=new_id(),
        user_id=user.id,
        address=attempt.address,
        user_agent=attempt.user_agent[:200] if attempt.user_agent else None,
        expires_at=tokens.session_end(),
    )
    session.add(row)
    await session.flush()
    activity.record(
        session, "auth.signed_in", actor_id=user.id, target_kind="session", target_id=row.id
    )
    return _next_pair(session, tokens, user.id, row.id)


async def _still_as_checked(session: AsyncWriteSession, checked: User | None) -> User | None:
    """None for somebody who was deleted, deactivated or given another password while this one was
    being checked: the sessions that this ended must not be followed by one more."""
    user = await lock_user(session, checked.id) if checked is not None else None
    if user is None or checked is None or not user.is_active:
        return None
    return user if user.password_hash == checked.password_hash else None


def _next_pair(
    session: AsyncWriteSession, tokens: Tokens, user_id: UUID, session_id: UUID
) -> TokenPair:
    refresh = new_refresh_token()
    session.add(
        RefreshToken(session_id=session_id, fingerprint=tokens.refresh_fingerprint(refresh))
    )
    return TokenPair(
        access_token=tokens.make_access(user_id, session_id),
        expires_in=tokens.settings.access_minutes * 60,
        refresh_token=refresh,
    )


async def refresh(session: AsyncWriteSession, tokens: Tokens, token: str) -> TokenPair:
    now = tokens.now()
    known = await queries.find_refresh_token(session, tokens.refresh_fingerprint(token))
    if known is None:
        raise InvalidToken
    family, user = known.session, known.session.user
    if family.revoked_at is not None or family.expires_at <= now or not user.is_active:
        raise InvalidToken
    # compare and set: of two that come at once with one token, the second is the reuse
    first = await session.execute(
        update(RefreshToken)
        .where(RefreshToken.id == known.id, RefreshToken.used_at.is_(None))
        .values(used_at=now)
    )
    assert isinstance(first, CursorResult)  # noqa: S101 - what an UPDATE gives
    if first.rowcount == 0:
        await revoke_sessions(session, tokens, user.id, only=family.id)
        activity.record(
            session,
            "auth.refresh_reused",
            actor_id=None,
            target_kind="session",
            target_id=family.id,
        )
        emit(session, TokenStolen(user_id=user.id))
        raise RefreshReused
    await session.execute(
        update(AuthSession).where(AuthSession.id == family.id).values(refreshed_at=now)
    )
    return _next_pair(session, tokens, user.id, family.id)


async def sign_out(session: AsyncWriteSession, tokens: Tokens, caller: Caller) -> None:
    await revoke_sessions(session, tokens, caller.user_id, only=caller.session_id)
    activity.record(
        session,
        "auth.signed_out",
        actor_id=caller.user_id,
        target_kind="session",
        target_id=caller.session_id,
    )


async def end_session(
    session: AsyncWriteSession, tokens: Tokens, caller: Caller, session_id: UUID
) -> None:
    if not await revoke_sessions(session, tokens, caller.user_id, only=session_id):
        raise SessionNotFound
    activity.record(
        session,
        "auth.session_revoked",
        actor_id=caller.user_id,
        target_kind="session",
        target_id=session_id,
    )


async def end_other_sessions(session: AsyncWriteSession, tokens: Tokens, caller: Caller) -> None:
    ended = await revoke_sessions(session, tokens, caller.user_id, keep=caller.session_id)
    activity.record(session, "auth.sessions_revoked", actor_id=caller.user_id, count=ended)


async def revoke_sessions(
    session: AsyncWriteSession,
    tokens: Tokens,
    user_id: UUID,
    *,
    only: UUID | None = None,
    keep: UUID | None = None,
) -> int:
    """Ends the user's sessions, or one, or all but one; returns how many were still open."""
    statement = (
        update(AuthSession)
        .where(AuthSession.user_id == user_id, AuthSession.revoked_at.is_(None))
        .values(revoked_at=tokens.now())
    )
    if only is not None:
        statement = statement.where(AuthSession.id == only)
    if keep is not None:
        statement = statement.where(AuthSession.id != keep)
    result = await session.execute(statement)
    assert isinstance(result, CursorResult)  # noqa: S101 - what an UPDATE gives
    if result.rowcount:
        announce_revocation(session, user_id)
    return result.rowcount
